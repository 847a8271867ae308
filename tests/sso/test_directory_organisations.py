import dataclasses

import pytest

from core.database import Database
from sso.directory.organisations import Kind, Level, Organisation, Organisations, with_ancestors
from sso.errors import SsoError
from tests.sso.conftest import COUNTY, TOWN, VILLAGE
from vault.ledger.events import event_table


async def test_an_organisation_comes_back_as_it_was_put_in(
    database: Database, organisations: Organisations, tree: None
) -> None:
    async with database.read() as connection:
        assert await organisations.find(connection, "qx-xt-lx") == VILLAGE
        assert await organisations.find(connection, "nowhere") is None


async def test_putting_the_same_in_again_changes_nothing_and_leaves_no_event(
    database: Database, organisations: Organisations, tree: None
) -> None:
    async with database.write() as connection:
        assert not await organisations.upsert(connection, TOWN, actor="operator:test")
        events = (await connection.execute(event_table.select())).all()
    assert [event.subject for event in events].count("organisation:qx-xt") == 1


async def test_a_change_says_which_fields_differ_and_stands_in_the_ledger(
    database: Database, organisations: Organisations, tree: None
) -> None:
    renamed = dataclasses.replace(TOWN, name="溪头街道", order=3, unified_code="11330999MB00000001")
    async with database.write() as connection:
        changed = await organisations.upsert(connection, renamed, actor="operator:test")
    assert changed == ("name", "order", "unified_code")
    async with database.read() as connection:
        events = (await connection.execute(event_table.select().order_by(event_table.c.id))).all()
    assert events[-1].action == "directory.organisation"
    assert events[-1].detail["changed"] == "name,order,unified_code"


async def test_the_organisations_above_are_found(database: Database, tree: None) -> None:
    async with database.read() as connection:
        assert await with_ancestors(connection, ["qx-xt-lx"]) == {"qx-xt-lx", "qx-xt", "qx"}
        assert await with_ancestors(connection, ["qx", "qx-xt-dz"]) == {"qx-xt-dz", "qx-xt", "qx"}
        assert await with_ancestors(connection, []) == frozenset()


@pytest.mark.parametrize(
    "wrong",
    [
        Organisation("qx", "清溪县", Kind.AREA, Level.COUNTY, "330999000000", parent="qx-xt-lx"),
        Organisation("qx-xt", "溪头镇", Kind.AREA, Level.TOWN, parent="qx-xt"),
        Organisation("new", "新", parent="nowhere"),
        Organisation("new", "新", full_name="x" * 201),
        Organisation("new", "新", unified_code="11330999MB0I00000X"),
        Organisation("new", "新", code="33099"),
        Organisation("new", "新", code="33099900000a"),
        Organisation("new", "新", code="３３０９９９０００００１"),
        Organisation("../new", "新"),
        Organisation("", "新"),
        Organisation("new", ""),
        Organisation("new", "x" * 101),
    ],
    ids=[
        "circle",
        "own-parent",
        "no-parent",
        "long-full-name",
        "unified-code",
        "short-code",
        "letters",
        "full-width",
        "path",
        "no-id",
        "no-name",
        "long",
    ],
)
async def test_what_cannot_stand_in_the_tree_is_refused(
    database: Database, organisations: Organisations, tree: None, wrong: Organisation
) -> None:
    with pytest.raises(SsoError, match="ERR-ORGANISATION"):
        async with database.write() as connection:
            await organisations.upsert(connection, wrong, actor="operator:test")
    async with database.read() as connection:
        assert await organisations.find(connection, "qx") == COUNTY
        assert await organisations.find(connection, "new") is None
