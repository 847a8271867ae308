"""Whatever a system answers: what a browser takes is passed on, anything else is a clear error (RFC 9112)."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from ipaddress import ip_network
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import connectors.gateway.wire.answer
import connectors.gateway.wire.pool
import connectors.gateway.wire.sender
import connectors.gateway.wire.upstream
from connectors.errors import ConnectorError
from connectors.gateway.wire.answer_head import AnswerError, parse_head
from connectors.gateway.wire.framing import ChunkedFrames
from connectors.gateway.wire.request import Body
from connectors.gateway.wire.upstream import Upstream, UpstreamAnswer, UpstreamRequest
from connectors.origin import ExactOrigin
from core.outbound import Outbound
from core.trust import public_trust, trust_of
from tests.connectors.gateway.raw import answering, serving
from tests.core.certificates import Issued

ROOT = Issued("county", authority=True)
APPLIANCE = Issued("localhost.localdomain", authority=True)
OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: 5\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
END = b"\r\n"
ZIPPED = gzip.compress(b"hello")


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    upstream = Upstream(Outbound((ip_network("127.0.0.0/8"),)))
    yield upstream
    await upstream.close()


def to(origin: str, method: str = "GET", body: Body = None, *headers: tuple[str, str]) -> UpstreamRequest:
    return UpstreamRequest(method, ExactOrigin.parse(origin), "/a?b", [("host", "x"), *headers], body)


async def body_of(answer: UpstreamAnswer) -> bytes:
    pieces = []
    while piece := await answer.content.readany():
        pieces.append(piece)
    assert answer.content.at_eof()
    return b"".join(pieces)


TAKEN = {
    "plain": (OK + LENGTH + END + b"hello", 200, b"hello"),
    "a status of no standard": (b"HTTP/1.1 999 Request denied\r\n" + LENGTH + END + b"hello", 999, b"hello"),
    "no reason": (b"HTTP/1.1 200\r\n" + LENGTH + END + b"hello", 200, b"hello"),
    "two spaces": (b"HTTP/1.1  404  Not here\r\n" + LENGTH + END + b"hello", 404, b"hello"),
    "a reason in GBK": (b"HTTP/1.1 200 \xb3\xc9\xb9\xa6\r\n" + LENGTH + END + b"hello", 200, b"hello"),
    "lines end with LF": (b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", 200, b"hello"),
    "lines end in both ways": (b"HTTP/1.1 200 OK\nContent-Length: 5\r\n\nhello", 200, b"hello"),
    "an empty line first": (b"\r\n\r\n" + OK + LENGTH + END + b"hello", 200, b"hello"),
    "the same length twice": (OK + LENGTH + LENGTH + END + b"hello", 200, b"hello"),
    "the same length in a list": (OK + b"Content-Length: 5, 5\r\n" + END + b"hello", 200, b"hello"),
    "a length that is none": (OK + b"Content-Length: five\r\n" + END + b"hello", 200, b"hello"),
    "a negative length": (OK + b"Content-Length: -5\r\n" + END + b"hello", 200, b"hello"),
    "length and chunks": (OK + b"Content-Length: 2\r\n" + CHUNKED + END + b"5\r\nhello\r\n0\r\n\r\n", 200, b"hello"),
    "chunks": (OK + CHUNKED + END + b"2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nTrailer: t\r\n\r\n", 200, b"hello"),
    "chunks that end with LF": (OK + CHUNKED + END + b"5  \nhello\n0\n\n", 200, b"hello"),
    "no transfer coding": (OK + b"Transfer-Encoding: identity\r\n" + LENGTH + END + b"hello", 200, b"hello"),
    "HTTP/1.0 without a length": (b"HTTP/1.0 200 OK\r\n\r\nhello", 200, b"hello"),
    "HTTP/1.1 without a length": (OK + END + b"hello", 200, b"hello"),
    "more than its length": (OK + LENGTH + END + b"hello, and more", 200, b"hello"),
    "early hints": (
        b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + OK + LENGTH + END + b"hello",
        200,
        b"hello",
    ),
    "gzip": (OK + b"Content-Encoding: x-gzip\r\n" + END + ZIPPED, 200, b"hello"),
    "gzip that says identity too": (OK + b"Content-Encoding: identity, gzip\r\n" + END + ZIPPED, 200, b"hello"),
    "deflate with a header": (OK + b"Content-Encoding: deflate\r\n" + END + zlib.compress(b"hello"), 200, b"hello"),
    "deflate without one": (OK + b"Content-Encoding: deflate\r\n" + END + zlib.compress(b"hello")[2:-4], 200, b"hello"),
    "gzip of a known length that stops before its end": (
        OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % (len(ZIPPED) - 8) + ZIPPED[:-8],
        200,
        b"hello",
    ),
    "a part of a gzip file": (
        b"HTTP/1.1 206 Partial\r\nContent-Encoding: gzip\r\nContent-Range: bytes 2-6/9\r\n"
        + LENGTH + END + b"\x08\0\0\0\0",
        206,
        b"\x08\0\0\0\0",
    ),
    "a coding that nobody asked for": (OK + b"Content-Encoding: br\r\n" + LENGTH + END + b"hello", 200, b"hello"),
    "thousands of fields": (OK + b"X: y\r\n" * 8000 + LENGTH + END + b"hello", 200, b"hello"),
    "a field of 250 KiB": (OK + b"X: " + b"y" * 250_000 + b"\r\n" + LENGTH + END + b"hello", 200, b"hello"),
    "nothing": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    "a body where there is none": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello", 304, b""),
}  # fmt: skip
REFUSED = {
    "nothing at all": (b"", "ERR-UPSTREAM"),
    "no HTTP": (b"SSH-2.0-OpenSSH_9\r\n", "ERR-UPSTREAM_ANSWER"),
    "HTTP/0.9": (b"<html>hello</html>", "ERR-UPSTREAM_ANSWER"),
    "TLS": (b"\x15\x03\x01\x00\x02\x02\x0a", "ERR-UPSTREAM_ANSWER"),
    "no status": (b"HTTP/1.1 OK\r\n\r\n", "ERR-UPSTREAM_ANSWER"),
    "a status of four digits": (b"HTTP/1.1 2000 OK\r\n\r\n", "ERR-UPSTREAM_ANSWER"),
    "a status too low": (b"HTTP/1.1 099 OK\r\n\r\n", "ERR-UPSTREAM_ANSWER"),
    "another protocol unasked": (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", "ERR-UPSTREAM_ANSWER"),
    "interim answers without end": (b"HTTP/1.1 102 Processing\r\n\r\n" * 100, "ERR-UPSTREAM_ANSWER"),
    "two lengths": (OK + LENGTH + b"Content-Length: 6\r\n\r\nhello!", "ERR-UPSTREAM_ANSWER"),
    "two places to go": (b"HTTP/1.1 302 F\r\nLocation: /a\r\nLocation: /b\r\n\r\n", "ERR-UPSTREAM_ANSWER"),
    "half a head": (OK + b"Content-Len", "ERR-UPSTREAM_CUT"),
    "a head of 300 KiB": (OK + b"X: y\r\n" * 50_000 + b"\r\n", "ERR-UPSTREAM_ANSWER"),
    "half a body": (OK + LENGTH + END + b"hel", "ERR-UPSTREAM_CUT"),
    "half a chunk": (OK + CHUNKED + END + b"5\r\nhel", "ERR-UPSTREAM_CUT"),
    "chunks without an end": (OK + CHUNKED + END + b"5\r\nhello\r\n", "ERR-UPSTREAM_CUT"),
    "a chunk too long": (OK + CHUNKED + END + b"4\r\nhello\r\n0\r\n\r\n", "ERR-UPSTREAM_ANSWER"),
    "a size that is none": (OK + CHUNKED + END + b"-5\r\nhello\r\n0\r\n\r\n", "ERR-UPSTREAM_ANSWER"),
    "a size with a prefix": (OK + CHUNKED + END + b"0x5\r\nhello\r\n0\r\n\r\n", "ERR-UPSTREAM_ANSWER"),
    "a size of a world": (OK + CHUNKED + END + b"F" * 16 + b"\r\nhello", "ERR-UPSTREAM_ANSWER"),
    "a size line without end": (OK + CHUNKED + END + b"5;" + b"x" * 20_000, "ERR-UPSTREAM_ANSWER"),
    "gzip that is none": (OK + b"Content-Encoding: gzip\r\n" + LENGTH + END + b"hello", "ERR-UPSTREAM_ANSWER"),
    "gzip that breaks off": (OK + b"Content-Encoding: gzip\r\n\r\n" + ZIPPED[:-8], "ERR-UPSTREAM_CUT"),
}  # fmt: skip


@pytest.mark.parametrize("case", TAKEN)
async def test_what_a_browser_takes_is_taken(upstream: Upstream, case: str) -> None:
    raw, status, body = TAKEN[case]
    async with serving(answering(raw)) as origin, upstream.send(to(origin)) as answer:
        assert (answer.status, await body_of(answer)) == (status, body)


@pytest.mark.parametrize("case", REFUSED)
async def test_what_no_browser_takes_says_why(upstream: Upstream, case: str) -> None:
    raw, code = REFUSED[case]
    with pytest.raises(ConnectorError) as refused:
        async with serving(answering(raw)) as origin, upstream.send(to(origin)) as answer:
            await body_of(answer)
    assert (refused.value.code, refused.value.status) == (code, 502)


async def test_what_is_wrong_from_the_first_byte_is_said_before_the_answer_is_given(upstream: Upstream) -> None:
    async with serving(answering(REFUSED["gzip that is none"][0])) as origin:
        with pytest.raises(ConnectorError, match="ERR-UPSTREAM_ANSWER"):
            await upstream.send(to(origin)).__aenter__()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"X-A: b", ("x-a", "b")),
        (b"X-A:b", ("x-a", "b")),
        (b"X-A : b", ("x-a", "b")),
        (b"X-A: b\x00\x01\r c\t", ("x-a", "b   c")),
        (b"X-A: \xd6\xd0", ("x-a", "\xd6\xd0")),
        (b"X-A: a\r\n b\r\n\tc", ("x-a", "a b c")),
        (b"X-A:", ("x-a", "")),
        (b"X A: b", None),
        (b"X\xd6: b", None),
        (b": b", None),
        (b"no colon", None),
        (b"Set-Cookie: a=\x01b", None),
    ],
)
def test_a_field_is_read_as_browsers_read_it(line: bytes, expected: tuple[str, str] | None) -> None:
    assert parse_head(OK + line + b"\r\n\r\n").headers == ((expected,) if expected else ())


@given(st.binary(max_size=200))
def test_no_field_can_carry_another_one(noise: bytes) -> None:
    """Response splitting: what is sent on has no character that ends a line, whatever was received."""
    try:
        head = parse_head(OK + b"A: " + noise + b"\r\n\r\n")
    except AnswerError:
        return
    for name, value in head.headers:
        assert not set(name) & set("\r\n\x00 :")
        assert all(char == "\t" or (char >= " " and char != "\x7f") for char in value)


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=5), st.lists(st.integers(0, 300)))
def test_chunks_are_read_alike_however_they_are_cut(chunks: list[bytes], cuts: list[int]) -> None:
    raw = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    edges = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
    frames = ChunkedFrames()
    assert b"".join(frames.feed(raw[start:end]) for start, end in pairwise(edges)) == b"".join(chunks)
    assert frames.done
    assert not frames.surplus


BOMB = gzip.compress(bytes(50 * 1024 * 1024))
CRUMBS = b"1\r\n<\r\n" * 50_000 + b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("raw", "whole", "most"),
    [
        (b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB, 50 * 1024 * 1024, 64 * 1024),
        (b"Transfer-Encoding: chunked\r\n\r\n" + CRUMBS, 50_000, 1024),
    ],
    ids=["a bomb", "crumbs"],
)
async def test_what_costs_much_is_given_in_small_pieces_while_others_are_served(
    upstream: Upstream, raw: bytes, whole: int, most: int
) -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with serving(answering(OK + raw)) as origin, upstream.send(to(origin)) as answer:
        other = asyncio.create_task(others())
        size, largest = 0, 0
        while piece := await answer.content.readany():
            size, largest = size + len(piece), max(largest, len(piece))
        other.cancel()
    assert size == whole
    assert largest <= most
    assert turns >= size // most


# Connections


@pytest.mark.parametrize(
    ("first", "kept"),
    [
        (OK + LENGTH + END + b"hello", True),
        (OK + CHUNKED + END + b"0\r\n\r\n", True),
        (OK + LENGTH + END + b"hello, and more", False),
        (OK + LENGTH + b"Connection: close\r\n" + END + b"hello", False),
        (OK + b"Content-Length: 5\r\n" + CHUNKED + END + b"5\r\nhello\r\n0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\n" + LENGTH + END + b"hello", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + LENGTH + END + b"hello", True),
    ],
)
async def test_a_connection_is_used_again_only_when_nothing_can_be_left_on_it(
    upstream: Upstream, first: bytes, kept: bool
) -> None:
    """What a server sends too much is never taken for the answer of somebody's next request."""
    connections = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await answering(first, first, stays=True)(reader, writer)

    async with serving(script) as origin:
        for _ in range(2):
            async with upstream.send(to(origin)) as answer:
                await body_of(answer)
    assert connections == (1 if kept else 2)


async def test_a_connection_is_not_shared_by_two_persons(upstream: Upstream) -> None:
    """Some systems sign a connection in (NTLM): whoever sends over it is that person."""
    connections = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await answering(OK + LENGTH + END + b"hello", OK + LENGTH + END + b"hello", stays=True)(reader, writer)

    async with serving(script) as origin:
        for person in ("a", "b", "a"):
            request = UpstreamRequest("GET", ExactOrigin.parse(origin), "/", [], None, person=person)
            async with upstream.send(request) as answer:
                await body_of(answer)
    assert connections == 2


@pytest.mark.parametrize(("method", "times"), [("GET", 3), ("POST", 2)])
async def test_only_what_changes_nothing_is_sent_again_when_a_kept_connection_is_dead(
    upstream: Upstream, method: str, times: int
) -> None:
    """DESIGN §4.15: a password is sent once."""
    requests = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        await reader.readuntil(b"\r\n\r\n")
        requests += 1
        writer.write(OK + LENGTH + END + b"hello")
        await reader.readuntil(b"\r\n\r\n")
        requests += 1

    async with serving(script) as origin:
        async with upstream.send(to(origin)) as answer:
            await body_of(answer)
        body, header = (None, ()) if method == "GET" else (b"x", (("content-length", "1"),))
        said: AbstractContextManager[Any] = (
            nullcontext() if method == "GET" else pytest.raises(ConnectorError, match="ERR-UPSTREAM:")
        )
        with said:
            async with upstream.send(to(origin, method, body, *header)) as answer:
                assert await body_of(answer) == b"hello"
    assert requests == times


async def test_a_system_that_says_nothing_does_not_answer(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connectors.gateway.wire.upstream, "SILENCE_SECONDS", 0.05)
    async with serving(answering(b"", stays=True)) as origin:
        with pytest.raises(ConnectorError, match=r"ERR-UPSTREAM:"):
            await upstream.send(to(origin)).__aenter__()


async def test_a_body_that_stops_coming_is_cut(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connectors.gateway.wire.answer, "SILENCE_SECONDS", 0.05)
    async with serving(answering(OK + LENGTH + END + b"hel", stays=True)) as origin:
        with pytest.raises(ConnectorError, match="ERR-UPSTREAM_CUT"):
            async with upstream.send(to(origin)) as answer:
                await body_of(answer)


@pytest.mark.parametrize(
    ("named", "error"),
    [
        (None, "ERR-UPSTREAM_TLS"),
        (ROOT.pem, None),
        (Issued("another", authority=True).pem, "ERR-UPSTREAM_TLS"),
        (APPLIANCE.pem, "ERR-UPSTREAM_TLS"),
    ],
)
async def test_nothing_is_sent_to_a_server_that_is_not_believed(
    upstream: Upstream, tmp_path: Path, named: str | None, error: str | None
) -> None:
    """DESIGN §4.16."""
    requests = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        await reader.readuntil(b"\r\n\r\n")
        requests += 1
        writer.write(OK + LENGTH + END + b"hello")

    trust = public_trust() if named is None else trust_of(named)
    leaf = Issued("oa", ROOT, address="127.0.0.1")
    refused = pytest.raises(ConnectorError, match=error) if error else nullcontext()
    async with serving(script, leaf.serves(tmp_path)) as origin:
        with refused:
            async with upstream.send(UpstreamRequest("GET", ExactOrigin.parse(origin), "/", [], None, trust)) as answer:
                assert await body_of(answer) == b"hello"
    assert requests == (0 if error else 1)


async def test_a_server_is_believed_by_its_own_certificate_whatever_name_it_has(
    upstream: Upstream, tmp_path: Path
) -> None:
    async with serving(answering(OK + LENGTH + END + b"hello"), APPLIANCE.serves(tmp_path)) as origin:
        request = UpstreamRequest("GET", ExactOrigin.parse(origin), "/", [], None, trust_of(APPLIANCE.pem))
        async with upstream.send(request) as answer:
            assert await body_of(answer) == b"hello"


# Requests


async def test_a_request_is_written_as_browsers_write_it(upstream: Upstream) -> None:
    received = b""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal received
        received = await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(3)
        writer.write(OK + LENGTH + END + b"hello")

    request = ("POST", bytearray(b"a=b"), ("content-length", "3"), ("x-a", "\xd6"), ("cookie", "c" * 65536))
    async with serving(script) as origin, upstream.send(to(origin, *request)) as answer:
        await body_of(answer)
    expected = b"POST /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nX-A: \xd6\r\nCookie: " + b"c" * 65536
    assert received == expected + b"\r\n\r\na=b"


@pytest.mark.parametrize("method", ["TRACE", "trace", "CONNECT", "TRACK", "TRACE ", "GET /x HTTP/1.1\r\nA:", ""])
async def test_a_method_that_sends_back_or_makes_a_tunnel_goes_nowhere(upstream: Upstream, method: str) -> None:
    with pytest.raises(ConnectorError) as refused:
        await upstream.send(to("http://127.0.0.1:1", method)).__aenter__()
    assert (refused.value.code, refused.value.status) == ("ERR-METHOD", 405)


async def pieces(*sent: bytes) -> AsyncIterator[bytes]:
    for piece in sent:
        yield piece


async def stalled() -> AsyncIterator[bytes]:
    yield b"12"
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("body", "length", "code"),
    [
        (pieces(b"123", b"456"), "5", "ERR-BODY"),
        (pieces(b"12"), "5", "ERR-BODY"),
        (stalled(), "5", "ERR-STALLED"),
        (stalled(), None, "ERR-STALLED"),
    ],
)
async def test_a_body_that_is_not_as_announced_is_never_whole_for_the_system(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, body: AsyncIterator[bytes], length: str | None, code: str
) -> None:
    monkeypatch.setattr(connectors.gateway.wire.sender, "STALLED_SECONDS", 0.05)
    got: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        got.set_result(await reader.read())

    async with serving(script) as origin:
        with pytest.raises(ConnectorError, match=code):
            async with upstream.send(to(origin, "POST", body, *((("content-length", length),) if length else ()))):
                pass
        try:
            sent = await got
        except OSError:
            return
    assert sent.replace(b"2\r\n12\r\n", b"") in (b"", b"12", b"123")
    assert b"0\r\n\r\n" not in sent


async def test_a_server_that_answers_without_reading_is_heard(upstream: Upstream) -> None:
    """413 before the body has come: its sender is stopped, and the connection is not used again."""

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536

    async with (
        serving(answering(b"HTTP/1.1 413 Too Large\r\n" + LENGTH + END + b"hello", stays=True)) as origin,
        upstream.send(to(origin, "POST", endless())) as answer,
    ):
        assert (answer.status, await body_of(answer)) == (413, b"hello")


async def test_an_upload_waits_for_a_server_that_takes_nothing(upstream: Upstream) -> None:
    """Memory is bounded: what the server does not take is not read from the browser."""
    given = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal given
        for _ in range(1000):
            given += 65536
            yield b"x" * 65536

    release = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await release.wait()
        while not (await reader.read(65536)).endswith(b"0\r\n\r\n"):
            pass
        writer.write(OK + LENGTH + END + b"hello")

    async with serving(script) as origin:
        sending = asyncio.create_task(upstream.send(to(origin, "POST", counted())).__aenter__())
        before = -1
        while before != given:
            before = given
            await asyncio.sleep(0.05)
        assert given < 20 * 1024 * 1024
        release.set()
        assert (await sending).status == 200
    assert given == 1000 * 65536


@pytest.mark.parametrize(
    ("name", "value"), [("x", "a\r\nEvil: b"), ("x", "a\nb"), ("x", "a\rb"), ("x\r\ny", "z"), ("x", "a\x00")]
)
async def test_no_field_becomes_another_request(upstream: Upstream, name: str, value: str) -> None:
    """RFC 9112 §11.1."""
    async with serving(answering(OK + LENGTH + END + b"hello")) as origin:
        for body in (None, b""):
            with pytest.raises(ConnectorError, match="ERR-HEADER"):
                await upstream.send(to(origin, "GET", body, (name, value))).__aenter__()


@pytest.mark.parametrize("target", ["/a b", "/a\r\nb", "a", "//\x7f", "/溪", "http://evil/"])
async def test_a_target_stays_in_its_line(upstream: Upstream, target: str) -> None:
    with pytest.raises(ConnectorError, match="ERR-PATH"):
        await upstream.send(
            UpstreamRequest("GET", ExactOrigin.parse("http://127.0.0.1:1"), target, [], None)
        ).__aenter__()


async def test_one_person_does_not_take_a_system_from_another(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connectors.gateway.wire.pool, "_PER_PERSON", 2)
    monkeypatch.setattr(connectors.gateway.wire.pool, "_CONNECT_SECONDS", 0.2)

    def of(person: str) -> AbstractAsyncContextManager[UpstreamAnswer]:
        return upstream.send(UpstreamRequest("GET", ExactOrigin.parse(origin), "/", [], None, person=person))

    async with serving(answering(OK + LENGTH + END, stays=True)) as origin, of("greedy"), of("greedy"):
        with pytest.raises(ConnectorError, match="ERR-UPSTREAM_BUSY"):
            await of("greedy").__aenter__()
        async with of("another") as answer:
            assert answer.status == 200
        async with of("another") as answer:
            assert answer.status == 200
    async with serving(answering(OK + LENGTH + END + b"hello")) as origin, of("greedy") as answer:
        assert await body_of(answer) == b"hello"


@pytest.mark.parametrize(
    "address", ["http://10.9.9.9", "http://169.254.169.254", "http://[::1]:1", "http://localhost:1"]
)
async def test_no_address_outside_the_allowed_networks_is_connected_to(upstream: Upstream, address: str) -> None:
    with pytest.raises(ConnectorError, match=r"ERR-UPSTREAM:"):
        await upstream.send(to(address)).__aenter__()
