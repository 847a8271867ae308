"""The tables themselves: where migrations make and change them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import URL, Connection, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from core.database.sqlite_connection import PRAGMAS
from core.errors import UnavailableError

# An arbitrary constant shared by all processes: PostgreSQL's advisory lock number for changes of tables.
_LOCK = 0x59494D454E


@asynccontextmanager
async def changing(url: URL) -> AsyncIterator[AsyncConnection]:
    """One transaction, one process at a time: on PostgreSQL by an advisory lock, on SQLite by the write lock.

    Raises ERR-DATABASE when the database cannot be used.
    """
    engine = create_async_engine(url, poolclass=NullPool)
    is_sqlite = url.get_backend_name() == "sqlite"
    if is_sqlite:
        event.listen(engine.sync_engine, "connect", _prepare)
        event.listen(engine.sync_engine, "begin", _begin)
    try:
        async with engine.begin() as connection:
            if not is_sqlite:
                await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            yield connection
    except (DBAPIError, OSError) as error:
        raise UnavailableError("ERR-DATABASE", _words(error)) from error
    finally:
        await engine.dispose()


def _prepare(connection: Any, _record: Any) -> None:
    # The driver must not open transactions by itself: `_begin` does.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("busy_timeout=15000", *PRAGMAS):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _words(error: Exception) -> str:
    reason = str(error.orig if isinstance(error, DBAPIError) else error).strip()
    return reason.splitlines()[0] if reason else type(error).__name__
