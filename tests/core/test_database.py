import asyncio
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, func, insert, select, text, update

import core.database.postgresql
from core.clock import FrozenClock
from core.database import Database, StatementError, UtcDateTime
from core.errors import ConfigurationError, UnavailableError
from core.jobs import Job, Jobs

scratch = MetaData()
counter = Table("scratch_counter", scratch, Column("n", Integer), Column("at", UtcDateTime))


@pytest.fixture
async def store(database: Database) -> Database:
    async with database.schema() as connection:
        await connection.run_sync(scratch.create_all)
    return database


async def test_a_unit_of_work_that_raises_leaves_nothing(store: Database) -> None:
    async def break_off() -> None:
        async with store.write() as connection:
            await connection.execute(insert(counter).values(n=1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await break_off()
    async with store.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(counter)) == 0


async def test_two_writers_of_the_same_row_lose_no_update(store: Database) -> None:
    async with store.write() as connection:
        await connection.execute(insert(counter).values(n=0))

    async def increment() -> None:
        async with store.write() as connection:
            await connection.execute(update(counter).values(n=counter.c.n + 1))

    await asyncio.gather(*(increment() for _ in range(20)))
    async with store.read() as connection:
        assert await connection.scalar(select(counter.c.n)) == 20


async def test_times_come_back_aware_and_utc(store: Database) -> None:
    shanghai = datetime(2026, 11, 23, 16, 0, tzinfo=timezone(timedelta(hours=8)))
    async with store.write() as connection:
        await connection.execute(insert(counter).values(n=1, at=shanghai))
    async with store.read() as connection:
        assert await connection.scalar(select(counter.c.at)) == datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


async def test_a_naive_time_is_refused(store: Database) -> None:
    with pytest.raises(Exception, match="timezone-aware"):
        async with store.write() as connection:
            await connection.execute(insert(counter).values(n=1, at=datetime(2026, 1, 1)))


async def test_commits_on_sqlite_survive_a_power_cut(database: Database) -> None:
    if database.dialect != "sqlite":
        pytest.skip("PostgreSQL's own default is durable")
    async with database.read() as connection:
        assert await connection.scalar(text("PRAGMA synchronous")) == 2
        assert await connection.scalar(text("PRAGMA journal_mode")) == "wal"


def test_another_database_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        Database("mysql://localhost/x")


async def test_one_of_two_processes_takes_the_turn_of_a_job(database: Database, clock: FrozenClock) -> None:
    async def nothing() -> None: ...

    job = Job("sweep", timedelta(seconds=10), nothing)
    first, second = Jobs(database, clock, [job]), Jobs(database, clock, [job])
    assert [await first.take_turn(job), await second.take_turn(job)] == [True, False]
    clock.advance(timedelta(seconds=10))
    assert sorted(await asyncio.gather(first.take_turn(job), second.take_turn(job))) == [False, True]


async def test_a_database_that_is_away_is_said_to_be() -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/nothing")
    for unit_of_work in (away.read, away.write):
        with pytest.raises(UnavailableError, match="ERR-DATABASE") as caught:
            async with unit_of_work():
                pytest.fail("there is no database")
        assert caught.value.status == 503
    await away.close()


async def test_a_server_that_says_nothing_any_more_is_given_up(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its disk hangs, or it waits for a replica that is gone."""
    if database.dialect != "postgresql":
        pytest.skip("SQLite is a file")
    monkeypatch.setattr(core.database.postgresql, "_ANSWERS_WITHIN", 0.5)
    with pytest.raises(UnavailableError, match="no answer within"):
        async with database.write() as connection:
            await connection.execute(text("SELECT pg_sleep(60)"))
    async with database.read() as connection:
        assert await connection.scalar(text("SELECT 1")) == 1


async def test_a_file_that_cannot_be_written_is_said_to_be_and_nothing_else_is(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    database = Database(f"sqlite:///{file}")
    async with database.write() as connection:
        await connection.execute(text("CREATE TABLE t (x)"))
    with pytest.raises(StatementError, match="no such table"):
        async with database.write() as connection:
            await connection.execute(text("INSERT INTO absent VALUES (1)"))
    async with database.write() as connection:
        await connection.execute(text("PRAGMA query_only = ON"))
    with pytest.raises(UnavailableError, match="ERR-DATABASE"):
        async with database.write() as connection:
            await connection.execute(text("INSERT INTO t VALUES (1)"))
    await database.close()
