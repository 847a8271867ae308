"""Applications that sign in over a socket, in a real browser."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from demo.serving import Listener
from tests.connectors.gateway.upstream import LegacyServer
from tests.stories.conftest import DESKTOP, Town, launch, sign_in
from tests.stories.spying import spy_on, ways_of_writing

LOGIN, PASSWORD = "wangxw", 'Sock-9&%x"Q'  # pragma: allowlist secret
# `%s` is what the page's script sends when its form is sent.
PAGE = """<!doctype html><html><head><meta charset="utf-8"></head><body><div id="app"></div><script>
let socket;
const draw = () => {
  app.innerHTML = '<form><input name="user" placeholder="用户名"><input name="password" type="password">'
    + '<button>登录</button></form>';
  document.forms[0].onsubmit = (event) => {
    event.preventDefault();
    const [user, password] = [...document.forms[0].elements].map((one) => one.value);
    socket.send(JSON.stringify(%s));
  };
};
const connect = () => {
  socket = new WebSocket(`ws://${location.host}/ws`);
  socket.onmessage = ({data}) => { app.innerHTML = `<h1>${JSON.parse(data).ok ? "欢迎" : "不对"}</h1>`; };
};
connect();
setTimeout(draw, 200);
</script></body></html>"""
SIGNS_IN = '{type: "login", user, password}'
SPEAKS = '{type: "say", text: `my password is ${password}`}'


@pytest.fixture
async def legacy() -> AsyncIterator[tuple[LegacyServer, str, list[str]]]:
    """The server, its origin, and what it heard over its socket."""
    heard: list[str] = []

    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        with suppress(WebSocketDisconnect):
            while True:
                heard.append(await socket.receive_text())
                is_right = json.loads(heard[-1]).get("password") == PASSWORD
                await socket.send_text(json.dumps({"type": "login", "ok": is_right}))

    server, listener = LegacyServer(sockets={"/ws": talk}), Listener()
    await listener.start(server)
    yield server, listener.origin, heard
    await listener.stop()


async def add(town: Town, origin: str, password: str) -> None:
    system = {
        "slug": "chat",
        "name": {"zh": "chat"},
        "way_in": [{"kind": "gateway"}],
        "upstream": origin,
        "http_approved_by": "zhouan",
    }
    item = {"system": "chat", "owner": {"user": "wangxw"}, "login": LOGIN, "password": password}
    county = {"version": 1, "systems": [system], "items": [item]}
    assert (await town.yimen.run("apply", "-", given=json.dumps(county).encode()))[0] == 0


async def test_a_cadre_is_signed_in_over_a_socket_and_the_browser_never_has_the_password(
    town: Town, browser: Browser, legacy: tuple[LegacyServer, str, list[str]], tmp_path: Path
) -> None:
    server, origin, heard = legacy
    server.answers["GET /"] = Response(PAGE % SIGNS_IN, media_type="text/html")
    await add(town, origin, PASSWORD)
    har = tmp_path / "browser.har"
    context = await browser.new_context(
        viewport=DESKTOP, locale="zh-CN", record_har_path=har, record_har_content="embed"
    )
    seen = await spy_on(context)
    portal = await sign_in(context, town)
    for _ in range(2):
        page = await launch(portal, "chat")
        await expect(page.locator("h1")).to_have_text("欢迎", timeout=20_000)
        await page.close()
    await context.close()
    assert [json.loads(one)["password"] for one in heard] == [PASSWORD, PASSWORD]
    shown = "\n".join(seen) + har.read_text() + town.log.read_text()
    assert not any(way in shown for way in ways_of_writing(PASSWORD))


async def test_a_wrong_password_over_a_socket_is_tried_once(
    town: Town, browser: Browser, legacy: tuple[LegacyServer, str, list[str]]
) -> None:
    server, origin, heard = legacy
    server.answers["GET /"] = Response(PAGE % SIGNS_IN, media_type="text/html")
    await add(town, origin, "changed-elsewhere-9Z")
    portal = await sign_in(await browser.new_context(viewport=DESKTOP, locale="zh-CN"), town)
    page = await launch(portal, "chat")
    await expect(page.locator("h1")).to_have_text("不对", timeout=20_000)
    again = await launch(portal, "chat")
    await expect(again.get_by_role("status")).to_contain_text("密码被拒绝")
    assert len(heard) == 1


async def test_a_page_is_told_why_its_socket_was_ended(
    town: Town, browser: Browser, legacy: tuple[LegacyServer, str, list[str]]
) -> None:
    server, origin, heard = legacy
    server.answers["GET /"] = Response(PAGE % SPEAKS, media_type="text/html")
    await add(town, origin, PASSWORD)
    portal = await sign_in(await browser.new_context(viewport=DESKTOP, locale="zh-CN"), town)
    page = await launch(portal, "chat")
    await expect(page.get_by_role("status")).to_contain_text("(ERR-FILL)", timeout=20_000)
    assert heard == []
