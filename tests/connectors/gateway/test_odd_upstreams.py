"""Odd systems behind the whole gateway: never a broken connection where there is something to say."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest

from tests.connectors.gateway.browser import NAVIGATION, Browser
from tests.connectors.gateway.conftest import AddSystem, Open
from tests.connectors.gateway.raw import answering, serving
from tests.connectors.gateway.upstream import LegacyServer
from tests.connectors.gateway.wire import exchange

Ask = Callable[[bytes], Awaitable[Browser]]
OK = b"HTTP/1.1 200 OK\r\n"
HTML = b"Content-Type: text/html\r\n"


@pytest.fixture
async def ask(add_system: AddSystem, open_browser: Open) -> AsyncIterator[Ask]:
    """A browser that has signed in to a system which answers everything with these bytes."""
    servers = []

    async def ask(raw: bytes) -> Browser:
        server = serving(answering(raw))
        servers.append(server)
        await add_system(upstream=await server.__aenter__())
        browser = await open_browser()
        await browser.sign_in()
        return browser

    yield ask
    for server in servers:
        await server.__aexit__(None, None, None)


@pytest.mark.parametrize(
    ("raw", "status", "error", "text"),
    [
        (b"HTTP/1.1 999 Denied\r\nContent-Length: 5\r\n\r\nhello", 999, None, "hello"),
        (b"HTTP/1.1 200\nX-A: \x01b\nX-A B: c\n" + HTML + b"\n<p>hello</p>", 200, None, "hello"),
        (b"HTTP/1.0 500 Oops\r\nSet-Cookie: a=\x02\r\n\r\nhello", 500, None, "hello"),
        (OK + HTML + b"X: " + b"y" * 200_000 + b"\r\n\r\n<p>hello</p>", 200, None, "hello"),
        (OK + HTML + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"<p>hello</p>", mtime=0), 200, None, "hello"),
        (b"HTTP/1.1 099 No\r\n\r\n", 502, "ERR-UPSTREAM_ANSWER", "无法识别"),
        (b"SSH-2.0-OpenSSH_9\r\n", 502, "ERR-UPSTREAM_ANSWER", "无法识别"),
        (
            b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            502,
            "ERR-UPSTREAM_ANSWER",
            "无法识别",
        ),
        (OK + HTML + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 502, "ERR-UPSTREAM_ANSWER", "无法识别"),
        (OK + HTML + b"Content-Encoding: gzip\r\n\r\nhello", 502, "ERR-UPSTREAM_ANSWER", "无法识别"),
        (OK + HTML + b"Content-Length: 50\r\n\r\n<p>hello</p>", 502, "ERR-UPSTREAM_CUT", "中断"),
        (OK + HTML + b"Transfer-Encoding: chunked\r\n\r\nZ\r\nhello", 502, "ERR-UPSTREAM_ANSWER", "无法识别"),
        (b"", 502, "ERR-UPSTREAM", "没有应答"),
    ],
)
async def test_a_browser_sees_the_answer_or_what_is_wrong_with_it(
    ask: Ask, capsys: pytest.CaptureFixture[str], raw: bytes, status: int, error: str | None, text: str
) -> None:
    browser = await ask(raw)
    answer = await browser.get("/page")
    assert (answer.status, answer.error) == (status, error)
    assert text in answer.text
    assert "ERR-INTERNAL" not in answer.text
    assert "Traceback" not in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    "framing",
    [b"Content-Length: 100\r\n\r\nhalf", b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", b"\r\n"],
)
async def test_an_answer_that_breaks_off_later_is_seen_to_be_incomplete(
    ask: Ask, capsys: pytest.CaptureFixture[str], framing: bytes
) -> None:
    """Sent with our own framing, an answer without its end cannot pass for a whole one."""
    coded = (
        b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(bytes(range(256)) * 999)[:-9]
        if framing == b"\r\n"
        else framing
    )
    browser = await ask(OK + b"Content-Type: application/pdf\r\n" + coded)
    with pytest.raises(aiohttp.ClientPayloadError):
        await browser.fetch("/file")
    assert "Traceback" not in "".join(capsys.readouterr())


@pytest.mark.parametrize("method", [b"TRACE", b"TRACK", b"CONNECT"])
async def test_a_method_that_sends_back_goes_to_no_system(cadre: Browser, legacy: LegacyServer, method: bytes) -> None:
    before = len(legacy.received)
    status, answer = await exchange(cadre, method + b" / HTTP/1.1", b"")
    # The server itself knows no TRACK.
    assert status == (400 if method == b"TRACK" else 405), answer
    assert len(legacy.received) == before


@pytest.mark.parametrize("field", ["x-http-method-override", "x-method-override", "x-http-method", "X_HTTP_Method"])
async def test_no_field_makes_another_method_of_it(cadre: Browser, legacy: LegacyServer, field: str) -> None:
    await cadre.send("POST", "/x", headers={**NAVIGATION, "sec-fetch-site": "same-origin", field: " trace"}, body=b"a")
    assert "trace" not in str(legacy.last.headers).lower()


async def test_cookies_of_64_kilobytes_reach_the_system(cadre: Browser, legacy: LegacyServer) -> None:
    cadre.jar["oa"]["big"] = "c" * 64 * 1024
    await cadre.get("/page")
    assert legacy.last.all("cookie") == ["big=" + "c" * 64 * 1024]


async def test_a_browser_that_waits_for_leave_to_send_gets_it(cadre: Browser, legacy: LegacyServer) -> None:
    """RFC 9110 §10.1.1: the gateway says 100 Continue itself."""
    status, _ = await asyncio.wait_for(
        exchange(cadre, b"POST /up HTTP/1.1", b"Expect: 100-continue\r\nContent-Length: 3\r\n", b"abc"), 10
    )
    assert status in (100, 200)
    assert legacy.posted("/up") == [b"abc"]
    assert legacy.last.get("expect") is None
