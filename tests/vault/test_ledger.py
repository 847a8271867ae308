import asyncio

import pytest
from sqlalchemy import insert, select, text, update

from core.clock import FrozenClock
from core.database import Database, StatementError
from vault.errors import VaultError
from vault.keys.sealing import Sealer
from vault.ledger import Event, Ledger, merkle
from vault.ledger.events import event_table, leaf_of, place_table, waiting_table

PLACED = (place_table, place_table.c.event_id == event_table.c.id)


def opened(number: int) -> Event:
    return Event(action="launch", result="success", actor="user:a", subject=f"n:{number}", detail={"n": number})


async def drop_triggers(database: Database) -> None:
    """What an attacker who owns the database does first."""
    tables = ["vault_ledger_event", "vault_ledger_place"]
    statements = [f"DROP TRIGGER {table}_no_{what}" for table in tables for what in ("update", "delete")]
    if database.dialect == "postgresql":
        statements = [f"DROP TRIGGER {table}_append_only ON {table}" for table in tables]
    async with database.write() as connection:
        for statement in statements:
            await connection.execute(text(statement))


async def test_an_appended_event_is_durable_and_gets_its_place(database: Database, ledger: Ledger) -> None:
    identifier = await ledger.append(opened(1))
    async with database.read() as connection:
        row = (await connection.execute(select(event_table).where(event_table.c.id == identifier))).one()
        assert await connection.scalar(select(waiting_table.c.event_id)) == identifier
    assert (row.action, row.detail) == ("launch", {"n": 1})
    assert await ledger.sequence() == 1
    async with database.read() as connection:
        assert await connection.scalar(select(waiting_table.c.event_id)) is None
        assert await connection.scalar(select(place_table.c.event_id)) == identifier
    health = await ledger.health()
    assert (health.size, health.verified, health.unsequenced) == (1, True, 0)


async def test_an_event_of_a_unit_of_work_that_fails_is_not_there(database: Database, ledger: Ledger) -> None:
    async def break_off() -> None:
        async with database.write() as connection:
            await ledger.record(connection, opened(1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await break_off()
    assert await ledger.sequence() == 0


async def test_concurrent_appends_all_get_places_whoever_sequences(
    database: Database, ledger: Ledger, clock: FrozenClock, sealer: Sealer
) -> None:
    other = Ledger(database, clock, sealer)
    await other.start()
    assert other.public_key() == ledger.public_key()
    await asyncio.gather(*(ledger.append(opened(n)) for n in range(60)), *(other.append(opened(n)) for n in range(60)))
    await asyncio.gather(ledger.sequence(), other.sequence(), ledger.sequence())
    async with database.read() as connection:
        positions = (await connection.scalars(select(place_table.c.position))).all()
    assert sorted(positions) == list(range(120))
    assert (await ledger.health()).verified


async def test_proofs_of_the_stored_tree_verify(database: Database, ledger: Ledger) -> None:
    sizes, roots = [], []
    for round_ in range(4):
        await asyncio.gather(*(ledger.append(opened(n)) for n in range(3 + round_)))
        await ledger.sequence()
        health = await ledger.health()
        sizes.append(health.size)
        roots.append(bytes.fromhex(health.root))
    at = place_table.c.position
    async with database.read() as connection:
        for position in range(sizes[-1]):
            row = (await connection.execute(select(event_table).join(*PLACED).where(at == position))).one()
            leaf = merkle.hash_leaf(leaf_of(row))
            proof = await ledger.inclusion_proof(connection, position, sizes[-1])
            assert merkle.verify_inclusion(leaf, position, sizes[-1], proof, roots[-1])
        for size, root in zip(sizes, roots, strict=True):
            proof = await ledger.consistency_proof(connection, size, sizes[-1])
            assert merkle.verify_consistency(size, sizes[-1], root, roots[-1], proof)


@pytest.mark.every_case
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE vault_ledger_event SET result = 'failure'",
        "UPDATE vault_ledger_event SET quarantined = true",
        "UPDATE vault_ledger_place SET position = 7",
        "DELETE FROM vault_ledger_place",
        "DELETE FROM vault_ledger_event",
    ],
)
async def test_the_database_itself_refuses_to_change_the_past(
    database: Database, ledger: Ledger, statement: str
) -> None:
    await ledger.append(opened(1))
    await ledger.sequence()

    async def change() -> None:
        async with database.write() as connection:
            await connection.execute(text(statement))

    with pytest.raises(StatementError, match="append-only"):
        await change()


async def test_a_row_written_by_somebody_else_gets_no_place_and_is_told(database: Database, ledger: Ledger) -> None:
    await ledger.append(opened(1))
    async with database.write() as connection:
        row = dict((await connection.execute(select(event_table))).one()._mapping)
        await connection.execute(insert(event_table).values({**row, "id": "0" * 26, "actor": "user:forged"}))
    await ledger.sequence()
    await ledger.sequence()
    health = await ledger.health()
    assert (health.size, health.quarantined) == (2, 1)
    async with database.read() as connection:
        told = await ledger.latest(connection, ["vault.tamper"], f"event:{'0' * 26}")
    assert told is not None


async def test_a_staged_row_changed_before_its_place_is_found(database: Database, ledger: Ledger) -> None:
    await ledger.append(opened(1))
    await drop_triggers(database)
    async with database.write() as connection:
        await connection.execute(update(event_table).values(actor="user:somebody-else"))
    await ledger.sequence()
    assert (await ledger.health()).quarantined == 1


async def test_a_tree_that_was_changed_is_not_verified(database: Database, ledger: Ledger) -> None:
    await ledger.append(opened(1))
    await ledger.sequence()
    async with database.write() as connection:
        await connection.execute(text("UPDATE vault_ledger_node SET hash = :h"), {"h": b"\x00" * 32})
    assert not (await ledger.health()).verified


async def test_the_newest_event_about_something_must_be_genuine(database: Database, ledger: Ledger) -> None:
    await ledger.append(opened(1))
    await drop_triggers(database)
    async with database.write() as connection:
        await connection.execute(update(event_table).values(reason="forged"))
    async with database.read() as connection:
        with pytest.raises(VaultError) as caught:
            await ledger.latest(connection, ["launch"], "n:1")
    assert caught.value.code == "ERR-LEDGER_TAMPERED"


async def test_a_write_that_fails_is_an_error_for_every_waiting_caller(database: Database, ledger: Ledger) -> None:
    async with database.write() as connection:
        await connection.execute(text("ALTER TABLE vault_ledger_event RENAME TO elsewhere"))
    answers = await asyncio.gather(*(ledger.append(opened(n)) for n in range(5)), return_exceptions=True)
    assert all(isinstance(answer, StatementError) for answer in answers)
