"""One request through the gateway: bytes pass as they are, in both directions, as they come."""

import asyncio
import gzip
import hashlib
import zlib
from collections.abc import AsyncIterator

import pytest
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from connectors.systems import System
from demo.serving import Listener
from tests.connectors.gateway.browser import NAVIGATION, SCRIPT, Browser
from tests.connectors.gateway.conftest import AddSystem
from tests.connectors.gateway.upstream import LegacyServer
from tests.connectors.gateway.wire import exchange

BINARY = hashlib.shake_256(b"yimen").digest(700_000)


async def test_a_download_passes_byte_for_byte(cadre: Browser, legacy: LegacyServer) -> None:
    legacy.answers["GET /file"] = Response(BINARY, media_type="application/octet-stream", headers={"etag": '"1"'})
    answer = await cadre.fetch("/file")
    assert answer.body == BINARY
    assert answer.get("content-length") == str(len(BINARY))
    assert answer.get("etag") == '"1"'


async def test_a_part_of_a_download_is_that_part(cadre: Browser, legacy: LegacyServer) -> None:
    legacy.answers["GET /file"] = Response(b"bcd", 206, {"content-range": "bytes 1-3/9"}, "application/pdf")
    answer = await cadre.fetch("/file", range="bytes=1-3")
    assert (answer.status, answer.body, answer.get("content-range")) == (206, b"bcd", "bytes 1-3/9")
    assert legacy.last.get("range") == "bytes=1-3"


async def test_an_answer_is_passed_on_while_it_comes(cadre: Browser, legacy: LegacyServer) -> None:
    seen, ended = asyncio.Event(), asyncio.Event()

    async def events() -> AsyncIterator[bytes]:
        try:
            yield b"data: 1\n\n"
            await asyncio.wait_for(seen.wait(), 10)
            yield b"data: 2\n\n"
            await asyncio.Event().wait()
        finally:
            ended.set()

    legacy.answers["GET /events"] = StreamingResponse(events(), media_type="text/event-stream")
    async with cadre.open("GET", "/events", headers=SCRIPT) as response:
        assert await response.content.readany() == b"data: 1\n\n"
        seen.set()
        assert await response.content.readany() == b"data: 2\n\n"
        response.close()
    # The legacy server is told that nobody listens any more.
    await asyncio.wait_for(ended.wait(), 10)


@pytest.mark.parametrize("announced", [True, False])
async def test_an_upload_passes_byte_for_byte(cadre: Browser, legacy: LegacyServer, announced: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(BINARY), 60_000):
            yield BINARY[start : start + 60_000]

    legacy.answers["POST /upload"] = lambda received: PlainTextResponse(hashlib.sha256(received.body).hexdigest())
    answer = await cadre.fetch("/upload", "POST", BINARY if announced else pieces(), content_type="application/pdf")
    assert answer.text == hashlib.sha256(BINARY).hexdigest()
    assert legacy.last.all("content-length") == ([str(len(BINARY))] if announced else [])


async def test_an_answer_that_begins_before_the_upload_ends_is_whole(browser: Browser, add_system: AddSystem) -> None:
    """Two readers of one body would rob each other."""
    got: list[bytes] = []

    async def hasty(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"begun,", "more_body": True})
        more = True
        while more:
            message = await receive()
            got.append(message.get("body", b""))
            more = message.get("more_body", False)
        await send({"type": "http.response.body", "body": b"ended"})

    listener = Listener()
    await listener.start(hasty)
    try:
        await add_system("oa", upstream=listener.origin)
        await browser.sign_in()
        begun = asyncio.Event()

        async def pieces() -> AsyncIterator[bytes]:
            yield b"1" * 1000
            await begun.wait()
            yield b"2" * 1000

        async with browser.open("POST", "/upload", headers=SCRIPT, body=pieces()) as response:
            first = await response.content.readany()
            begun.set()
            assert first + await response.content.read() == b"begun,ended"
        assert b"".join(got) == b"1" * 1000 + b"2" * 1000
    finally:
        await listener.stop()


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_compressed_page_is_rewritten(
    cadre: Browser, legacy: LegacyServer, legacy_origin: str, coding: str
) -> None:
    page = f'<a href="{legacy_origin}/next">清溪</a>'.encode()
    packed = gzip.compress(page) if coding == "gzip" else zlib.compress(page)
    legacy.answers["GET /page"] = HTMLResponse(packed, headers={"content-encoding": coding})
    answer = await cadre.get("/page")
    assert answer.text == '<a href="http://oa.localhost:8000/next">清溪</a>'
    assert answer.get("content-encoding") is None
    assert answer.get("content-length") == str(len(answer.body))


async def test_a_coding_the_gateway_does_not_know_passes_untouched(cadre: Browser, legacy: LegacyServer) -> None:
    legacy.answers["GET /odd"] = Response(
        b"\x28\xb5\x2f\xfd?", headers={"content-encoding": "x-odd"}, media_type="text/html"
    )
    answer = await cadre.get("/odd")
    assert (answer.body, answer.get("content-encoding")) == (b"\x28\xb5\x2f\xfd?", "x-odd")


async def test_a_large_page_is_rewritten_in_pieces(cadre: Browser, legacy: LegacyServer, legacy_origin: str) -> None:
    line = f"<a href='{legacy_origin}/x'>x</a>\n".encode()
    legacy.answers["GET /large"] = HTMLResponse(line * 80_000)
    answer = await cadre.get("/large")
    assert answer.body == line.replace(legacy_origin.encode(), b"http://oa.localhost:8000") * 80_000


async def test_a_page_that_never_ends_is_shown_as_it_comes(cadre: Browser, legacy: LegacyServer) -> None:
    """Old systems report progress by a page that goes on and on."""

    async def progress() -> AsyncIterator[bytes]:
        yield b"<html><body>10 of 100"
        await asyncio.Event().wait()

    legacy.answers["GET /import"] = StreamingResponse(progress(), media_type="text/html")
    async with cadre.open("GET", "/import", headers=NAVIGATION) as response:
        assert await response.content.readany() == b"<html><body>10 of 100"


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_stays_without(cadre: Browser, legacy: LegacyServer, status: int) -> None:
    legacy.answers["GET /none"] = Response(status_code=status, headers={"etag": '"1"'})
    answer = await cadre.get("/none")
    assert (answer.status, answer.body, answer.get("etag")) == (status, b"", '"1"')


async def test_head_has_no_body(cadre: Browser, legacy: LegacyServer) -> None:
    legacy.answers["HEAD /file"] = Response(b"", headers={"content-length": "5"}, media_type="application/pdf")
    answer = await cadre.send("HEAD", "/file", headers=SCRIPT)
    assert (answer.status, answer.body) == (200, b"")


async def test_redirects_are_the_browsers_to_follow(cadre: Browser, legacy: LegacyServer, legacy_origin: str) -> None:
    legacy.answers["GET /go"] = RedirectResponse(f"{legacy_origin}/there", 302)
    answer = await cadre.get("/go")
    assert (answer.status, answer.location) == (302, "http://oa.localhost:8000/there")
    assert legacy.last.target == "/go"
    legacy.answers["GET /go"] = Response(status_code=302, headers={"location": ""})
    assert (await cadre.get("/go?from=here")).location == "/go?from=here"


async def test_no_cookie_of_ours_and_no_claim_reaches_the_legacy_server(cadre: Browser, legacy: LegacyServer) -> None:
    cadre.jar["oa"] |= {"JSESSIONID": "1", "yimen-session": "s", "__Host-yimen-session": "t"}
    await cadre.fetch("/", x_forwarded_for="6.6.6.6", x_remote_user="root", Remote_User="root")
    assert legacy.last.all("cookie") == ["JSESSIONID=1"]
    told = str(legacy.last.headers).lower()
    assert "root" not in told
    assert "6.6.6.6" not in told
    assert "yimen" not in told


async def test_an_address_is_told_where_the_system_is_to_know_it(
    browser: Browser, add_system: AddSystem, legacy: LegacyServer
) -> None:
    await add_system(forwards_address=True)
    await browser.sign_in()
    await browser.fetch("/", x_forwarded_for="6.6.6.6")
    assert legacy.last.all("x-forwarded-for") == ["127.0.0.1"]


async def test_a_system_that_does_not_answer_has_a_page_that_says_so(browser: Browser, add_system: AddSystem) -> None:
    closed = Listener()
    await closed.stop()
    await add_system(upstream=closed.origin)
    await browser.sign_in()
    answer = await browser.get("/")
    assert (answer.status, answer.error) == (502, "ERR-UPSTREAM")
    assert "ERR-UPSTREAM" in answer.text
    assert (answer.get("x-request-id") or "?") in answer.text
    assert (await browser.fetch("/", accept="application/json")).body.startswith(b'{"code":"ERR-UPSTREAM"')


@pytest.mark.parametrize("upstream", ["http://10.9.9.9", "http://169.254.169.254", "http://[::1]:1"])
async def test_an_address_outside_the_allowed_networks_is_not_connected_to(
    browser: Browser, add_system: AddSystem, upstream: str
) -> None:
    await add_system(upstream=upstream)
    await browser.sign_in()
    assert (await browser.get("/")).error == "ERR-UPSTREAM"


async def test_an_answer_that_breaks_off_is_not_made_whole(browser: Browser, add_system: AddSystem) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/pdf\r\ncontent-length: 100\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        await add_system(upstream=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await browser.sign_in()
        with pytest.raises(Exception, match=r"(?i)payload|disconnected|content"):
            await browser.fetch("/file")


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        b"Content-Length: 4\r\nContent-Length: 5\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Content-Length: +4\r\n",
        b"Content-Length: 0x4\r\n",
        b"X: a\r\n Content-Length: 4\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"X: a\x00b\r\n",
    ],
)
async def test_nothing_is_smuggled_in_a_body(cadre: Browser, legacy: LegacyServer, rest: bytes) -> None:
    """RFC 9112 §6.3, §11.2: where two servers could find two ends, there is one request or none."""
    before = len(legacy.received)
    smuggled = b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: oa.localhost:8000\r\n\r\n"
    await exchange(cadre, b"POST /form HTTP/1.1", rest, smuggled)
    assert not any("smuggled" in one.target for one in legacy.received)
    assert len(legacy.received) - before <= 1


async def test_a_foreign_host_header_finds_no_system(cadre: Browser, legacy: LegacyServer) -> None:
    before = len(legacy.received)
    for host in (
        "evil.example",
        "oa.localhost:8000.evil.example",
        "oa.localhost:9",
        "oa.localhost:8000@evil",
        "127.0.0.1",
    ):
        answer = await cadre.send("GET", "/", headers={**NAVIGATION, "host": host})
        assert answer.error == "ERR-SYSTEM"
    assert len(legacy.received) == before


async def test_pages_are_always_asked_for_whole(cadre: Browser, legacy: LegacyServer) -> None:
    """A login page that the browser kept from last time holds a dummy that is spent."""
    asked = {"if-none-match": '"1"', "if-modified-since": "Mon, 23 Nov 2026 00:00:00 GMT"}
    await cadre.send("GET", "/page", headers=NAVIGATION | asked)
    assert legacy.last.get("if-none-match") is legacy.last.get("if-modified-since") is None
    await cadre.send("GET", "/app.js", headers=SCRIPT | asked)
    assert legacy.last.get("if-none-match") == '"1"'


async def test_every_system_has_its_own_server(
    cadre: Browser, oa: System, legacy: LegacyServer, add_system: AddSystem
) -> None:
    other = LegacyServer({"GET /": PlainTextResponse("pay")})
    listener = Listener()
    await listener.start(other)
    try:
        await add_system("pay", upstream=listener.origin)
        await cadre.sign_in(slug="pay")
        assert (await cadre.get("/", slug="pay")).text == "pay"
        assert (await cadre.get("/")).text == "found"
        assert other.last.get("host") == listener.origin.removeprefix("http://")
    finally:
        await listener.stop()


@pytest.mark.parametrize(("status", "size", "told"), [(400, 9000, '"cookies"'), (400, 900, None), (200, 9000, None)])
async def test_cookies_that_are_too_many_for_a_system_are_forgotten(
    cadre: Browser, legacy: LegacyServer, status: int, size: int, told: str | None
) -> None:
    legacy.answers["GET /"] = Response("Request Header Or Cookie Too Large", status)
    cadre.jar["oa"]["bomb"] = "x" * size
    assert (await cadre.get("/")).get("clear-site-data") == told
