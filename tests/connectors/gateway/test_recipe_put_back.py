"""Somebody who writes to the database puts back an older version of a recipe: no password goes where it leads, and
`yimen vault check` names it."""

import time
from urllib.parse import quote_plus

import pytest
from starlette.responses import JSONResponse

from connectors.legacy.recipe.recipe import parse_recipe
from connectors.legacy.recipe.store import recipe_table
from connectors.systems import System
from core.settings import Settings
from tests.connectors.gateway.browser import Browser
from tests.connectors.gateway.conftest import LOGIN, SECRET, AddItem, AddSystem, Launch, Open
from tests.connectors.gateway.upstream import LegacyServer
from tests.web.database_writer import Writer, named, told
from vault.ledger.events import event_table
from web.composition import House, open_house

RECIPE = "id: oa\nrequest: {{path: {path}, password_field: password}}\n"


@pytest.fixture
async def led(house: House, add_system: AddSystem, legacy: LegacyServer) -> System:
    """A system whose recipe led its login to `/before`, and leads it to `/now`."""
    before, now = (parse_recipe(RECIPE.format(path=path)) for path in ("/before", "/now"))
    for path in ("/before", "/now"):
        legacy.answers[f"POST {path}"] = JSONResponse({"success": True, "token": "t"})
    async with house.database.write() as connection:
        await house.recipes.upsert(connection, before, actor="operator:test")
    await add_system(recipe="oa")
    async with house.database.write() as connection:
        await house.recipes.upsert(connection, now, actor="operator:test")
        await house.systems.follow_recipe(connection, before, now, actor="operator:test")
        system = await house.systems.find_by_slug(connection, "oa")
    assert system is not None
    return system


@pytest.fixture
async def cadre(led: System, open_browser: Open, add_item: AddItem) -> Browser:
    browser = await open_browser()
    await browser.sign_in()
    await add_item(browser, led)
    return browser


def taken(legacy: LegacyServer) -> list[str]:
    """Where the password went."""
    return [one.target for one in legacy.received if quote_plus(SECRET).encode() in one.body]


async def sign_in_at(browser: Browser, dummy: str, path: str) -> str | None:
    return (await browser.post(path, {"username": LOGIN, "password": dummy})).error


async def put_back(writer: Writer, *, forgets: bool) -> None:
    """The older version of the recipe is the newest again; `forgets`: its event is the newest, too."""
    await writer.remove(recipe_table, id="oa", version=2)
    if forgets:
        events = await writer.rows(event_table, action="recipe.change", subject="recipe:oa")
        (newest,) = [one["id"] for one in events if one["detail"]["version"] == 2]
        await writer.forget_events(event_table.c.id == newest)


@pytest.mark.parametrize("forgets", [False, True])
async def test_no_password_goes_where_an_older_recipe_leads(
    cadre: Browser, led: System, house: House, legacy: LegacyServer, launch: Launch, forgets: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    dummy = (await launch(cadre)).dummy
    assert await sign_in_at(cadre, dummy, "/before") == "ERR-LOGIN_CHANGED"
    await put_back(Writer(house), forgets=forgets)
    real = time.monotonic
    monkeypatch.setattr("core.fresh.time.monotonic", lambda: real() + 2)
    assert await sign_in_at(cadre, dummy, "/before") == "ERR-RECIPE_SIGNATURE"
    assert (await cadre.get("/login")).error == "ERR-RECIPE_SIGNATURE"
    assert taken(legacy) == []
    assert "recipe:oa" in await named(house)
    await house.recipe_watch.run()
    assert "recipe:oa" in await told(house)


async def test_a_process_that_has_just_started_is_not_deceived_either(
    led: System, house: House, settings: Settings
) -> None:
    await put_back(Writer(house), forgets=True)
    async with open_house(settings) as other:
        assert "recipe:oa" in await named(other)


@pytest.mark.parametrize("change", ["changed", "planted", "deleted"])
async def test_a_recipe_that_somebody_else_wrote_is_named(led: System, house: House, change: str) -> None:
    writer = Writer(house)
    (first, second) = sorted(await writer.rows(recipe_table), key=lambda row: row["version"])
    if change == "changed":
        await writer.change(recipe_table, second, document=first["document"])
    elif change == "planted":
        await writer.put(recipe_table, {**first, "version": 3})
    else:
        await writer.remove(recipe_table, id="oa")
    assert "recipe:oa" in await named(house)


async def test_what_yimen_wrote_itself_is_not_named_and_signs_in(
    cadre: Browser, house: House, legacy: LegacyServer, launch: Launch
) -> None:
    assert await sign_in_at(cadre, (await launch(cadre)).dummy, "/now") is None
    assert taken(legacy) == ["/now"]
    assert await named(house) == set()
