"""Processes that remember rows hear of each other's changes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from sqlalchemy import text

from core.database import Changes, Database, announce


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Database]:
    """The database as another process has it."""
    other = Database(database_url)
    yield other
    await other.close()


async def until_heard(changes: Changes, after: float) -> None:
    async with asyncio.timeout(20):
        while changes.heard_until <= after:
            await asyncio.sleep(0.01)


async def until_changed(changes: Changes, before: int) -> None:
    async with asyncio.timeout(20):
        while changes.version("sso_client") == before:
            await asyncio.sleep(0.01)


async def change(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(text("UPDATE sso_client SET status = status"))
        await connection.execute(text("INSERT INTO core_job (name, due_at, failures) VALUES ('x', '2026-01-01', 0)"))
        await announce(connection, "sso_client")


async def test_a_change_of_another_process_is_heard(database: Database, other: Database) -> None:
    database.follow()
    await until_heard(database.changes, float("-inf"))
    before = database.changes.version("sso_client")
    await change(other)
    await until_changed(database.changes, before)


async def test_nothing_is_heard_while_nobody_changes_anything(database: Database, other: Database) -> None:
    database.follow()
    await until_heard(database.changes, float("-inf"))
    before = database.changes.version("sso_client")
    await until_heard(database.changes, database.changes.heard_until)
    assert database.changes.version("sso_client") == before


async def test_a_change_that_is_undone_is_not_announced(database: Database, other: Database) -> None:
    database.follow()
    await until_heard(database.changes, float("-inf"))
    before = database.changes.version("sso_client")
    with suppress(LookupError):
        async with other.write() as connection:
            await announce(connection, "sso_client")
            raise LookupError
    await until_heard(database.changes, database.changes.heard_until)
    assert database.changes.version("sso_client") == before


async def test_after_a_lost_connection_everything_counts_as_changed(database: Database, other: Database) -> None:
    if database.dialect == "sqlite":
        pytest.skip("SQLite is a file: no connection is lost")
    database.follow()
    await until_heard(database.changes, float("-inf"))
    before, heard = database.changes.version("sso_client"), database.changes.heard_until
    async with other.read() as connection:
        await connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND query LIKE 'SELECT 1%' AND datname = current_database()"
            )
        )
    await until_changed(database.changes, before)
    await until_heard(database.changes, heard)
