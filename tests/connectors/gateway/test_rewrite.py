"""Addresses of the legacy origin in bodies: the same result however the body is cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.gateway.wire.rewrite import OriginMap, is_rewritable
from connectors.origin import ExactOrigin
from tests.cpu import least_seconds

ORIGINS = OriginMap(ExactOrigin.parse("http://10.3.2.1:8080"), "https://oa.gw.example")
PLAIN = OriginMap(ExactOrigin.parse("https://oa.qx.gov.cn"), "http://oa.localhost:8000")
FRAGMENTS = st.sampled_from(
    [b"http://10.3.2.1:8080", b"http:", b"//", b"10.3.2.1:8080", b"/", b"1", b".evil", b"\\/\\/10.3.2.1:8080",
     b"http:\\/\\/10.3.2.1:8080\\/a", b"http%3A%2F%2F10.3.2.1%3A8080%2F", b"HTTP://10.3.2.1:8080/", "溪".encode(),
     "溪h".encode("gbk"), b"\x00", b"https://10.3.2.1:8080/", b"http://10.3.2.1:80801/"]
)  # fmt: skip


@given(st.lists(FRAGMENTS | st.binary(max_size=6), max_size=12).map(b"".join), st.lists(st.integers(0, 200)))
def test_a_body_in_pieces_is_rewritten_as_the_whole(body: bytes, cuts: list[int]) -> None:
    edges = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    rewriter = ORIGINS.stream()
    pieces = [body[start:end] for start, end in pairwise(edges)]
    got = b"".join(part for piece in pieces for part in rewriter.feed(piece)) + rewriter.finish()
    assert got == ORIGINS.rewrite(body)


@given(st.binary(max_size=200))
def test_a_body_without_the_origin_is_left_alone(body: bytes) -> None:
    if b"10.3.2.1" not in body:
        assert ORIGINS.rewrite(body) == body


def test_every_way_of_writing_an_address_is_known() -> None:
    written = {
        b'<a href="http://10.3.2.1:8080/a">': b'<a href="https://oa.gw.example/a">',
        b"url(//10.3.2.1:8080/a.png)": b"url(//oa.gw.example/a.png)",
        b'"http:\\/\\/10.3.2.1:8080\\/a"': b'"https:\\/\\/oa.gw.example\\/a"',
        b"?to=http%3A%2F%2F10.3.2.1%3A8080%2Fa": b"?to=https%3A%2F%2Foa.gw.example%2Fa",
        b"?to=http%3a%2f%2f10.3.2.1%3a8080%2fa": b"?to=https%3A%2F%2Foa.gw.example%2fa",
        b"'\\u002F\\u002F10.3.2.1:8080'": b"'\\u002F\\u002Foa.gw.example'",
    }
    for body, expected in written.items():
        assert ORIGINS.rewrite(body) == expected


def test_another_host_or_port_is_no_match() -> None:
    for body in (
        b"http://10.3.2.1:80801/",
        b"http://10.3.2.1:8080.evil/",
        b"http://10.3.2.10:8080/",
        b"//110.3.2.1:8080",
    ):
        assert ORIGINS.rewrite(body) == body


def test_the_schemes_own_port_may_be_written_and_the_other_scheme_too() -> None:
    """A server behind a TLS front often writes http:// into its own addresses."""
    assert PLAIN.rewrite(b"https://oa.qx.gov.cn:443/a") == b"http://oa.localhost:8000/a"
    assert PLAIN.rewrite(b"http://oa.qx.gov.cn/a") == b"http://oa.localhost:8000/a"
    assert PLAIN.rewrite(b"http:\\/\\/oa.qx.gov.cn\\/a") == b"http:\\/\\/oa.localhost:8000\\/a"


@pytest.mark.parametrize(
    "body",
    [
        b"ftp://10.3.2.1:8080/x",
        b"jdbc:mysql://10.3.2.1:8080/oa",
        b"ldap%3A%2F%2F10.3.2.1%3A8080",
        b"//10.3.2.1%3A8080",
        b"%2F%2F10.3.2.1%3A80801",
        b"10.3.2.1:8080",
        b"/10.3.2.1:8080",
    ],
)
def test_what_is_no_web_address_of_the_system_stays(body: bytes) -> None:
    assert ORIGINS.rewrite(body) == body


def test_another_port_in_an_address_inside_an_address_stays() -> None:
    assert PLAIN.rewrite(b"%2F%2Foa.qx.gov.cn%3A9000") == b"%2F%2Foa.qx.gov.cn%3A9000"
    assert PLAIN.rewrite(b"%2F%2Foa.qx.gov.cn%2F") == b"%2F%2Foa.localhost%3A8000%2F"


def test_a_scheme_that_a_script_puts_there_is_no_other_scheme() -> None:
    assert ORIGINS.rewrite(b'proto + "://10.3.2.1:8080/"') == b'proto + "://oa.gw.example/"'


def test_sockets_get_the_scheme_that_their_page_needs() -> None:
    assert ORIGINS.rewrite(b"ws://10.3.2.1:8080/s") == b"wss://oa.gw.example/s"
    assert PLAIN.rewrite(b"wss:\\/\\/oa.qx.gov.cn\\/s") == b"ws:\\/\\/oa.localhost:8000\\/s"


def test_a_system_that_is_told_the_gateways_address_gets_it_everywhere() -> None:
    told = OriginMap(ORIGINS.upstream, ORIGINS.gateway_origin, "gateway")
    assert told.told_authority == "oa.gw.example"
    assert told.to_upstream("https://oa.gw.example/x") == "https://oa.gw.example/x"
    assert told.query_to_upstream("/a?to=https://oa.gw.example/") == "/a?to=https://oa.gw.example/"
    assert told.rewrite(b"http://10.3.2.1:8080/") == b"https://oa.gw.example/"


@pytest.mark.parametrize("unit", [b"/", b"http:", b"http://10.3.2.1:808", b"//10.3.2.1:80801", b"%2F", b"\\/", b"H"])
def test_the_cost_is_linear_whatever_a_page_holds(unit: bytes) -> None:
    """Eight times the bytes take about eight times as long; anything worse would take sixty-four times."""
    small, large = (unit * (size // len(unit)) for size in (256 * 1024, 2 * 1024 * 1024))
    assert _cost(large) < 24 * _cost(small) + 0.05


def _cost(body: bytes) -> float:
    return least_seconds(lambda: ORIGINS.rewrite(body))


def test_only_text_is_rewritten() -> None:
    assert is_rewritable("text/html; charset=gbk")
    assert is_rewritable("application/problem+json")
    assert not is_rewritable("application/octet-stream")
    assert not is_rewritable("image/svg")
    assert not is_rewritable("text/event-stream-x")
