"""DESIGN §4 (9-15): what a stolen or altered database gives (nothing), and the one way to a password."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, text, update

from core import identifiers
from core.clock import FrozenClock
from core.database import Database, StatementError
from vault.errors import VaultError
from vault.heads import Heads, head_table, item_table
from vault.items import Item, Items
from vault.keys.sealing import Sealer
from vault.ledger import Ledger
from vault.ledger.events import event_table
from vault.ledger.watch import LedgerWatch
from vault.recovery import Recovery
from vault.row_watch import RowWatch
from vault.tickets import Leave, Use

USE = Use(holder="session:s1", destination="http://127.0.0.1:9101", recipe_hash="r1")
SECRET = b"Qinghe-2026!zhihui"
LOGIN = "zhangsan.qh"


async def keep(database: Database, items: Items, owner: str = "user:a", secret: bytes = SECRET) -> Item:
    async with database.write() as connection:
        return await items.add(
            connection,
            owner=owner,
            system="zhihui",
            destination=USE.destination or "",
            login=LOGIN,
            secret=bytearray(secret),
            actor=owner,
        )


async def issue(database: Database, items: Items, item: Item, use: Use = USE) -> str:
    async with database.write() as connection:
        return await items.tickets.issue(connection, item.id, use, actor="user:a", purpose="fill")


async def release(database: Database, items: Items, item: Item) -> bytes:
    with await items.redeem(await issue(database, items, item), USE) as secret:
        return bytes(secret)


async def replace(database: Database, items: Items, item: Item) -> None:
    async with database.write() as connection:
        await items.replace(
            connection, item.id, destination=USE.destination or "", secret=bytearray(b"New-2026!"), actor="user:a"
        )


async def remove(database: Database, items: Items, item: Item) -> None:
    async with database.write() as connection:
        await items.remove(connection, item.id, actor="user:a")


async def rotate(database: Database, items: Items, item: Item) -> None:
    async with database.write() as connection:
        await items.rotate(connection, item.owner, actor="operator:x")


async def actions(database: Database) -> list[tuple[str, str]]:
    async with database.read() as connection:
        rows = await connection.execute(select(event_table.c.action, event_table.c.result).order_by(event_table.c.id))
        return [(row.action, row.result) for row in rows]


async def test_a_ticket_opens_its_item_once_and_the_ledger_knows(
    database: Database, clock: FrozenClock, items: Items
) -> None:
    item = await keep(database, items)
    token = await issue(database, items, item)
    opened = await items.redeem(token, USE)
    with opened as secret:
        assert bytes(secret) == SECRET
    assert bytes(secret) == bytes(len(SECRET)), "wiped at the end of the block"
    assert "Qinghe" not in repr(opened)
    with pytest.raises(VaultError) as caught:
        await items.redeem(token, USE)
    assert caught.value.code == "ERR-TICKET"
    assert await actions(database) == [
        ("vault.add", "success"),
        ("vault.release", "success"),
        ("vault.release", "refused"),
    ]


@pytest.mark.parametrize(
    "other",
    [
        Use("session:s2", USE.destination, USE.recipe_hash),
        Use(USE.holder, "http://127.0.0.1:9102", USE.recipe_hash),
        Use(USE.holder, USE.destination, "r2"),
    ],
)
async def test_a_ticket_is_worth_nothing_elsewhere(
    database: Database, clock: FrozenClock, items: Items, other: Use
) -> None:
    token = await issue(database, items, await keep(database, items))
    with pytest.raises(VaultError, match="ERR-TICKET"):
        await items.redeem(token, other)


async def test_a_ticket_dies_after_thirty_seconds(database: Database, clock: FrozenClock, items: Items) -> None:
    token = await issue(database, items, await keep(database, items))
    clock.advance(timedelta(seconds=30))
    with pytest.raises(VaultError, match="ERR-TICKET"):
        await items.redeem(token, USE)


async def test_of_two_parallel_uses_of_a_ticket_one_succeeds(
    database: Database, clock: FrozenClock, items: Items
) -> None:
    token = await issue(database, items, await keep(database, items))
    answers = await asyncio.gather(*(items.redeem(token, USE) for _ in range(5)), return_exceptions=True)
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1


async def test_a_frozen_item_is_refused_until_it_is_replaced(
    database: Database, clock: FrozenClock, items: Items
) -> None:
    item = await keep(database, items)
    async with database.write() as connection:
        await items.freeze(connection, item.id, "ERR-LEGACY_PASSWORD", actor="user:a")
    with pytest.raises(VaultError, match="ERR-ITEM_FROZEN"):
        await release(database, items, item)
    await replace(database, items, item)
    assert await release(database, items, item) == b"New-2026!"


async def test_nothing_secret_stands_in_the_stolen_database(
    database: Database, clock: FrozenClock, items: Items, ledger: Ledger, tmp_path: Path
) -> None:
    item = await keep(database, items)
    token = await issue(database, items, item)
    await items.redeem(token, USE)
    await ledger.sequence()
    if database.dialect == "sqlite":
        stolen = b"".join(path.read_bytes() for path in tmp_path.glob("yimen.db*"))
    else:
        async with database.read() as connection:
            tables = [(await connection.execute(select(table))).all() for table in item_table.metadata.sorted_tables]
        stolen = repr(tables).encode()
    assert len(stolen) > 1000
    for secret in (SECRET, SECRET.hex().encode(), LOGIN.encode(), token.encode()):
        assert secret not in stolen


async def refused_as_tampered(database: Database, items: Items, item: Item) -> None:
    with pytest.raises(VaultError) as caught:
        await release(database, items, item)
    assert caught.value.code == "ERR-ITEM_TAMPERED"
    assert (await actions(database))[-1] == ("vault.tamper", "failure")


async def row_of(database: Database, item: Item) -> dict[str, object]:
    async with database.read() as connection:
        return dict((await connection.execute(select(item_table).where(item_table.c.id == item.id))).one()._mapping)


async def overwrite(database: Database, item: Item, **values: object) -> None:
    async with database.write() as connection:
        await connection.execute(update(item_table).where(item_table.c.id == item.id).values(**values))


CONTENT = ("sealed_login", "sealed_secret")


async def test_content_swapped_between_users_is_refused(database: Database, clock: FrozenClock, items: Items) -> None:
    mine, theirs = await keep(database, items), await keep(database, items, "user:b", b"Other-2026!")
    stolen = await row_of(database, theirs)
    await overwrite(database, mine, **{name: stolen[name] for name in CONTENT})
    await refused_as_tampered(database, items, mine)


async def test_a_row_given_to_another_owner_is_refused(database: Database, clock: FrozenClock, items: Items) -> None:
    theirs = await keep(database, items, "user:b")
    await keep(database, items)
    await overwrite(database, theirs, owner="user:a")
    await refused_as_tampered(database, items, theirs)


async def test_a_row_given_to_another_system_is_refused(database: Database, clock: FrozenClock, items: Items) -> None:
    item = await keep(database, items)
    await overwrite(database, item, system="evil")
    await refused_as_tampered(database, items, item)


async def test_an_old_version_put_back_is_refused(database: Database, clock: FrozenClock, items: Items) -> None:
    item = await keep(database, items)
    old = await row_of(database, item)
    await replace(database, items, item)
    await overwrite(database, item, **old)
    await refused_as_tampered(database, items, item)


async def test_an_old_version_put_back_with_its_old_head_is_refused(
    database: Database, clock: FrozenClock, items: Items
) -> None:
    item = await keep(database, items)
    old = await row_of(database, item)
    async with database.read() as connection:
        head = dict((await connection.execute(select(head_table))).one()._mapping)
    await replace(database, items, item)
    await overwrite(database, item, **old)
    async with database.write() as connection:
        await connection.execute(update(head_table).values(**head))
    await refused_as_tampered(database, items, item)


async def test_a_removed_row_is_missed(database: Database, clock: FrozenClock, items: Items) -> None:
    item, other = await keep(database, items), await keep(database, items)
    async with database.write() as connection:
        await connection.execute(delete(item_table).where(item_table.c.id == other.id))
    await refused_as_tampered(database, items, item)


async def test_a_removed_item_planted_again_is_refused(database: Database, clock: FrozenClock, items: Items) -> None:
    item = await keep(database, items)
    row = await row_of(database, item)
    async with database.write() as connection:
        await items.remove(connection, item.id, actor="user:a")
        await connection.execute(insert(item_table).values(**row))
    await refused_as_tampered(database, items, item)


WRITES = {
    "add": lambda database, items, _: keep(database, items),
    "replace": replace,
    "remove": remove,
    "rotate": rotate,
}


@pytest.mark.parametrize("act", WRITES)
async def test_no_write_signs_what_somebody_else_put_there(
    database: Database, clock: FrozenClock, items: Items, ledger: Ledger, act: str
) -> None:
    old, other = await keep(database, items), await keep(database, items)
    row = await row_of(database, old)
    await replace(database, items, old)
    await overwrite(database, old, **row)
    with pytest.raises(VaultError, match="ERR-ITEM_TAMPERED"):
        await WRITES[act](database, items, other)
    await ledger.stop()
    assert (await actions(database))[-1] == ("vault.tamper", "failure")
    await refused_as_tampered(database, items, old)


async def test_an_old_head_is_refused_though_the_newest_event_is_marked_as_quarantined(
    database: Database, clock: FrozenClock, items: Items
) -> None:
    item = await keep(database, items)
    old = await row_of(database, item)
    async with database.read() as connection:
        head = dict((await connection.execute(select(head_table))).one()._mapping)
    await replace(database, items, item)
    await overwrite(database, item, **old)
    async with database.write() as connection:
        await connection.execute(update(head_table).values(**head))
        newest = event_table.c.action == "vault.replace"
        await connection.execute(update(event_table).where(newest).values(quarantined=True))
    await refused_as_tampered(database, items, item)


async def test_an_owner_whose_rows_are_all_gone_is_not_taken_for_a_new_one(
    database: Database, clock: FrozenClock, items: Items
) -> None:
    await keep(database, items)
    async with database.write() as connection:
        await connection.execute(delete(item_table))
        await connection.execute(delete(head_table))
    with pytest.raises(VaultError, match="ERR-ITEM_TAMPERED"):
        await keep(database, items)


async def test_first_writes_of_an_owner_at_the_same_moment_all_succeed(
    database: Database, clock: FrozenClock, items: Items
) -> None:
    kept = await asyncio.gather(*(keep(database, items) for _ in range(6)))
    for item in kept:
        assert await release(database, items, item) == SECRET


async def test_releases_while_the_keys_rotate_are_not_taken_for_tampering(
    database: Database, clock: FrozenClock, items: Items
) -> None:
    item = await keep(database, items)

    releases = [release(database, items, item) for _ in range(16)]
    await asyncio.gather(*releases, *(rotate(database, items, item) for _ in range(8)))


async def test_a_replica_whose_clock_is_behind_writes_after_one_whose_clock_is_ahead(
    database: Database, clock: FrozenClock, items: Items, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time_ns()
    monkeypatch.setattr(identifiers, "_ascending", identifiers._Ascending())
    monkeypatch.setattr(time, "time_ns", lambda: now + 3_600_000_000_000)
    item = await keep(database, items)
    monkeypatch.setattr(identifiers, "_ascending", identifiers._Ascending())  # another process
    monkeypatch.setattr(time, "time_ns", lambda: now)
    await replace(database, items, item)
    assert await release(database, items, item) == b"New-2026!"


async def test_after_tampering_an_owner_can_start_afresh(
    database: Database,
    clock: FrozenClock,
    items: Items,
    sealer: Sealer,
    heads: Heads,
    watch: LedgerWatch,
    row_watch: RowWatch,
) -> None:
    mine, theirs = await keep(database, items), await keep(database, items, "user:b")
    await overwrite(database, mine, system="evil")
    recovery = Recovery(database, sealer, heads, watch, row_watch)
    assert list(await recovery.check()) == ["user:a"]
    assert await recovery.reset("user:a", actor="operator:x", reason="restored by hand") == 1
    assert await recovery.check() == {}
    assert (await actions(database))[-1] == ("vault.reset", "success")
    fresh = await keep(database, items, secret=b"New-2026!")
    assert await release(database, items, fresh) == b"New-2026!"
    assert await release(database, items, theirs) == SECRET
    with pytest.raises(VaultError, match="ERR-ITEM:"):
        await recovery.reset("user:nobody", actor="operator:x", reason="a typing error")


async def test_every_flipped_byte_of_a_row_is_noticed(database: Database, clock: FrozenClock, items: Items) -> None:
    item = await keep(database, items)
    whole = await row_of(database, item)
    sealed = whole["sealed_secret"]
    assert isinstance(sealed, bytes)
    for position in range(0, len(sealed), 7):
        flipped = bytearray(sealed)
        flipped[position] ^= 1
        await overwrite(database, item, sealed_secret=bytes(flipped))
        await refused_as_tampered(database, items, item)
    await overwrite(database, item, sealed_secret=sealed)
    assert await release(database, items, item) == SECRET


FULL = {
    "sqlite": "CREATE TRIGGER full BEFORE INSERT ON vault_ledger_event BEGIN SELECT RAISE(ABORT, 'full'); END",
    "postgresql": "ALTER TABLE vault_ledger_event ADD CONSTRAINT full_ledger CHECK (false) NOT VALID",
}
ROOM = {
    "sqlite": "DROP TRIGGER full",
    "postgresql": "ALTER TABLE vault_ledger_event DROP CONSTRAINT full_ledger",
}


async def test_without_a_ledger_there_is_no_release(database: Database, clock: FrozenClock, items: Items) -> None:
    item = await keep(database, items)
    token = await issue(database, items, item)
    async with database.write() as connection:
        await connection.execute(text(FULL[database.dialect]))
    for _ in range(2):
        with pytest.raises(StatementError, match="full"):
            await items.redeem(token, USE)
        with pytest.raises(StatementError, match="full"):
            await items.release(Leave(item.id, "user:a", "fill"), USE)
    async with database.write() as connection:
        await connection.execute(text(ROOM[database.dialect]))
    with await items.redeem(token, USE) as secret:
        assert bytes(secret) == SECRET, "what was not told is not used up"
    assert await actions(database) == [("vault.add", "success"), ("vault.release", "success")]
