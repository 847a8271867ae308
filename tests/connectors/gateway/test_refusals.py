"""What the gateway refuses stands in the ledger: who, at which system, from which page; bounded however often it is."""

import base64
import time
from collections.abc import Mapping

import aiohttp
import pytest

from connectors.systems import System
from tests.connectors.gateway.browser import FORM, NAVIGATION, SCRIPT, Browser
from tests.connectors.gateway.conftest import LOGIN, AddSystem
from tests.connectors.gateway.upstream import LegacyServer
from vault.items import Item
from vault.ledger import RecordedEvent
from vault.ledger.queries import LedgerQuery
from vault.ledger.repeats import ONE_BY_ONE
from web.composition import House

SIBLING = "http://pay.localhost:8001"
FROM_A_PAGE = {"origin": SIBLING, "sec-fetch-site": "same-site"}


async def told(house: House, action: str = "gateway.request") -> list[RecordedEvent]:
    return list((await house.audit.query(LedgerQuery(action=action, result="refused", limit=500))).events)


@pytest.mark.parametrize(
    ("method", "path", "headers", "code"),
    [
        ("GET", "/pay", {**NAVIGATION, "sec-fetch-site": "same-site", "sec-fetch-dest": "iframe"}, "ERR-FOREIGN"),
        ("POST", "/login", {**NAVIGATION, **FROM_A_PAGE, "content-type": FORM}, "ERR-FOREIGN"),
        ("POST", "/login", {**SCRIPT, **FROM_A_PAGE, "sec-fetch-mode": "no-cors"}, "ERR-FOREIGN"),
        ("GET", "/pay", {**SCRIPT, "sec-fetch-site": "cross-site", "sec-fetch-dest": "image"}, "ERR-FOREIGN"),
        ("GET", "/pay", {**SCRIPT, "sec-fetch-site": "odd" * 100}, "ERR-FOREIGN"),
        ("GET", "/.yimen/open", {**NAVIGATION, **FROM_A_PAGE, "sec-fetch-dest": "iframe"}, "ERR-FOREIGN"),
        ("GET", "/.yimen/sign-out", {**SCRIPT, **FROM_A_PAGE, "sec-fetch-dest": "image"}, "ERR-FOREIGN"),
        ("GET", "/sw.js", {**SCRIPT, "service-worker": "script"}, "ERR-FOREIGN"),
        ("POST", "/pay", {"referer": "http://[/"}, "ERR-FOREIGN"),
        ("TRACE", "/pay", NAVIGATION, "ERR-METHOD"),
        ("GET", "/a/..;/pay", NAVIGATION, "ERR-PATH"),
    ],
)
async def test_a_request_that_is_refused_stands_in_the_ledger(
    cadre: Browser, oa: System, house: House, legacy: LegacyServer, method: str, path: str,
    headers: Mapping[str, str], code: str,
) -> None:  # fmt: skip
    assert (await cadre.send(method, path, headers=headers)).error == code
    (event,) = await told(house)
    assert (event.reason, event.actor, event.system) == (code, f"user:{cadre.session.user.id}", oa.id)
    assert (event.session, event.address) == (cadre.session.id, "127.0.0.1")
    assert (event.detail["method"], event.detail["path"]) == (method, path)
    assert event.detail["from"] == headers.get("origin", "unsaid" if "referer" not in headers else "null")
    assert legacy.received == []


async def test_a_dummy_aimed_at_another_system_is_told_without_it(
    cadre: Browser, item: Item, add_system: AddSystem, house: House, legacy: LegacyServer
) -> None:
    dummy = (await cadre.get("/login")).dummy
    pay = await add_system("pay")
    await cadre.sign_in(slug="pay")
    before = len(legacy.received)
    aimed = {**NAVIGATION, "origin": "http://oa.localhost:8001", "sec-fetch-site": "same-site", "content-type": FORM}
    body = f"username={LOGIN}&password={dummy}".encode()
    await cadre.send("POST", f"/login/{dummy}", slug="pay", headers=aimed, body=body)
    (event,) = await told(house)
    assert (event.system, event.detail["from"]) == (pay.id, "http://oa.localhost:8001")
    assert dummy not in str(event)
    assert len(legacy.received) == before


async def test_where_nobody_is_signed_in_a_page_of_another_system_begins_no_sign_in(
    browser: Browser, oa: System, house: House
) -> None:
    framed = {**NAVIGATION, **FROM_A_PAGE, "sec-fetch-dest": "iframe"}
    assert (await browser.send("GET", "/", headers=framed)).error == "ERR-FOREIGN"
    (event,) = await told(house)
    assert (event.actor, event.system, event.detail["from"]) == (None, oa.id, SIBLING)


async def test_that_nobody_is_signed_in_is_no_attempt(browser: Browser, oa: System, house: House) -> None:
    assert (await browser.fetch("/")).error == "ERR-SESSION"
    assert (await browser.get("/")).status == 303
    assert await told(house) == []


async def test_a_socket_of_another_systems_page_is_told(cadre: Browser, oa: System, house: House) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with cadre.connect("/ws", headers={"origin": SIBLING}):
            pass
    (event,) = await told(house)
    assert (event.reason, event.detail["method"], event.detail["from"]) == ("ERR-FOREIGN", "WEBSOCKET", SIBLING)


async def test_a_dummy_in_an_authorization_field_is_told(
    cadre: Browser, item: Item, house: House, legacy: LegacyServer
) -> None:
    page = await cadre.get("/login")
    before = len(legacy.received)
    credential = base64.b64encode(f"{LOGIN}:{page.dummy}".encode()).decode()
    answer = await cadre.fetch("/notes", authorization=f"Basic {credential}")
    assert answer.error == "ERR-LOGIN_CHANGED"
    (event,) = await told(house, "gateway.swap")
    assert (event.reason, event.subject) == ("ERR-LOGIN_CHANGED", f"item:{item.id}")
    assert len(legacy.received) == before


async def test_a_page_that_tries_without_end_does_not_flood_the_ledger(
    cadre: Browser, item: Item, house: House
) -> None:
    page = await cadre.get("/login")
    for number in range(2 * ONE_BY_ONE):
        await cadre.post(f"/notes/{number}", {"username": LOGIN, "password": page.dummy})
    refused = await told(house, "gateway.swap")
    assert len(refused) == ONE_BY_ONE + 1
    assert refused[0].detail["times"] == 2 * ONE_BY_ONE
    await cadre.fetch(f"/notes?password={page.dummy}")
    assert "outside of the body" in str((await told(house, "gateway.swap"))[0].detail["why"])


async def test_a_person_who_may_no_longer_open_the_system_is_told_of(
    cadre: Browser, add_system: AddSystem, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.monotonic
    await add_system(access={"users": ["nobody"]})
    monkeypatch.setattr("core.fresh.time.monotonic", lambda: real() + 2)
    assert (await cadre.get("/")).error == "ERR-ACCESS"
    assert [one.reason for one in await told(house)] == ["ERR-ACCESS"]
