"""Systems behind HTTP Basic authentication: the gateway answers for the person, and the browser never knows."""

import asyncio
import base64
from datetime import timedelta

import pytest
from starlette.responses import PlainTextResponse, Response
from starlette.websockets import WebSocket

from connectors.systems import System
from core.clock import FrozenClock
from tests.connectors.gateway.browser import Browser
from tests.connectors.gateway.conftest import LOGIN, SECRET, AddItem, AddSystem, Open
from tests.connectors.gateway.upstream import LegacyServer, Received
from vault.items import Item
from vault.ledger.queries import LedgerQuery
from web.composition import House

EXPECTED = "Basic " + base64.b64encode(f"{LOGIN}:{SECRET}".encode()).decode()


def guarded(received: Received) -> Response:
    if received.get("authorization") == EXPECTED:
        return PlainTextResponse("welcome")
    return Response("who?", 401, {"www-authenticate": 'Basic realm="oa"'})


@pytest.fixture
async def basic(add_system: AddSystem, legacy: LegacyServer) -> System:
    legacy.answers["GET /"] = guarded
    return await add_system(way_in=[{"kind": "basic"}], login_path="/")


@pytest.fixture
async def cadre(basic: System, open_browser: Open) -> Browser:
    browser = await open_browser()
    await browser.sign_in()
    return browser


@pytest.fixture
async def item(cadre: Browser, basic: System, add_item: AddItem) -> Item:
    return await add_item(cadre, basic)


async def releases(house: House) -> int:
    return len((await house.audit.query(LedgerQuery(action="vault.release"))).events)


async def test_every_request_carries_the_account_and_the_browser_does_not(
    cadre: Browser, item: Item, house: House, legacy: LegacyServer
) -> None:
    for _ in range(3):
        answer = await cadre.get("/")
        assert answer.text == "welcome"
        assert "authorization" not in str(answer.headers).lower()
    assert await releases(house) == 1


async def test_what_the_browser_says_of_itself_is_not_passed_on(
    cadre: Browser, item: Item, legacy: LegacyServer
) -> None:
    await cadre.fetch("/", authorization="Basic cm9vdDpyb290")
    assert legacy.last.all("authorization") == [EXPECTED]


async def test_requests_that_come_together_are_all_served(cadre: Browser, item: Item) -> None:
    answers = await asyncio.gather(*(cadre.get("/") for _ in range(10)))
    assert [answer.text for answer in answers] == ["welcome"] * 10


async def test_the_account_is_released_again_after_a_quarter_of_an_hour(
    cadre: Browser, item: Item, house: House, clock: FrozenClock
) -> None:
    await cadre.get("/")
    clock.advance(timedelta(minutes=16))
    await cadre.get("/")
    assert await releases(house) == 2


async def test_without_an_account_the_person_is_told(cadre: Browser, legacy: LegacyServer, house: House) -> None:
    answer = await cadre.get("/")
    assert answer.error == "ERR-ITEM"
    assert f"{house.settings.issuer}/accounts" in answer.text
    assert legacy.received == []


async def test_a_refusal_freezes_the_account_and_shows_no_question_of_the_system(
    cadre: Browser, item: Item, house: House, legacy: LegacyServer
) -> None:
    legacy.answers["GET /"] = Response("who?", 401, {"www-authenticate": "Basic"})
    for _ in range(3):
        answer = await cadre.get("/")
        assert answer.error == "ERR-ITEM_FROZEN"
        assert answer.get("www-authenticate") is None
    assert len(legacy.received) == 1
    async with house.database.read() as connection:
        assert (await house.items.find(connection, item.id)).state == "frozen"


@pytest.mark.parametrize("change", ["freeze", "remove", "replace"])
async def test_an_account_that_changes_is_not_used_as_it_was(
    cadre: Browser, item: Item, house: House, legacy: LegacyServer, clock: FrozenClock, change: str
) -> None:
    """The header value is kept for a while: not longer than what it was made of."""
    await cadre.get("/")
    clock.advance(timedelta(seconds=1))
    async with house.database.write() as connection:
        if change == "freeze":
            await house.items.freeze(connection, item.id, "lost", actor="operator:test")
        elif change == "remove":
            await house.items.remove(connection, item.id, actor="operator:test")
        else:
            await house.items.replace(
                connection,
                item.id,
                destination=item.destination or "",
                secret=bytearray(b"new-one"),
                actor="operator:test",
            )
    before = len(legacy.received)
    await cadre.get("/")
    sent = [one.get("authorization") for one in legacy.received[before:]]
    new = "Basic " + base64.b64encode(f"{LOGIN}:new-one".encode()).decode()
    assert sent == ([new] if change == "replace" else [])


async def test_an_account_in_nobodys_custody_any_more_is_not_used(
    cadre: Browser, basic: System, house: House, legacy: LegacyServer, add_item: AddItem, open_browser: Open
) -> None:
    stranger = await open_browser("li")
    await add_item(stranger, basic)
    assert (await cadre.get("/")).error == "ERR-ITEM"
    assert legacy.received == []


async def test_a_websocket_of_such_a_system_carries_the_account_too_and_shows_it_to_nobody(
    cadre: Browser, item: Item, legacy: LegacyServer
) -> None:
    sent: list[str | None] = []

    async def greet(socket: WebSocket) -> None:
        await socket.accept()
        sent.append(socket.headers.get("authorization"))
        await socket.send_text(socket.headers.get("authorization", "nothing"))
        await socket.close()

    legacy.sockets["/ws"] = greet
    async with cadre.connect("/ws") as socket:
        shown = await socket.receive_str()
    assert sent == [EXPECTED]
    assert "******" in shown
