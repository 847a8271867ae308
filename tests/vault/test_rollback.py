"""DESIGN §4.10, §4.19: an old item put back together with its old head, and the newest event made to disappear."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import Delete, Table, Update, delete, func, select, update

from core.clock import FrozenClock
from core.database import Database, Result
from core.identifiers import new_id
from tests.vault.test_items import keep, refused_as_tampered, release, replace
from tests.vault.test_ledger import drop_triggers, opened
from vault.errors import VaultError
from vault.heads import Heads, head_table, item_table
from vault.items import Item, Items
from vault.keys.sealing import Sealer
from vault.keys.signing import signing_key
from vault.ledger import Ledger
from vault.ledger.events import event_table, place_table, waiting_table
from vault.ledger.tree import checkpoint_table, tree_table
from vault.ledger.watch import LedgerWatch
from vault.recovery import Recovery
from vault.row_watch import RowWatch
from vault.rows import SignedRows
from vault.tickets import Tickets

NEWEST = event_table.c.action == "vault.replace"
FORGED = {"quarantined": True, "mac": b"\x00"}


async def change(database: Database, statement: Update | Delete) -> Result[Any]:
    async with database.write() as connection:
        return await connection.execute(statement)


async def only_row(database: Database, table: Table) -> Mapping[str, Any]:
    async with database.read() as connection:
        return dict((await connection.execute(select(table))).one()._mapping)


async def roll_back(database: Database, items: Items, ledger: Ledger, hiding: Update | Delete) -> Item:
    """An item, replaced; then its old row and head put back, and the event of the newer write hidden."""
    item = await keep(database, items)
    await ledger.sequence()
    row, head = await only_row(database, item_table), await only_row(database, head_table)
    await replace(database, items, item)
    await ledger.sequence()
    await drop_triggers(database)
    for statement in (update(item_table).values(**row), update(head_table).values(**head), hiding):
        await change(database, statement)
    return item


async def restarted(database: Database, clock: FrozenClock, sealer: Sealer, ledger: Ledger) -> Items:
    """The vault of a process that has seen nothing yet."""
    heads = Heads(ledger, await signing_key(database, sealer, "heads"))
    return Items(database, clock, sealer, ledger, heads, Tickets(clock, SignedRows(sealer, ledger)))


@pytest.mark.parametrize(
    "also",
    [[], [delete(place_table).where(place_table.c.event_id.in_(select(event_table.c.id).where(NEWEST)))]],
    ids=["marked as quarantined", "marked and taken from its place"],
)
async def test_an_old_item_is_refused_though_the_newest_event_is_spoilt_and_marked(
    database: Database, clock: FrozenClock, items: Items, ledger: Ledger, also: list[Delete]
) -> None:
    item = await roll_back(database, items, ledger, update(event_table).where(NEWEST).values(**FORGED))
    for statement in also:
        await change(database, statement)
    await refused_as_tampered(database, items, item)


HIDING = [
    delete(event_table).where(NEWEST),
    update(event_table).where(NEWEST).values(subject="user:nobody"),
]
IDS = ["deleted", "given to another owner"]


@pytest.mark.parametrize("hiding", HIDING, ids=IDS)
async def test_an_old_item_is_refused_by_a_process_that_has_seen_the_newer_one(
    database: Database, clock: FrozenClock, items: Items, ledger: Ledger, hiding: Update | Delete
) -> None:
    item = await keep(database, items)
    row, head = await only_row(database, item_table), await only_row(database, head_table)
    await replace(database, items, item)
    assert await release(database, items, item) == b"New-2026!"
    await drop_triggers(database)
    for statement in (update(item_table).values(**row), update(head_table).values(**head), hiding):
        await change(database, statement)
    await refused_as_tampered(database, items, item)
    with pytest.raises(VaultError, match="ERR-ITEM_TAMPERED"):
        await replace(database, items, item)


@pytest.mark.parametrize("hiding", HIDING, ids=IDS)
async def test_a_newest_event_that_is_gone_is_found_by_the_check_and_recorded_by_the_watch(
    database: Database,
    clock: FrozenClock,
    items: Items,
    sealer: Sealer,
    heads: Heads,
    ledger: Ledger,
    watch: LedgerWatch,
    hiding: Update | Delete,
) -> None:
    await roll_back(database, items, ledger, hiding)
    recovery = Recovery(database, sealer, heads, watch, RowWatch(database, ledger, SignedRows(sealer, ledger)))
    (why,) = (await recovery.check()).values()
    assert "position 1" in why
    await watch.run()
    await watch.run()
    async with database.read() as connection:
        told = select(event_table.c.detail).where(event_table.c.action == "vault.tamper")
        assert [detail["detail"] for detail in await connection.scalars(told)] == [why], "told once"


async def test_an_owner_who_starts_afresh_is_served_by_a_process_that_has_seen_what_is_gone(
    database: Database, clock: FrozenClock, items: Items, sealer: Sealer, ledger: Ledger, watch: LedgerWatch
) -> None:
    item = await keep(database, items)
    await release(database, items, item)
    await drop_triggers(database)
    await change(database, delete(event_table))
    other = Heads(ledger, await signing_key(database, sealer, "heads"))
    await Recovery(database, sealer, other, watch, RowWatch(database, ledger, SignedRows(sealer, ledger))).reset(
        item.owner, actor="operator:x", reason="rolled back"
    )
    assert await release(database, items, await keep(database, items)) == b"Qinghe-2026!zhihui"


async def test_a_planted_row_that_was_turned_away_keeps_nobody_from_their_items(
    database: Database, clock: FrozenClock, items: Items, ledger: Ledger
) -> None:
    item = await keep(database, items)
    planted = {**await only_row(database, event_table), "id": new_id(), "mac": b"forged"}
    async with database.write() as connection:
        await connection.execute(event_table.insert().values(**planted))
    await refused_as_tampered(database, items, item)
    await ledger.sequence()
    assert await release(database, items, item) == b"Qinghe-2026!zhihui"


async def test_a_placed_event_that_is_marked_makes_the_ledger_unverified(database: Database, ledger: Ledger) -> None:
    await ledger.append(opened(1))
    await ledger.sequence()
    await drop_triggers(database)
    await change(database, update(event_table).values(quarantined=True))
    health = await ledger.health()
    assert (health.verified, health.quarantined) == (False, 1)


async def test_events_that_changed_places_are_found(database: Database, ledger: Ledger, watch: LedgerWatch) -> None:
    for number in range(3):
        await ledger.append(opened(number))
    await ledger.sequence()
    assert await watch.findings() == {}
    await drop_triggers(database)
    for old, new in ((0, 7), (2, 0), (7, 2)):
        await change(database, update(place_table).where(place_table.c.position == old).values(position=new))
    assert len(await watch.findings()) == 2


async def test_an_event_that_is_kept_from_its_place_is_found(
    database: Database, ledger: Ledger, watch: LedgerWatch
) -> None:
    kept = await ledger.append(opened(1))
    await change(database, delete(waiting_table))
    await ledger.append(opened(2))
    assert await ledger.sequence() == 1
    assert set(await watch.findings()) == {f"event:{kept}"}
    await watch.run()
    async with database.read() as connection:
        assert await ledger.latest(connection, ["vault.tamper"], f"event:{kept}") is not None


async def test_an_event_that_is_written_once_more_gets_no_second_place_and_keeps_nobody_else_from_theirs(
    database: Database, ledger: Ledger
) -> None:
    same, forged = [await ledger.append(opened(number)) for number in (1, 2)]
    async with database.read() as connection:
        rows = [dict(row._mapping) for row in await connection.execute(select(event_table))]
    await ledger.sequence()
    await drop_triggers(database)
    await change(database, delete(event_table))
    async with database.write() as connection:
        for row in rows:
            changed = {"actor": "user:forged"} if row["id"] == forged else {}
            await connection.execute(event_table.insert().values(**row | changed))
    await ledger.append(opened(3))
    await ledger.sequence()
    async with database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(place_table)) == 3
        for event_id in (same, forged):
            assert await ledger.latest(connection, ["vault.tamper"], f"event:{event_id}") is not None


async def test_an_event_that_is_deleted_before_it_has_its_place_is_told(database: Database, ledger: Ledger) -> None:
    gone = await ledger.append(opened(1))
    await drop_triggers(database)
    await change(database, delete(event_table))
    await ledger.sequence()
    async with database.read() as connection:
        assert await ledger.latest(connection, ["vault.tamper"], f"event:{gone}") is not None


@pytest.mark.parametrize(
    "statement",
    [
        update(tree_table).values(size=1),
        update(tree_table).values(size=9),
        delete(tree_table),
        delete(checkpoint_table),
    ],
    ids=["smaller", "larger", "size gone", "checkpoints gone"],
)
async def test_nothing_is_appended_to_a_tree_other_than_the_one_that_was_signed(
    database: Database, clock: FrozenClock, sealer: Sealer, ledger: Ledger, statement: Update | Delete
) -> None:
    for number in range(2):
        await ledger.append(opened(number))
    await ledger.sequence()
    await change(database, statement)
    await ledger.append(opened(3))
    for opened_again in (ledger, Ledger(database, clock, sealer)):
        await opened_again.start()
        with pytest.raises(VaultError, match="ERR-LEDGER_TAMPERED"):
            await opened_again.sequence()
        assert not (await opened_again.health()).verified
    async with database.read() as connection:
        assert await ledger.latest(connection, ["vault.tamper"], "tree") is not None
        assert await connection.scalar(select(func.count()).select_from(place_table)) == 2
