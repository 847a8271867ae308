"""Units of work: what they leave, who waits for whom, and what a failure takes with it."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, bindparam, func, insert, select, text

from core.database import Connection, Database, IntegrityError, Prepared, StatementError
from core.errors import UnavailableError
from tests.conftest import BACKEND

only_sqlite = pytest.mark.skipif(BACKEND != "sqlite", reason="it is how SQLite is used")

scratch = MetaData()
number_table = Table("scratch_number", scratch, Column("n", Integer, primary_key=True), Column("twice", Integer))

ADD = Prepared(insert(number_table))
TWICE = Prepared(select(number_table.c.twice).where(number_table.c.n == bindparam("wanted")))
SMALL = Prepared(select(func.count()).where(number_table.c.n.in_([1, 2, 3]), number_table.c.n < bindparam("below")))


@pytest.fixture
async def store(database: Database) -> Database:
    async with database.schema() as connection:
        await connection.run_sync(scratch.create_all)
    return database


async def add(store: Database, number: int, failure: Exception | None = None) -> None:
    async with store.write() as connection:
        await connection.execute(ADD, {"n": number, "twice": 2 * number})
        if failure is not None:
            raise failure


async def numbers(store: Database) -> list[int]:
    async with store.read() as connection:
        return [*await connection.scalars(select(number_table.c.n).order_by(number_table.c.n))]


def commits(file: Path) -> int:
    """The commits in a WAL file (SQLite's file format, §4.1): frames that say how large the database is now."""
    log = file.with_name(file.name + "-wal").read_bytes()
    page, start, salts = int.from_bytes(log[8:12], "big"), 32, log[16:24]
    count = 0
    while start + 24 <= len(log) and log[start + 8 : start + 16] == salts:
        count += int.from_bytes(log[start + 4 : start + 8], "big") > 0
        start += 24 + page
    return count


# What all databases do


async def test_a_unit_that_fails_undoes_itself_alone(store: Database) -> None:
    failure = RuntimeError("it is over")
    ended = await asyncio.gather(
        *(add(store, number, failure if number % 3 == 0 else None) for number in range(20)), return_exceptions=True
    )
    assert [result is failure for result in ended] == [number % 3 == 0 for number in range(20)]
    assert await numbers(store) == [number for number in range(20) if number % 3]


async def test_what_is_not_committed_is_seen_by_nobody(store: Database) -> None:
    async with store.write() as connection:
        await connection.execute(ADD, {"n": 1, "twice": 2})
        assert await numbers(store) == []
    assert await numbers(store) == [1]


async def test_a_unit_whose_waiter_has_gone_is_whole_or_not_there(store: Database) -> None:
    tasks = [asyncio.ensure_future(add(store, number)) for number in range(10)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    found = await numbers(store)
    assert {number for number in range(10) if number % 2} <= set(found)
    async with store.read() as connection:
        assert [await connection.scalar(TWICE, {"wanted": number}) for number in found] == [2 * one for one in found]


async def test_a_taken_key_is_told_and_the_next_unit_works(store: Database) -> None:
    await add(store, 1)
    with pytest.raises(IntegrityError):
        await add(store, 1)
    await add(store, 2)
    assert await numbers(store) == [1, 2]


async def test_a_nested_block_that_fails_leaves_the_rest(store: Database) -> None:
    async def fail_inside(connection: Connection) -> None:
        async with connection.begin_nested():
            await connection.execute(ADD, {"n": 2, "twice": 4})
            raise LookupError

    async with store.write() as connection:
        await connection.execute(ADD, {"n": 1, "twice": 2})
        with pytest.raises(LookupError):
            await fail_inside(connection)
        await connection.execute(ADD, {"n": 3, "twice": 6})
    assert await numbers(store) == [1, 3]


async def test_a_statement_is_prepared_with_lists_of_constants_and_names_that_are_given(store: Database) -> None:
    async with store.write() as connection:
        await connection.execute(ADD, [{"n": number, "twice": 2 * number} for number in range(6)])
    async with store.read() as connection:
        assert await connection.scalar(SMALL, {"below": 3}) == 2
        assert await connection.scalar(SMALL, {"below": 9}) == 3
        assert await connection.scalar(TWICE, {"wanted": 77}) is None
        with pytest.raises(TypeError, match="below"):
            await connection.execute(SMALL)


async def test_a_wrong_statement_is_told_in_the_drivers_words_without_its_values(store: Database) -> None:
    with pytest.raises(StatementError) as caught:
        async with store.read() as connection:
            await connection.execute(text("SELECT :value FROM nowhere"), {"value": "Lanting2026"})
    assert "nowhere" in str(caught.value)
    assert "Lanting2026" not in repr(caught.value)


async def test_more_rows_than_one_are_never_taken_for_one(store: Database) -> None:
    await add(store, 1)
    await add(store, 2)
    async with store.read() as connection:
        found = await connection.execute(select(number_table))
        for wanted in (found.one, found.one_or_none):
            with pytest.raises(StatementError):
                wanted()


# What SQLite does


@only_sqlite
async def test_units_that_wait_share_a_commit(store: Database, tmp_path: Path) -> None:
    await add(store, 1000)
    before = commits(tmp_path / "yimen.db")
    await asyncio.gather(*(add(store, number) for number in range(100)))
    assert len(await numbers(store)) == 101
    assert 1 <= commits(tmp_path / "yimen.db") - before <= 10


@only_sqlite
async def test_a_full_disk_fails_every_unit_of_the_commit_and_keeps_what_was_acknowledged(store: Database) -> None:
    await add(store, 1)
    async with store.write() as connection:
        pages = await connection.scalar(text("PRAGMA page_count"))
        await connection.execute(text(f"PRAGMA max_page_count = {pages + 2}"))

    async def fill(number: int) -> None:
        async with store.write() as connection:
            rows = [{"n": number * 10_000 + row, "twice": row} for row in range(3000)]
            await connection.execute(ADD, rows)

    ended = await asyncio.gather(add(store, 2), fill(1), fill(2), return_exceptions=True)
    acknowledged = [1] + ([2] if ended[0] is None else [])
    assert all(isinstance(one, UnavailableError) for one in ended if one is not None)
    assert isinstance(ended[1], UnavailableError)
    assert await numbers(store) == acknowledged
    async with store.write() as connection:
        await connection.execute(text("PRAGMA max_page_count = 1073741823"))
    await add(store, 3)
    assert await numbers(store) == [*acknowledged, 3]


@only_sqlite
async def test_a_long_read_holds_nobody_up(store: Database) -> None:
    endless = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 3000000) SELECT count(*) FROM c"
    order: list[str] = []

    async def long() -> None:
        async with store.scan() as connection:
            await connection.scalar(text(endless))
        order.append("long")

    reading = asyncio.ensure_future(long())
    await asyncio.sleep(0)
    await add(store, 1)
    order.append("short")
    await reading
    assert order == ["short", "long"]


@only_sqlite
async def test_a_reader_writes_nothing(store: Database) -> None:
    with pytest.raises(UnavailableError):
        async with store.read() as connection:
            await connection.execute(ADD, {"n": 1, "twice": 2})
    assert await numbers(store) == []


@only_sqlite
@given(steps=st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["keep", "fail", "leave"])), max_size=20))
def test_whatever_units_do_at_once_each_is_whole(
    empty_sqlite: Path, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str]]
) -> None:
    """`fail` raises at the end of the unit, `leave` is cancelled at some moment; keys collide."""

    async def run() -> None:
        store = Database(f"sqlite:///{tmp_path_factory.mktemp('units') / 'units.db'}")
        async with store.schema() as connection:
            await connection.run_sync(scratch.create_all)
        tasks = [
            asyncio.ensure_future(add(store, key, RuntimeError() if how == "fail" else None)) for key, how in steps
        ]
        await asyncio.sleep(0)
        for task, (_, how) in zip(tasks, steps, strict=True):
            if how == "leave":
                task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        found = await numbers(store)
        kept = {key for (key, _), result in zip(steps, ended, strict=True) if result is None}
        tried = {key for key, how in steps if how != "fail"}
        assert kept <= set(found) <= tried
        await store.close()

    asyncio.run(run())
