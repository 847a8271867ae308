"""Rows of several tables in one visit: all of them or none, and behind a guard for exactly one caller."""

import asyncio

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, bindparam, func, select, update

from core.database import Bytes, Database, IntegrityError, Json, StatementError, Together, UtcDateTime, Values
from core.identifiers import new_id
from tests.conftest import BACKEND

scratch = MetaData()
voucher_table = Table(
    "scratch_voucher", scratch, Column("id", String(26), primary_key=True), Column("used_by", String(26))
)
use_table = Table(
    "scratch_use",
    scratch,
    Column("id", String(26), primary_key=True),
    Column("detail", Json),
    Column("at", UtcDateTime),
)
proof_table = Table("scratch_proof", scratch, Column("digest", Bytes, primary_key=True), Column("n", Integer))

NEW = Together(voucher_table, use_table)
UNUSED = (voucher_table.c.id == bindparam("wanted"), voucher_table.c.used_by.is_(None))
USING = update(voucher_table).where(*UNUSED).values(used_by=bindparam("by"))
SPEND = Together(use_table, proof_table, guard=USING)
LOOK = Together(
    use_table,
    guard=select(voucher_table.c.id).where(*UNUSED),
    noting=[update(proof_table).where(proof_table.c.n < bindparam("most")).values(n=bindparam("noted"))],
)


@pytest.fixture
async def store(database: Database) -> Database:
    async with database.schema() as connection:
        await connection.run_sync(scratch.create_all)
    return database


def rows(number: int) -> list[Values]:
    return [
        {"id": new_id(), "detail": {"number": number, "name": "溪口镇"}, "at": None},
        {"digest": number.to_bytes(4, "big"), "n": None},
    ]


async def count(store: Database, table: Table) -> int:
    async with store.read() as connection:
        found: int = await connection.scalar(select(func.count()).select_from(table))
    return found


async def make(store: Database, voucher: str = "") -> str:
    voucher = voucher or new_id()
    async with store.write() as connection:
        assert await NEW.write(connection, [{"id": voucher}, rows(0)[0]])
    return voucher


async def spend(store: Database, voucher: str, number: int) -> bool:
    async with store.write() as connection:
        return await SPEND.write(connection, rows(number), {"wanted": voucher, "by": f"caller {number}"})


async def test_of_many_at_once_exactly_one_writes(store: Database) -> None:
    voucher = await make(store)
    outcomes = await asyncio.gather(*(spend(store, voucher, number) for number in range(20)))
    assert outcomes.count(True) == 1
    async with store.read() as connection:
        proof = (await connection.execute(select(proof_table))).one()
        used_by = await connection.scalar(select(voucher_table.c.used_by))
    assert int.from_bytes(proof.digest, "big") == outcomes.index(True)
    assert used_by == f"caller {outcomes.index(True)}"
    assert await count(store, use_table) == 2


async def test_where_one_row_cannot_be_written_none_is(store: Database) -> None:
    voucher = await make(store)
    assert await spend(store, voucher, 1)
    other = await make(store)
    with pytest.raises(IntegrityError):
        await spend(store, other, 1)  # its proof is there already
    assert (await count(store, proof_table), await count(store, use_table)) == (1, 3)
    assert await spend(store, other, 2)


async def test_a_unit_that_fails_before_it_leaves_nothing(store: Database) -> None:
    with pytest.raises(IntegrityError):
        await make(store, await make(store))
    assert (await count(store, voucher_table), await count(store, use_table)) == (1, 1)


async def look(store: Database, voucher: str, noted: int) -> bool:
    async with store.write() as connection:
        return await LOOK.write(connection, [rows(noted)[0]], {"wanted": voucher, "most": 5, "noted": noted})


async def test_a_row_that_is_only_looked_at_guards_what_is_written(store: Database) -> None:
    unused, used = await make(store), await make(store)
    await spend(store, used, 1)
    uses = await count(store, use_table)
    assert await look(store, unused, 1)
    assert await look(store, unused, 2)
    assert not await look(store, used, 3)
    assert not await look(store, "nobody's", 3)
    assert await count(store, use_table) == uses + 2


async def test_a_note_is_made_with_the_rows_and_finds_nothing_to_note_in_peace(store: Database) -> None:
    unused, used = await make(store), await make(store)
    await spend(store, used, 1)

    async def noted() -> list[int | None]:
        async with store.read() as connection:
            return [*await connection.scalars(select(proof_table.c.n))]

    async with store.write() as connection:
        await connection.execute(update(proof_table).values(n=1))
    assert (await look(store, used, 4), await noted()) == (False, [1])
    assert (await look(store, unused, 7), await noted()) == (True, [7])
    assert (await look(store, unused, 4), await noted()) == (True, [7])


async def test_documents_and_bytes_come_back_as_they_were(store: Database) -> None:
    await spend(store, await make(store), 7)
    async with store.read() as connection:
        details = [*await connection.scalars(select(use_table.c.detail))]
        digest = await connection.scalar(select(proof_table.c.digest))
    assert {"number": 7, "name": "溪口镇"} in details
    assert digest == b"\0\0\0\7"


@pytest.mark.skipif(BACKEND != "postgresql", reason="SQLite undoes it with the rest")
async def test_nothing_is_written_after_the_last(store: Database) -> None:
    async with store.write() as connection:
        await NEW.write(connection, [{"id": new_id()}, rows(0)[0]])
        with pytest.raises(TypeError, match="last"):
            await connection.execute(select(voucher_table))


SHARED = Together(use_table, proof_table, guard=USING, shared=True)
SHARED_NEW = Together(voucher_table, use_table, shared=True)


async def spend_shared(store: Database, voucher: str, number: int, row: Values | None = None) -> bool:
    use, proof = rows(number)
    async with store.write() as connection:
        asked = {"wanted": voucher, "by": f"caller {number}"}
        return await SHARED.write(connection, [{**use, **(row or {})}, proof], asked)


async def test_what_many_write_at_once_is_each_ones_own(store: Database) -> None:
    vouchers = [await make(store) for _ in range(30)]
    before = await count(store, use_table)
    outcomes = await asyncio.gather(*(spend_shared(store, voucher, n) for n, voucher in enumerate(vouchers)))
    assert all(outcomes)
    async with store.read() as connection:
        used = {row.id: row.used_by for row in await connection.execute(select(voucher_table))}
        details = [row.detail["number"] for row in await connection.execute(select(use_table))]
    assert [used[voucher] for voucher in vouchers] == [f"caller {n}" for n in range(30)]
    assert len(details) - before == 30
    assert set(range(30)) <= set(details)


async def test_of_many_who_write_together_exactly_one_uses_what_all_want(store: Database) -> None:
    vouchers = [await make(store) for _ in range(4)]
    wanted = [vouchers[number % 4] for number in range(100)]
    outcomes = await asyncio.gather(*(spend_shared(store, voucher, n) for n, voucher in enumerate(wanted)))
    assert [sum(outcomes[place::4]) for place in range(4)] == [1] * 4
    assert await count(store, proof_table) == 4


async def test_one_that_is_refused_takes_nobody_with_it(store: Database) -> None:
    vouchers = [await make(store) for _ in range(20)]
    taken = {"id": new_id()}
    async with store.write() as connection:
        assert await NEW.write(connection, [{"id": new_id()}, {**rows(0)[0], **taken}])
    outcomes = await asyncio.gather(
        *(spend_shared(store, voucher, n, taken if n == 7 else None) for n, voucher in enumerate(vouchers)),
        return_exceptions=True,
    )
    assert isinstance(outcomes.pop(7), IntegrityError)
    assert outcomes == [True] * 19


async def test_a_text_that_is_too_long_is_refused_and_never_cut(store: Database) -> None:
    async def add(identifier: str) -> bool:
        async with store.write() as connection:
            return await SHARED_NEW.write(connection, [{"id": identifier}, rows(0)[0]])

    outcomes = await asyncio.gather(
        *(add(f"{n:030d}" if n == 3 else new_id()) for n in range(6)), return_exceptions=True
    )
    too_long = outcomes.pop(3)
    assert outcomes == [True] * 5
    assert isinstance(too_long, StatementError) or BACKEND == "sqlite"
