"""The store: versions, signatures, and the ledger that knows the newest."""

import pytest
from sqlalchemy import delete, insert, select, update

from connectors.errors import ConnectorError
from connectors.legacy.recipe.recipe import parse_recipe
from connectors.legacy.recipe.store import Recipes, recipe_table
from core.clock import FrozenClock
from core.database import Database
from vault.keys.sealing import Sealer
from vault.keys.signing import signing_key
from vault.ledger import Ledger

FIRST = parse_recipe("id: oa\ntitle: 办公")
SECOND = parse_recipe("id: oa\ntitle: 办公\ntransform: md5")


@pytest.fixture
async def recipes(database: Database, clock: FrozenClock, sealer: Sealer, ledger: Ledger) -> Recipes:
    return Recipes(clock, ledger, await signing_key(database, sealer, "recipes"))


async def _keep(recipes: Recipes, database: Database, *texts: str) -> list[bool]:
    kept = []
    for text in texts:
        async with database.write() as connection:
            kept.append(await recipes.upsert(connection, parse_recipe(text), actor="operator:test"))
    return kept


async def test_the_newest_version_is_found_and_every_version_is_kept(recipes: Recipes, database: Database) -> None:
    assert await _keep(recipes, database, FIRST.canonical, SECOND.canonical) == [True, True]
    async with database.read() as connection:
        assert await recipes.find(connection, "oa") == SECOND
        assert await recipes.find(connection, "none") is None
        versions = await connection.scalars(select(recipe_table.c.version).order_by(recipe_table.c.version))
        assert list(versions) == [1, 2]


async def test_the_same_recipe_again_changes_nothing(recipes: Recipes, database: Database, ledger: Ledger) -> None:
    assert await _keep(recipes, database, FIRST.canonical, "title: 办公\nid: oa\n# respelled") == [True, False]
    async with database.read() as connection:
        event = await ledger.latest(connection, ("recipe.change",), "recipe:oa")
    assert event is not None
    assert event.detail == {"version": 1, "hash": FIRST.hash}
    assert event.actor == "operator:test"


async def test_the_list_names_the_newest_of_each(recipes: Recipes, database: Database) -> None:
    await _keep(recipes, database, FIRST.canonical, SECOND.canonical, "id: b")
    async with database.read() as connection:
        listed = await recipes.list(connection)
    assert [(one.id, one.title, one.version, one.hash) for one in listed][1] == ("oa", "办公", 2, SECOND.hash)
    assert [one.id for one in listed] == ["b", "oa"]


async def _refused(recipes: Recipes, database: Database) -> None:
    async with database.read() as connection:
        with pytest.raises(ConnectorError) as caught:
            await recipes.find(connection, "oa")
    assert caught.value.code == "ERR-RECIPE_SIGNATURE"


@pytest.mark.every_case
@pytest.mark.parametrize("column", ["document", "version"])
async def test_a_changed_row_is_refused(recipes: Recipes, database: Database, column: str) -> None:
    await _keep(recipes, database, FIRST.canonical)
    changed = {"document": SECOND.canonical, "version": 7}[column]
    async with database.write() as connection:
        await connection.execute(update(recipe_table).values({column: changed}))
    await _refused(recipes, database)


async def test_a_recipe_signed_for_another_id_is_refused(recipes: Recipes, database: Database) -> None:
    await _keep(recipes, database, FIRST.canonical, "id: other")
    async with database.write() as connection:
        row = (await connection.execute(select(recipe_table).where(recipe_table.c.id == "other"))).one()._mapping
        await connection.execute(delete(recipe_table).where(recipe_table.c.id == "oa"))
        await connection.execute(insert(recipe_table).values(**{**row, "id": "oa"}))
    await _refused(recipes, database)


async def test_taking_the_newest_version_away_is_noticed(recipes: Recipes, database: Database) -> None:
    await _keep(recipes, database, FIRST.canonical, SECOND.canonical)
    async with database.write() as connection:
        await connection.execute(delete(recipe_table).where(recipe_table.c.version == 2))
    await _refused(recipes, database)
    async with database.write() as connection:
        await connection.execute(delete(recipe_table))
    await _refused(recipes, database)


async def test_keeping_the_recipe_again_heals_a_damaged_store(recipes: Recipes, database: Database) -> None:
    await _keep(recipes, database, FIRST.canonical)
    async with database.write() as connection:
        await connection.execute(update(recipe_table).values(signature=b"x"))
    await _refused(recipes, database)
    assert await _keep(recipes, database, SECOND.canonical) == [True]
    async with database.read() as connection:
        assert await recipes.find(connection, "oa") == SECOND
