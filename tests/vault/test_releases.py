"""The way to a password takes two round trips. Whatever happens between them is seen, whatever was proved before."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Table, insert, select, text, update

from core.clock import FrozenClock
from core.database import Connection, Database
from tests.vault.round_trips import RoundTrips
from tests.vault.test_items import (
    SECRET,
    USE,
    actions,
    issue,
    keep,
    refused_as_tampered,
    release,
    remove,
    replace,
    rotate,
)
from tests.vault.test_ledger import drop_triggers
from vault import looks, releases
from vault.errors import VaultError
from vault.heads import Heads, head_table, item_table
from vault.items import Item, Items
from vault.keys.custody import KeyringCustodian
from vault.keys.sealing import Sealer
from vault.keys.signing import signing_key
from vault.ledger import Ledger
from vault.ledger.events import event_table
from vault.rows import SignedRows
from vault.tickets import Leave, Tickets, Use, ticket_table

pytestmark = pytest.mark.every_case


def leave(item: Item) -> Leave:
    return Leave(item.id, "user:a", "fill", owner=item.owner)


async def at_once(items: Items, item: Item) -> bytes:
    with await items.release(leave(item), USE) as secret:
        return bytes(secret)


# What it costs


async def test_a_release_is_one_read_and_one_write(
    database: Database, clock: FrozenClock, items: Items, monkeypatch: pytest.MonkeyPatch
) -> None:
    item, _ = await keep(database, items), await keep(database, items)
    await release(database, items, item)
    trips = RoundTrips(monkeypatch)
    token = await issue(database, items, item)
    assert trips.taken() == 1
    with await items.redeem(token, USE):
        # SQLite writes the ticket, the item and the event one after the other.
        assert trips.taken() == (2 if database.dialect == "postgresql" else 4)
    with await items.release(leave(item), USE):
        assert trips.taken() == (2 if database.dialect == "postgresql" else 4)


@pytest.mark.parametrize("way", [releases._BY_TICKET, releases._AT_ONCE], ids=["by ticket", "at once"])
async def test_a_look_reads_indexes_alone(database: Database, clock: FrozenClock, way: Any) -> None:
    def numbered(number: int) -> str:
        return f"{number:026d}"

    now, owners, count = clock.now(), 2_000, 4_000
    item = {"system": "s", "label": "", "masked_login": "", "version": 1, "state": "active"}
    sealed = {"sealed_login": b"", "sealed_secret": b"", "created_at": now, "updated_at": now}
    event = {"result": "success", "detail": {}, "mac": b"", "recorded_at": now}
    ticket = {"actor": "", "holder": "", "recipe_hash": "", "purpose": "fill", "reason": "", "expires_at": now}
    filled: dict[Table, list[dict[str, Any]]] = {
        item_table: [{"id": numbered(n), "owner": f"user:{n % owners}", **item, **sealed} for n in range(count)],
        head_table: [{"owner": f"user:{n}", "counter": 1, "digest": b"", "signature": b""} for n in range(owners)],
        event_table: [
            {
                "id": numbered(n),
                "subject": f"user:{n % owners}",
                "action": "launch" if n % 7 else "vault.add",
                **event,
            }
            for n in range(5 * count)
        ],
        ticket_table: [
            {"digest": n.to_bytes(4, "big"), "item_id": numbered(n), "row_mac": b"", **ticket} for n in range(count)
        ],
    }
    async with database.write() as connection:
        for table, rows in filled.items():
            await connection.execute(insert(table), rows)
        await connection.execute(text("ANALYZE"))
    asked = {"token": b"\1", "now": now, "wanted": numbered(1)}
    asked |= dict.fromkeys(("for_holder", "for_destination", "for_recipe"), "x")
    explain = "EXPLAIN QUERY PLAN " if database.dialect == "sqlite" else "EXPLAIN "
    async with database.read() as connection:
        call = connection._statements.call(way.look, asked)
        plan = [
            str(row).upper()
            for row in await connection._once(
                dataclasses.replace(call, text=explain + call.text, reader=None, tells=True)
            )
        ]
    assert not [step for step in plan if "SEQ SCAN" in step or step.strip("('").startswith("SCAN")], plan


async def test_what_is_remembered_is_bounded(
    database: Database, clock: FrozenClock, items: Items, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "_MOST_REMEMBERED", 3)
    for number in range(5):
        kept = [await keep(database, items, f"user:{number}") for _ in range(2)]
        await at_once(items, kept[0])
        await replace(database, items, kept[1])
        await at_once(items, kept[0])
        remembered = items._releases._looks._known
        assert sum(len(proved.items) for proved in remembered.values()) <= 3


# What was proved once is not believed for ever

CHANGES: dict[str, tuple[Table, dict[str, Any]]] = {
    "another password": (item_table, {"sealed_secret": b"\x01" * 120}),
    "another name": (item_table, {"sealed_login": b"\x01" * 120}),
    "another system": (item_table, {"system": "evil"}),
    "another label": (item_table, {"label": "evil"}),
    "another result": (item_table, {"last_result": "success"}),
    "a destination": (item_table, {"destination": "http://evil.example"}),
    "another owner": (item_table, {"owner": "user:b"}),
    "an older counter": (head_table, {"counter": 1}),
    "another digest": (head_table, {"digest": b"\x01" * 32}),
    "another signature": (head_table, {"signature": b"\x01" * 64}),
    "a spoilt event": (event_table, {"mac": b"\x01" * 32}),
    "events about somebody else": (event_table, {"subject": "user:b"}),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_an_owner_who_was_proved_is_proved_again_when_anything_changes(
    database: Database, clock: FrozenClock, items: Items, change: str
) -> None:
    item, other = await keep(database, items), await keep(database, items)
    assert await at_once(items, item) == SECRET
    table, to = CHANGES[change]
    changing = update(table).where(table.c.id == other.id) if table is item_table else update(table)
    await drop_triggers(database)
    async with database.write() as connection:
        await connection.execute(changing.values(**to))
    with pytest.raises(VaultError, match="ERR-ITEM_TAMPERED"):
        await at_once(items, item)
    await refused_as_tampered(database, items, item)


async def test_a_ticket_for_somebody_elses_item_opens_nothing_that_its_owner_was_proved_for(
    database: Database, clock: FrozenClock, items: Items
) -> None:
    mine, theirs = await keep(database, items), await keep(database, items, "user:b", b"Other-2026!")
    assert await release(database, items, theirs) == b"Other-2026!"
    token = await issue(database, items, mine)
    async with database.write() as connection:
        await connection.execute(update(ticket_table).values(item_id=theirs.id))
    with pytest.raises(VaultError, match="ERR-ROW_TAMPERED"):
        await items.redeem(token, USE)


async def test_an_item_that_was_shown_as_somebody_elses_is_refused(
    database: Database, clock: FrozenClock, items: Items
) -> None:
    theirs = await keep(database, items, "user:b")
    with pytest.raises(VaultError, match="ERR-ITEM_TAMPERED"):
        await items.release(Leave(theirs.id, "user:a", "fill", owner="user:a"), USE)
    look = Use("session:s1", None, "")
    async with database.write() as connection:
        token = await items.tickets.issue(connection, theirs.id, look, actor="user:a", purpose="reveal", reason="mine?")
    with pytest.raises(VaultError, match="ERR-ITEM_TAMPERED"):
        await items.redeem(token, look)


async def test_leave_for_another_destination_or_a_frozen_item_opens_nothing(
    database: Database, clock: FrozenClock, items: Items
) -> None:
    item = await keep(database, items)
    with pytest.raises(VaultError, match="ERR-ITEM_DESTINATION"):
        await items.release(leave(item), Use(USE.holder, "http://127.0.0.1:9102", USE.recipe_hash))
    async with database.write() as connection:
        await items.freeze(connection, item.id, "refused", actor="user:a")
    with pytest.raises(VaultError, match="ERR-ITEM_FROZEN"):
        await at_once(items, item)
    assert ("vault.release", "success") not in await actions(database)


# What happens between the read and the write


class Interrupted(Database):
    """Somebody else does something right after the next statement that reads."""

    then: Callable[[], Awaitable[None]] | None = None

    def read(self) -> AbstractAsyncContextManager[Connection]:
        return self._read()

    @asynccontextmanager
    async def _read(self) -> AsyncIterator[Connection]:
        async with super().read() as connection:
            execute = connection.execute

            async def interrupted(*given: Any, **named: Any) -> Any:
                found = await execute(*given, **named)
                then, self.then = self.then, None
                if then is not None:
                    await then()
                return found

            connection.execute = interrupted  # type: ignore[method-assign]
            yield connection


@pytest.fixture
async def interrupted(database_url: str) -> AsyncIterator[Interrupted]:
    database = Interrupted(database_url)
    yield database
    await database.close()


@pytest.fixture
async def slow(
    interrupted: Interrupted, database: Database, clock: FrozenClock, custodian: KeyringCustodian, ledger: Ledger
) -> Items:
    """The vault of another process, which is interrupted."""
    sealer = Sealer(database, custodian, "aes", clock)
    await sealer.prepare()
    heads = Heads(ledger, await signing_key(database, sealer, "heads"))
    return Items(interrupted, clock, sealer, ledger, heads, Tickets(clock, SignedRows(sealer, ledger)))


async def freeze(database: Database, items: Items, item: Item) -> None:
    async with database.write() as connection:
        await items.freeze(connection, item.id, "refused", actor="user:a")


async def rotate_and_remove_keys(database: Database, items: Items, item: Item) -> None:
    await rotate(database, items, item)
    keys = items._sealer.keys
    async with database.write() as connection:
        newest = (await keys.generations(connection, item.owner))[-1]
        assert await keys.remove_before(connection, item.owner, newest.generation) > 0


BETWEEN: dict[str, tuple[Callable[[Database, Items, Item], Awaitable[None]], bytes | str]] = {
    "replaced": (replace, b"New-2026!"),
    "rotated": (rotate_and_remove_keys, SECRET),
    "removed": (remove, "ERR-ITEM:"),
    "frozen": (freeze, "ERR-ITEM_FROZEN"),
}


@pytest.mark.parametrize("what", BETWEEN)
async def test_what_changes_between_the_read_and_the_write_counts(
    database: Database, clock: FrozenClock, items: Items, interrupted: Interrupted, slow: Items, what: str
) -> None:
    item = await keep(database, items)
    act, outcome = BETWEEN[what]
    token = await issue(database, items, item)

    async def change() -> None:
        await act(database, items, item)

    interrupted.then = change
    if isinstance(outcome, str):
        with pytest.raises(VaultError, match=outcome):
            await slow.redeem(token, USE)
        assert ("vault.release", "success") not in await actions(database)
    else:
        with await slow.redeem(token, USE) as secret:
            assert bytes(secret) == outcome
        interrupted.then = change
        assert await at_once(slow, item) == outcome


async def test_a_ticket_that_is_used_between_the_read_and_the_write_is_used(
    database: Database, clock: FrozenClock, items: Items, interrupted: Interrupted, slow: Items
) -> None:
    token = await issue(database, items, await keep(database, items))

    async def use() -> None:
        (await items.redeem(token, USE)).wipe()

    interrupted.then = use
    with pytest.raises(VaultError, match="ERR-TICKET"):
        await slow.redeem(token, USE)
    assert (await actions(database)).count(("vault.release", "success")) == 1


async def test_of_two_processes_that_redeem_a_ticket_one_succeeds(
    database: Database, clock: FrozenClock, items: Items, slow: Items
) -> None:
    token = await issue(database, items, await keep(database, items))
    attempts = [vault.redeem(token, USE) for vault in (items, slow) * 4]
    answers = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1
    assert (await actions(database)).count(("vault.release", "success")) == 1


async def test_releases_while_the_item_is_replaced_are_not_taken_for_tampering(
    database: Database, clock: FrozenClock, items: Items, slow: Items
) -> None:
    item = await keep(database, items)
    opened = [at_once(vault, item) for vault in (items, slow) * 12]
    await asyncio.gather(*opened, *(replace(database, items, item) for _ in range(6)))
    assert ("vault.tamper", "failure") not in await actions(database)


# When an item was used


async def test_an_item_says_within_a_minute_when_it_was_used_last(
    database: Database, clock: FrozenClock, items: Items
) -> None:
    item = await keep(database, items)

    async def used_after(pause: timedelta) -> timedelta:
        """How long ago the item says that it was used, right after a use."""
        clock.advance(pause)
        await at_once(items, item)
        async with database.read() as connection:
            last = await connection.scalar(select(item_table.c.last_used_at))
        assert isinstance(last, datetime)
        return clock.now() - last

    assert await used_after(timedelta(0)) == timedelta(0)
    assert await used_after(timedelta(seconds=90)) == timedelta(0)
    assert await used_after(timedelta(seconds=20)) == timedelta(seconds=20)
    clock.advance(timedelta(seconds=1))
    await replace(database, items, item)
    assert await used_after(timedelta(seconds=1)) == timedelta(0), "it was replaced since"
