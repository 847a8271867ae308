"""A secret that comes back is found in every usual writing, whatever stands around it and however it is cut."""

import base64
import html
import itertools
import json
import quopri
import random
import time
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from connectors.gateway.answers.scrub import Scrubber

MASK = b"******"
SECRETS = {
    "letters and digits": "Lanting2026",
    "signs, first half": "Aa0 !\"#$%&'()+,-./",
    "signs, second half": ":;<=>?@[\\]^_`{|}~*Zz9",
    "signs that are escaped": "$&<>\"'\\%+ =/",
    "four": "x7Kq",
    "Chinese": "兰亭密码二零二六",
    "mixed": "兰亭@2026年",
    "emoji": "兰😀亭🐉2026",
    "repeats itself": "ababababab",
}


def every(code: Callable[[int], str]) -> Callable[[str], bytes]:
    return lambda secret: "".join(code(ord(one)) for one in secret).encode()


def units(form: str) -> Callable[[str], bytes]:
    def write(secret: str) -> bytes:
        coded = secret.encode("utf-16-be")
        return "".join(form % int.from_bytes(coded[at : at + 2]) for at in range(0, len(coded), 2)).encode()

    return write


def octets(form: str, charset: str = "utf-8") -> Callable[[str], bytes]:
    return lambda secret: "".join(form % value for value in secret.encode(charset)).encode()


def dumped(secret: str) -> str:
    return json.dumps(secret)[1:-1]


WRITINGS: dict[str, Callable[[str], bytes]] = {
    "plain": lambda secret: secret.encode(),
    "GB18030": lambda secret: secret.encode("gb18030"),
    "UTF-16LE": lambda secret: secret.encode("utf-16-le"),
    "UTF-16BE": lambda secret: secret.encode("utf-16-be"),
    "capitals": lambda secret: secret.upper().encode(),
    "small letters": lambda secret: secret.lower().encode(),
    "HTML": lambda secret: html.escape(secret).encode(),
    "HTML twice": lambda secret: html.escape(html.escape(secret)).encode(),
    "HTML in ASCII": lambda secret: html.escape(secret).encode("ascii", "xmlcharrefreplace"),
    "decimal entities": every(lambda code: f"&#{code};"),
    "decimal entities with zeros": every(lambda code: f"&#{code:07d};"),
    "decimal entities without an end": every(lambda code: f"&#{code}"),
    "decimal entities escaped": every(lambda code: f"&amp;#{code};"),
    "hexadecimal entities": every(lambda code: f"&#x{code:x};"),
    "hexadecimal entities in capitals": every(lambda code: f"&#X{code:05X};"),
    "address": lambda secret: quote(secret, safe="").encode(),
    "address of a form": lambda secret: quote_plus(secret).encode(),
    "address in GB18030": lambda secret: quote(secret.encode("gb18030"), safe="").encode(),
    "address twice": lambda secret: quote(quote(secret, safe=""), safe="").encode(),
    "address three times": lambda secret: quote(quote(quote(secret, safe=""), safe=""), safe="").encode(),
    "each byte as in an address": octets("%%%02x"),
    "JavaScript's escape()": units("%%u%04X"),
    "JSON": lambda secret: dumped(secret).encode(),
    "JSON in UTF-8": lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1].encode(),
    "JSON with escaped slashes": lambda secret: dumped(secret).replace("/", "\\/").encode(),
    "JSON in JSON": lambda secret: dumped(dumped(secret)).encode(),
    "JSON in JSON in JSON": lambda secret: dumped(dumped(dumped(secret))).encode(),
    "JSON in HTML": lambda secret: html.escape(dumped(secret)).encode(),
    "HTML in JSON": lambda secret: dumped(html.escape(secret)).encode(),
    "HTML in JSON safe for HTML": lambda secret: dumped(html.escape(secret)).replace("&", "\\u0026").encode(),
    "JSON in an address": lambda secret: quote(dumped(secret), safe="").encode(),
    "code units of scripts": units("\\u%04x"),
    "code units of scripts in capitals": units("\\u%04X"),
    "code points of scripts": every(lambda code: f"\\u{{{code:x}}}"),
    "Python": lambda secret: ascii(secret)[1:-1].encode(),
    "bytes of scripts": octets("\\x%02x"),
    "bytes of C": octets("\\%03o"),
    "hexadecimal": octets("%02x"),
    "hexadecimal in capitals": octets("%02X"),
    "hexadecimal of GB18030": octets("%02x", "gb18030"),
    "hexadecimal of UTF-16": octets("%02x", "utf-16-le"),
    "hexadecimal with colons": lambda secret: secret.encode().hex(":").encode(),
    "hexadecimal with spaces": lambda secret: secret.encode().hex(" ").encode(),
    "list of bytes": lambda secret: json.dumps(list(secret.encode())).encode()[1:-1],
    "list of Java's bytes": lambda secret: ",".join(
        str(value - 256 * (value > 127)) for value in secret.encode()
    ).encode(),
    "base64": lambda secret: base64.b64encode(secret.encode()),
    "base64 after one": lambda secret: base64.b64encode(b"u" + secret.encode() + b"\x00"),
    "base64 after two": lambda secret: base64.b64encode(b"u:" + secret.encode() + b"\n--"),
    "Basic": lambda secret: b"Basic " + base64.b64encode(b"zhang.san:" + secret.encode()),
    "base64 for addresses": lambda secret: base64.urlsafe_b64encode(b"\xfb\xff" + secret.encode()).rstrip(b"="),
    "base64 in an address": lambda secret: quote(base64.b64encode(b"\xfb\xff" + secret.encode()), safe="").encode(),
    "base64 in JSON of PHP": lambda secret: base64.b64encode(secret.encode()).replace(b"/", b"\\/"),
    "base64 of GB18030": lambda secret: base64.b64encode(secret.encode("gb18030")),
    "base64 of UTF-16": lambda secret: base64.b64encode(secret.encode("utf-16-le")),
    "base64 in lines": lambda secret: base64.encodebytes(bytes(50) + secret.encode()).replace(b"\n", b"\r\n"),
    "quoted-printable": lambda secret: quopri.encodestring(b"=" * 20 + secret.encode(), quotetabs=True),
    "SQL": lambda secret: secret.replace("'", "''").encode(),
    "a shell": lambda secret: "".join(
        "\\" + one if one.isascii() and not one.isalnum() else one for one in secret
    ).encode(),
}

# The bytes that a writing has before and after the secret: neighbours in base64, its padding, a scheme.
LEFT = {
    "base64": 2,
    "base64 after one": 5,
    "base64 after two": 8,
    "Basic": 22,
    "base64 for addresses": 2,
    "base64 in an address": 12,
    "base64 in JSON of PHP": 2,
    "base64 of GB18030": 2,
    "base64 of UTF-16": 2,
    "base64 in lines": 72,
    "quoted-printable": 66,
}


def scrubber(*secrets: str, charsets: tuple[str, ...] = ()) -> Scrubber:
    return Scrubber([bytearray(secret.encode()) for secret in secrets], charsets)


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("name", WRITINGS)
def test_the_secret_is_found_in_every_writing(secret: str, name: str) -> None:
    finding = scrubber(secret)
    written = WRITINGS[name](secret)
    freed = finding.scrub(b"<p>" + written + b"</p>")
    assert finding.found == 1
    assert finding.mask in freed
    assert freed.startswith(b"<p>")
    assert freed.endswith(b"</p>")
    assert not finding.carries(freed)
    # What is left beside the mask is of the bytes that the writing has before and after the secret.
    assert len(freed[3:-4].replace(finding.mask, b"")) <= LEFT.get(name, 0)


@pytest.mark.parametrize(
    ("charset", "secret"),
    [
        ("big5", "蘭亭密碼2026"),
        ("shift_jis", "パスワード2026"),
        ("iso-8859-1", "café-Ünïon"),
        ("euc-kr", "비밀번호2026"),
    ],
)
def test_the_secret_is_found_in_the_charset_of_the_page(charset: str, secret: str) -> None:
    written = secret.encode(charset)
    around = b"<td>%s</td>"
    assert scrubber(secret, charsets=(charset,)).scrub(around % written) == around % MASK
    assert scrubber(secret, charsets=(charset,)).scrub(around % quote(written).encode()) == around % MASK
    assert scrubber(secret, charsets=(charset,)).scrub(around % base64.b64encode(written)).startswith(b"<td>" + MASK)


@pytest.mark.parametrize("charset", ["no-such-charset", "utf-16", "base64", "idna", "\x00", "hex", "undefined"])
def test_a_label_that_is_no_charset_changes_nothing(charset: str) -> None:
    assert scrubber("Lanting2026", charsets=(charset,)).scrub(b"<Lanting2026>") == b"<" + MASK + b">"


@given(st.data())
def test_a_mixture_of_writings_is_found(drawn: st.DataObject) -> None:
    secret = drawn.draw(st.sampled_from(list(SECRETS.values())))
    ways = ("plain", "decimal entities", "hexadecimal entities", "address", "code units of scripts", "bytes of scripts")
    mixed = b"".join(WRITINGS[drawn.draw(st.sampled_from(ways))](one) for one in secret)
    finding = scrubber(secret)
    assert finding.scrub(b"<" + mixed + b">") == b"<" + finding.mask + b">"


@pytest.mark.parametrize(
    "broken", [b"=\r\n", b"=\n", b"\r\n", b"\n", b"\r\n ", b"\\n", b"\\r\\n", b"<br>", b"<br />", b"<wbr>"]
)
def test_a_secret_broken_over_lines_is_found(broken: bytes) -> None:
    assert scrubber("Lanting2026").scrub(b"<b>Lanting" + broken + b"2026</b>") == b"<b>" + MASK + b"</b>"


def test_digits_in_a_column_are_no_broken_secret() -> None:
    column = b"12\n34\n56\n"
    assert scrubber("1234").scrub(column) == column
    assert scrubber("1234").scrub(b"12=\r\n34") == MASK


TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
PASSWORDS = st.one_of(st.sampled_from(list(SECRETS.values())), TEXTS).filter(lambda text: len(text.encode()) >= 4)
FRAGMENTS = st.sampled_from(
    [
        b"&#x0",
        b"&#",
        b"&amp;",
        b"%25",
        b"%",
        b"\\u",
        b"\\",
        b"\\\\",
        b"=\r\n",
        b"\r\n",
        b" ",
        b"<br>",
        b"00",
        b"a",
        b";",
    ]
)


@st.composite
def answers_with_secrets(draw: st.DrawFn) -> tuple[str, bytes]:
    secret = draw(PASSWORDS)
    written = st.sampled_from([write(secret) for write in WRITINGS.values()])
    cut = st.builds(lambda text, at: text[: at % (len(text) + 1)], written, st.integers(0, 400))
    return secret, b"".join(draw(st.lists(st.one_of(written, cut, FRAGMENTS, st.binary(max_size=8)), max_size=8)))


@settings(max_examples=120, deadline=None)
@given(answers_with_secrets(), st.lists(st.integers(0, 2000), max_size=12))
def test_however_an_answer_is_cut_the_same_comes_out(case: tuple[str, bytes], cuts: list[int]) -> None:
    secret, answer = case
    whole = scrubber(secret)
    freed = whole.scrub(answer)
    cut = scrubber(secret)
    stream = cut.stream()
    places = [0, *sorted(at % (len(answer) + 1) for at in cuts), len(answer)]
    pieces = [stream.feed(answer[start:end]) for start, end in itertools.pairwise(places)]
    assert b"".join([*pieces, stream.finish()]) == freed
    assert cut.found == whole.found


@settings(max_examples=50, deadline=None)
@given(answers_with_secrets())
def test_an_answer_that_comes_byte_by_byte_is_freed_as_the_whole(case: tuple[str, bytes]) -> None:
    secret, answer = case
    finding = scrubber(secret)
    stream = finding.stream()
    freed = b"".join(stream.feed(answer[at : at + 1]) for at in range(len(answer)))
    assert freed + stream.finish() == scrubber(secret).scrub(answer)


@settings(max_examples=80, deadline=None)
@given(answers_with_secrets())
def test_no_secret_is_left(case: tuple[str, bytes]) -> None:
    secret, answer = case
    freed = scrubber(secret).scrub(answer)
    assume(not set(b"*!~.").issubset(secret.encode()))
    assert not scrubber(secret).carries(freed)
    assert secret.encode() not in freed


PLAIN = "QzXjWvKp9174"
PAGES = st.recursive(
    st.text(max_size=20) | st.integers() | st.booleans(),
    lambda inner: st.dictionaries(st.text(max_size=8), inner, max_size=5) | st.lists(inner, max_size=5),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=3000), PAGES.map(lambda page: json.dumps(page).encode())))
@example(b"&#x51" * 100 + b"\\u0051" * 100 + b"%51%7A%58%6A%57%76%4B%70%39%31%37")
def test_an_answer_without_the_secret_is_unchanged(answer: bytes) -> None:
    finding = scrubber(PLAIN, "兰亭密码二零二六")
    stream = finding.stream()
    assert finding.scrub(answer) == answer
    assert stream.feed(answer) + stream.finish() == answer
    assert finding.found == 0


@given(st.lists(st.tuples(st.sampled_from(["p", "td", "a", "input"]), st.text(max_size=30)), max_size=20))
def test_a_page_without_the_secret_is_unchanged(elements: list[tuple[str, str]]) -> None:
    page = "".join(f'<{name} title="{html.escape(text)}">{html.escape(text)}</{name}>' for name, text in elements)
    assert scrubber(PLAIN).scrub(page.encode()) == page.encode()


def test_only_what_may_begin_a_secret_is_held_back() -> None:
    """An event of a stream must not wait for the next one."""
    stream = scrubber("Lanting2026", "兰亭密码二零二六").stream()
    for event in (
        b'data: {"state": "done", "names": ["\\u5170", "x"]}\n\n',
        "数据：兰花。\n\n".encode(),
        b"<p>Hello</p>",
    ):
        assert stream.feed(event) == event
    assert stream.feed(b"<p>Lanting20") == b"<p>"
    assert stream.feed(b"26</p>") == MASK + b"</p>"
    assert stream.feed(b"<p>L&#97") == b"<p>"
    assert stream.feed(b"st</p>") == b"L&#97st</p>"


def test_what_is_held_back_stays_short() -> None:
    stream = scrubber("aaaaaaaaaaaaaaab").stream()
    fed = passed = 0
    for _ in range(200):
        piece = b"a" * 1000
        fed += len(piece)
        passed += len(stream.feed(piece))
        assert fed - passed < 2000


def test_secrets_are_found_far_behind() -> None:
    finding = scrubber("Lanting2026")
    stream = finding.stream()
    fed = b"".join(stream.feed(b"x" * 65536) for _ in range(80))
    assert fed + stream.feed(b"<Lanting2026>") == b"x" * (80 * 65536) + b"<" + MASK + b">"


def test_fields_are_freed() -> None:
    finding = scrubber("兰亭@2026年")
    value = quote("兰亭@2026年")
    raw = "兰亭@2026年".encode().decode("latin-1")
    fields = [("location", f"/in?p={value}&x=1"), ("x-seen", raw), ("x-other", "é")]
    assert finding.fields(fields) == [("location", "/in?p=******&x=1"), ("x-seen", "******"), ("x-other", "é")]
    assert finding.found == 2


def test_the_name_of_a_cookie_that_the_browser_has_sent_stays_whole() -> None:
    finding = scrubber("pyload")
    fields = [("set-cookie", "pyload_session=pyload; Path=/"), ("Set-Cookie", "pyload=1"), ("x-app", "pyload=1")]
    masked = [("Set-Cookie", "******=1"), ("x-app", "******=1")]
    known = finding.fields(fields, {"pyload_session"})
    assert known == [("set-cookie", "pyload_session=******; Path=/"), *masked]
    assert finding.fields(fields) == [("set-cookie", "******_session=******; Path=/"), *masked]


def test_the_longer_of_two_secrets_is_taken_whole() -> None:
    digest = "5f4dcc3b5aa765d61d8327deb882cf99"
    finding = scrubber("5f4d", digest)
    assert finding.scrub(b"<" + digest.upper().encode() + b"|5F4D>") == b"<" + MASK + b"|" + MASK + b">"


LONG = {
    "phrase": "correct horse & battery <staple>, 1 of 4 'words' at least 9",
    "Chinese phrase": "会当凌绝顶，一览众山小。" * 4,
    "signs": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~" * 4,
    "digest": "5f4dcc3b5aa765d61d8327deb882cf995f4dcc3b5aa765d61d8327deb882cf99",
}
LONG_WRITINGS = (
    *("plain", "GB18030", "capitals", "HTML", "decimal entities", "hexadecimal entities", "address", "address twice"),
    *("address in GB18030", "JSON", "JSON in UTF-8", "code units of scripts", "hexadecimal", "quoted-printable"),
)


@pytest.mark.parametrize("secret", LONG.values(), ids=LONG)
@pytest.mark.parametrize("name", LONG_WRITINGS)
def test_nothing_is_left_of_a_long_secret(secret: str, name: str) -> None:
    finding = scrubber(secret)
    freed = finding.scrub(b"<p>" + WRITINGS[name](secret) + b"</p>").replace(b"=\n", b"")
    if name == "quoted-printable":
        freed = freed.replace(b"=3D", b"")
    assert freed.replace(finding.mask, b"") == b"<p></p>"


@pytest.mark.parametrize("secret", LONG.values(), ids=LONG)
def test_no_more_than_a_digit_at_each_seam_is_left_of_a_long_secret_in_base64(secret: str) -> None:
    finding = scrubber(secret)
    freed = finding.scrub(base64.b64encode(b"zhang.san:" + secret.encode()))
    left = freed.removeprefix(b"emhhbmcuc2FuO").replace(finding.mask, b" ").rstrip(b"=")
    assert all(len(seam) <= 3 for seam in left.split(b" "))


@pytest.mark.parametrize("length", [344, 1366, 4096])
def test_a_cipher_is_found_and_nothing_of_it_is_left(length: int) -> None:
    cipher = base64.b64encode(random.Random(5).randbytes(length))[:length].decode()
    for written in (cipher, quote(cipher, safe=""), dumped(cipher).replace("/", "\\/")):
        freed = scrubber(cipher).scrub(f'{{"password":"{written}"}}'.encode())
        assert freed.replace(MASK, b"") == b'{"password":""}'


def test_what_is_no_text_is_found_as_bytes() -> None:
    secret = b"\xff\xfe\x00\x01\x80\x81"
    finding = Scrubber([secret])
    for written in (secret, b"%ff%fe%00%01%80%81", b"fffe00018081", base64.b64encode(secret)):
        assert finding.scrub(b"<" + written + b">") == b"<" + MASK + b">"


def test_a_secret_of_less_than_four_bytes_is_left_alone() -> None:
    finding = scrubber("abc", "")
    stream = finding.stream()
    assert finding.scrub(b"abc") == b"abc"
    assert stream.feed(b"ab") + stream.feed(b"c") + stream.finish() == b"abc"
    assert not finding.carries(b"abc")


def test_the_mask_makes_no_secret_with_what_stands_beside_it() -> None:
    finding = scrubber("ab**")
    assert not finding.carries(finding.scrub(b"abab**"))
    assert finding.scrub(b"-ab**-") == b"-!!!!!!-"


def test_a_common_word_is_taken_out_like_any_other() -> None:
    assert scrubber("login").scrub(b'<form action="/Login">') == b'<form action="/******">'


def test_an_answer_that_is_full_of_the_secret_is_cut_off() -> None:
    """However it comes: the count goes by the answer's bytes, not by the pieces."""
    answer = b"x7Kq " * 20000
    finding = scrubber("x7Kq")
    freed = finding.scrub(answer)
    assert finding.found < 2500
    assert len(freed) == finding.found * len(MASK + b" ") - 1
    stream = scrubber("x7Kq").stream()
    assert b"".join(stream.feed(answer[at : at + 777]) for at in range(0, len(answer), 777)) == freed
    assert stream.finish() == b""
    assert stream.is_cut


def test_a_wiped_scrubber_keeps_nothing_of_the_secret() -> None:
    finding = scrubber("Lanting2026")
    assert "Lanting" not in repr(finding)
    finding.wipe()
    assert b"Lanting2026" not in repr(vars(finding)).encode()
    with pytest.raises(ValueError, match="wiped"):
        finding.scrub(b"Lanting2026")


def test_the_secret_is_not_kept_by_the_module_of_expressions() -> None:
    import re2

    scrubber("Lanting2026").scrub(b"x")
    assert re2._Regexp._make.cache_info().currsize == 0


HOSTILE: dict[str, Callable[[str, int], bytes]] = {
    "beginnings of the secret": lambda secret, size: (secret[:-1].encode() * size)[:size],
    "first character": lambda secret, size: (secret[0].encode() * size)[:size],
    "entities that do not end": lambda _, size: (b"&#x0000" * size)[:size],
    "zeros": lambda _, size: b"&#x" + b"0" * size,
    "percent signs": lambda _, size: (b"%25252525" * size)[:size],
    "backslashes": lambda _, size: (b"\\\\\\\\u" * size)[:size],
    "only backslashes": lambda _, size: b"\\" * size,
    "line breaks": lambda secret, size: secret[0].encode() + b"\r\n" * (size // 2),
    "its base64, never whole": lambda secret, size: (base64.b64encode(secret.encode() * 3)[:-9] * size)[:size],
    "its hex, never whole": lambda secret, size: (secret.encode().hex(" ")[:-2].encode() * size)[:size],
    "noise of escapes": lambda secret, size: bytes(
        random.Random(7).choices(b"%&#;\\ux0256aA=\r\n" + secret.encode(), k=size)
    ),
    "the secret itself": lambda secret, size: (secret.encode() * size)[:size],
}


@pytest.mark.parametrize("secret", ["Lanting2026", "aaaaaaaaaaaaaaab", "兰亭密码二零二六", "x7" * 64])
@pytest.mark.parametrize("write", HOSTILE.values(), ids=HOSTILE)
def test_time_grows_with_the_answer_only(secret: str, write: Callable[[str, int], bytes]) -> None:
    """Sixteen times the answer takes about sixteen times as long: a quadratic search would take 256 times."""
    finding = scrubber(secret)
    small, large = write(secret, 32 * 1024), write(secret, 512 * 1024)
    finding.scrub(small)
    shortest = min(_seconds(finding, small) for _ in range(5))
    assert min(_seconds(finding, large) for _ in range(2)) < 80 * max(shortest, 0.0001)


def _seconds(finding: Scrubber, answer: bytes) -> float:
    start = time.thread_time()
    finding.scrub(answer)
    return time.thread_time() - start


def test_two_dozen_secrets_are_found_together_and_each_is_cheap() -> None:
    """One expression for all of them would have more states than the engine keeps: it would fall back to a slow way."""
    secrets = [f"Sêcret-{number}-{number * 7919 % 1000}x".encode() for number in range(24)]
    scrubber = Scrubber(secrets)
    assert len(scrubber.finders) == len(secrets)
    answer = b" ".join(secrets)
    shown = scrubber.scrub(answer)
    assert not any(secret in shown for secret in secrets)
    assert scrubber.found == len(secrets)
