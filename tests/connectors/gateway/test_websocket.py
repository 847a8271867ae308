"""WebSockets through the gateway (RFC 6455): both directions, codes and protocols, until the sign-in ends."""

import asyncio
from contextlib import suppress

import aiohttp
import pytest
from starlette.websockets import WebSocket, WebSocketDisconnect

import connectors.gateway.wire.websocket
from connectors.systems import System
from tests.connectors.gateway.browser import Browser
from tests.connectors.gateway.conftest import AddSystem
from tests.connectors.gateway.upstream import LegacyServer, login_page
from vault.items import Item
from web.composition import House


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
