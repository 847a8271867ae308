"""WebSockets through the gateway (RFC 6455): both directions, codes and protocols, until the sign-in ends."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress

import aiohttp
import pytest
from starlette.websockets import WebSocket, WebSocketDisconnect

import connectors.gateway.wire.websocket
from connectors.systems import System
from tests.connectors.gateway.browser import Browser
from tests.connectors.gateway.conftest import AddSystem
from tests.connectors.gateway.raw import serving
from tests.connectors.gateway.upstream import LegacyServer, login_page
from vault.items import Item
from web.composition import House

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def echo(socket: WebSocket) -> None:
    await socket.accept(subprotocol=next(iter(socket.scope["subprotocols"]), None))
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if message.get("text") == "bye":
                await socket.close(4321)
                return
            await socket.send({"type": "websocket.send", "text": message.get("text"), "bytes": message.get("bytes")})
    except WebSocketDisconnect:
        return


@pytest.fixture(autouse=True)
def _sockets(legacy: LegacyServer) -> None:
    legacy.sockets["/ws"] = echo


async def test_messages_pass_in_both_directions(cadre: Browser) -> None:
    async with cadre.connect("/ws", protocols=("v2.oa", "v1.oa")) as socket:
        assert socket.protocol == "v2.oa"
        await socket.send_str("清溪")
        assert await socket.receive_str() == "清溪"
        await socket.send_bytes(b"\x00" * 100_000)
        assert await socket.receive_bytes() == b"\x00" * 100_000


async def test_the_systems_close_code_reaches_the_browser(cadre: Browser) -> None:
    async with cadre.connect("/ws") as socket:
        await socket.send_str("bye")
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 4321


async def test_the_browsers_close_code_reaches_the_system(cadre: Browser, legacy: LegacyServer) -> None:
    closed: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def listen(socket: WebSocket) -> None:
        await socket.accept()
        closed.set_result((await socket.receive())["code"])

    legacy.sockets["/ws"] = listen
    async with cadre.connect("/ws") as socket:
        await socket.close(code=4000)
    assert await asyncio.wait_for(closed, 10) == 4000


async def test_the_system_sees_its_own_origin_and_none_of_our_cookies(
    cadre: Browser, legacy: LegacyServer, legacy_origin: str
) -> None:
    seen: dict[str, str] = {}

    async def look(socket: WebSocket) -> None:
        seen.update(socket.headers)
        await socket.accept()
        await socket.close()

    legacy.sockets["/ws"] = look
    cadre.jar["oa"]["JSESSIONID"] = "1"
    async with cadre.connect("/ws", headers={"x-remote-user": "root"}) as socket:
        await socket.receive()
    assert seen["origin"] == legacy_origin
    assert seen["host"] == legacy_origin.removeprefix("http://")
    assert seen["cookie"] == "JSESSIONID=1"
    assert "root" not in str(seen)


@pytest.mark.parametrize("origin", ["http://pay.localhost:8000", "null", "", "http://oa.localhost:8000.evil.example"])
async def test_another_sites_page_opens_no_socket(cadre: Browser, origin: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with cadre.connect("/ws", headers={"origin": origin}):
            pass


async def test_without_a_session_there_is_no_socket(browser: Browser, oa: System) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with browser.connect("/ws"):
            pass


@pytest.mark.parametrize("path", ["/other", "/app/../ws", "/app/..;/ws"])
async def test_a_socket_outside_of_the_prefix_is_refused(browser: Browser, add_system: AddSystem, path: str) -> None:
    await add_system(path_prefix="/app", login_path="/app/")
    await browser.sign_in("/app/")
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with browser.connect(path):
            pass


@pytest.mark.parametrize("ends", ["session", "system", "gateway session"])
async def test_a_socket_ends_with_what_opened_it(
    cadre: Browser, house: House, add_system: AddSystem, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    monkeypatch.setattr(connectors.gateway.wire.websocket, "CHECK_SECONDS", 0.05)
    async with cadre.connect("/ws") as socket:
        await socket.send_str("a")
        assert await socket.receive_str() == "a"
        if ends == "session":
            async with house.database.write() as connection:
                await house.sessions.revoke(connection, cadre.session.id, actor="operator:test", reason="lost")
        elif ends == "system":
            await add_system(status="disabled")
        else:
            await cadre.get("/.yimen/sign-out")
        assert (await asyncio.wait_for(socket.receive(), 10)).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 1008


async def test_a_system_that_refuses_the_socket_is_reported(cadre: Browser, legacy: LegacyServer) -> None:
    async def refuse(socket: WebSocket) -> None:
        await socket.close()

    legacy.sockets["/ws"] = refuse
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with cadre.connect("/ws"):
            pass


async def test_a_dummy_in_a_socket_ends_it_and_reaches_nobody(cadre: Browser, item: Item, legacy: LegacyServer) -> None:
    """Some pages sign in over a socket, where nothing is put in: the dummy would count as a wrong password."""
    heard: list[str | None] = []

    async def listen(socket: WebSocket) -> None:
        await socket.accept()
        with suppress(WebSocketDisconnect):
            while True:
                heard.append(await socket.receive_text())

    legacy.sockets["/listen"] = listen
    legacy.answers["GET /login"] = login_page()
    page = await cadre.get("/login")
    async with cadre.connect("/listen") as socket:
        await socket.send_str("Ym7 is only the beginning of one")
        await socket.send_str(f'["login", "{page.dummy}"]')
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 1008
    assert heard == ["Ym7 is only the beginning of one"]


def _switched(request: bytes, *fields: bytes) -> bytes:
    key = next(line for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
    accept = base64.b64encode(hashlib.sha1(key.split(b" ")[1] + _GUID).digest())
    lines = [b"HTTP/1.1 101 Switching", b"Upgrade: WebSocket", b"Connection: keep-alive, Upgrade", *fields]
    return b"\r\n".join([*lines, b"Sec-WebSocket-Accept: " + accept, b"", b""])


@pytest.fixture
async def odd(browser: Browser, add_system: AddSystem) -> AsyncIterator[Callable[..., Awaitable[Browser]]]:
    """A browser before a system that opens every socket, with these fields, and sends these frames."""
    async with AsyncExitStack() as servers:

        async def odd(frames: bytes, *fields: bytes) -> Browser:
            async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                request = await reader.readuntil(b"\r\n\r\n")
                writer.write(_switched(request, *fields) + frames if b"/ws" in request else _OK)
                await reader.read()

            await add_system(upstream=await servers.enter_async_context(serving(script)))
            await browser.sign_in()
            return browser

        yield odd


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (b"\x81\x02\xff\xfe", 1007),
        (b"\x83\x00", 1002),
        (b"\x81\x81\x00\x00\x00\x00a", 1002),
        (b"\xc1\x01a", 1002),
        (b"\x80\x01a", 1002),
        (b"\x82\x7f" + (1 << 40).to_bytes(8, "big"), 1009),
        (b"\x88\x00", 1001),
        (b"\x88\x02\x10\x04", 4100),
        (b"\x88\x02\x03\xed", 1002),
    ],
)
async def test_a_socket_that_breaks_the_protocol_is_closed_with_the_reason(
    odd: Callable[..., Awaitable[Browser]], frames: bytes, code: int
) -> None:
    async with (await odd(b"\x81\x02hi" + frames)).connect("/ws") as socket:
        assert await socket.receive_str() == "hi"
        assert (await asyncio.wait_for(socket.receive(), 10)).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == code


async def test_a_message_in_parts_is_whole(odd: Callable[..., Awaitable[Browser]]) -> None:
    frames = b"\x01\x01\xe6" + b"\x89\x01p" + b"\x00\x01\xb8" + b"\x80\x01\x85"
    async with (await odd(frames)).connect("/ws") as socket:
        assert await socket.receive_str() == "清"


@pytest.mark.parametrize(
    "fields",
    [
        (b"Sec-WebSocket-Extensions: permessage-deflate",),
        (b"Sec-WebSocket-Protocol: never-offered",),
        (b"Sec-WebSocket-Accept: AAAA",),
    ],
)
async def test_a_handshake_that_says_something_else_opens_nothing(
    odd: Callable[..., Awaitable[Browser]], fields: tuple[bytes, ...]
) -> None:
    browser = await odd(b"", *fields)
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with browser.connect("/ws"):
            pass


async def test_many_messages_pass_both_ways_at_once_while_the_system_reads_slowly(
    cadre: Browser, legacy: LegacyServer
) -> None:
    """Neither direction may wait for the other: both hold what the far side has not taken yet."""

    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        for number in range(200):
            await socket.send_text(f"{number}" * 10_000)
        heard = [len(await socket.receive_text()) for _ in range(200)]
        await socket.send_text(str(sum(heard)))

    legacy.sockets["/ws"] = talk
    async with cadre.connect("/ws") as socket:
        sending = asyncio.create_task(_send_all(socket, ["x" * 50_000] * 200))
        received = [await socket.receive_str() for _ in range(201)]
        await sending
    assert received[-1] == str(200 * 50_000)


async def _send_all(socket: aiohttp.ClientWebSocketResponse, messages: list[str]) -> None:
    for message in messages:
        await socket.send_str(message)
