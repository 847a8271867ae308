"""A browser that goes away while the system still thinks."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.connectors.gateway.browser import Browser
from tests.connectors.gateway.conftest import LOGIN, AddSystem, Launch
from tests.connectors.gateway.raw import serving
from tests.connectors.gateway.upstream import LegacyServer, Received
from vault.items import Item
from web.composition import House


class Thinking:
    """A system that takes requests and answers none; `left` when the connection of one has ended."""

    def __init__(self) -> None:
        self.asked, self.left = asyncio.Event(), asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked.set()
        while await reader.read(1024):
            pass
        self.left.set()


@pytest.fixture
async def thinking(add_system: AddSystem) -> AsyncIterator[Thinking]:
    system = Thinking()
    async with serving(system.serve) as origin:
        await add_system("thinking", upstream=origin)
        yield system


async def body_without_end() -> AsyncIterator[bytes]:
    yield b"a"
    await asyncio.Event().wait()


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("POST", b"a=1"), ("POST", body_without_end)])
async def test_the_system_is_not_kept_busy_for_nobody(
    browser: Browser, thinking: Thinking, method: str, body: object
) -> None:
    await browser.sign_in(slug="thinking")
    sent = body() if callable(body) else body
    asking = asyncio.create_task(browser.send(method, "/report", slug="thinking", body=sent))
    await thinking.asked.wait()
    asking.cancel()
    async with asyncio.timeout(30):
        await thinking.left.wait()


class _Refusal(Response):
    """That the password is wrong, once it is `due`."""

    def __init__(self, asked: asyncio.Event, due: asyncio.Event, over: asyncio.Event) -> None:
        super().__init__("用户名或密码错误", media_type="text/plain; charset=utf-8")
        self._events = asked, due, over

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked, due, over = self._events
        asked.set()
        await due.wait()
        await super().__call__(scope, receive, send)
        over.set()


async def test_a_sign_in_under_way_is_seen_to_its_end(
    cadre: Browser, item: Item, legacy: LegacyServer, house: House, launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else nobody would know that the password was refused, and it would be tried again."""
    monkeypatch.setattr("connectors.gateway.wire.sender._UNWATCHED_SECONDS", 0)
    asked, due, over = asyncio.Event(), asyncio.Event(), asyncio.Event()

    def refuse(_: Received) -> Response:
        return _Refusal(asked, due, over)

    legacy.answers["POST /login"] = refuse
    page = await launch(cadre)
    pressing = asyncio.create_task(cadre.post("/login", {"username": LOGIN, "password": page.dummy}))
    await asked.wait()
    pressing.cancel()
    for _ in range(5):
        assert (await cadre.fetch("/other")).status == 200
    due.set()
    await over.wait()
    async with asyncio.timeout(30):
        while (await cadre.fetch("/other")).status == 200 and await state_of(house, item) == "active":
            pass
    assert await state_of(house, item) == "frozen"


async def state_of(house: House, item: Item) -> str:
    async with house.database.read() as connection:
        return (await house.items.find(connection, item.id)).state
