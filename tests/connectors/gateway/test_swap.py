"""The swap: where the password may go, and everywhere it may not (DESIGN §4.15-16)."""

from urllib.parse import quote_plus

from connectors.systems import System
from tests.connectors.gateway.browser import Browser
from tests.connectors.gateway.conftest import LOGIN, SECRET
from tests.connectors.gateway.upstream import LegacyServer
from vault.items import Item
from web.composition import House


async def test_the_password_stands_in_the_login_request_and_in_nothing_that_the_browser_gets(
    cadre: Browser, item: Item, legacy: LegacyServer
) -> None:
    page = await cadre.get("/login")
    assert page.told is not None
    assert page.told["login"] == LOGIN
    assert SECRET not in page.text

    answer = await cadre.post("/login", {"username": LOGIN, "password": page.dummy})

    assert answer.status == 200
    assert legacy.posted() == [f"username={LOGIN}&password={quote_plus(SECRET)}".encode()]
    assert SECRET not in answer.text


async def test_a_dummy_works_once(cadre: Browser, item: Item, legacy: LegacyServer, house: House, oa: System) -> None:
    page = await cadre.get("/login")
    await cadre.post("/login", {"username": LOGIN, "password": page.dummy})
    again = await cadre.post("/login", {"username": LOGIN, "password": page.dummy})

    assert [SECRET in body.decode() or quote_plus(SECRET) in body.decode() for body in legacy.posted()] == [True, False]
    assert again.error is None or again.error == "ERR-FILL"
