"""One way to the database: SQLite (WAL) out of the box, PostgreSQL by URL.

Every package declares its tables on `metadata`. A unit of work is opened at the edge with `read()` or
`write()` and passed down as a connection, so a reader sees where it commits.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Date, DateTime, Dialect, LargeBinary, MetaData, Table, event, text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import JSON, TypeDecorator

from core.errors import ConfigurationError, UnavailableError, UnreadableError

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class _Json(TypeDecorator[Any]):
    """A document. What stands in SQLite and is none is read as NULL, to be refused by whoever needs one."""

    impl = JSON
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], Any] | None:
        return _or_else(None, super().result_processor(dialect, coltype), dialect)


class Day(TypeDecorator[date]):
    """A day. What stands in SQLite and is none is read as the first day that there was."""

    impl = Date
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], Any] | None:
        return _or_else(date.min, super().result_processor(dialect, coltype), dialect)


Json = _Json(none_as_null=True)
# What is read where no time stands: long over, and before everything.
_NO_TIME = datetime.min.replace(tzinfo=UTC)

_BUSY_TIMEOUT_MS = 15_000
# Of the disk, the file and its locks, not of a statement.
_SQLITE_TROUBLE = (
    *("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN", "SQLITE_READONLY"),
    *("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_PERM", "SQLITE_NOMEM"),
)


# SQLite keeps any bytes in a column of texts; the driver stops at those that are none.
_NO_TEXT = "Could not decode to UTF-8"


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC instant. SQLite stores no zone, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time must be timezone-aware")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], Any] | None:
        return _or_else(_NO_TIME, super().result_processor(dialect, coltype), dialect)


def _or_else(other: Any, read: Callable[[Any], Any] | None, dialect: Dialect) -> Callable[[Any], Any] | None:
    """SQLite keeps whatever somebody writes into a column. What does not read there is read as `other`."""
    if dialect.name != "sqlite" or read is None:
        return read

    def read_or_other(value: Any) -> Any:
        try:
            return read(value)
        except (ValueError, TypeError, RecursionError):
            return other

    return read_or_other


class Bytes(LargeBinary):
    """A column of bytes. SQLite keeps whatever type somebody writes there: a text or a number comes back as its bytes,
    to be refused by whoever checks them."""

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], Any] | None:
        if dialect.name != "sqlite":
            return None  # the driver gives bytes
        return lambda value: value if value is None or isinstance(value, bytes) else str(value).encode()


class Database:
    """The engine and its two kinds of unit of work.

    `write()` commits at the end of the block, or rolls back when the block raises. On SQLite it starts with
    BEGIN IMMEDIATE, so two writers never deadlock while upgrading a read lock, and the writers of one process
    queue in memory rather than on the file lock.
    """

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        try:
            parsed = make_url(url)
        except ArgumentError:
            raise ConfigurationError("ERR-DATABASE_URL", "the database's address does not parse") from None
        backend = parsed.get_backend_name()
        if backend == "sqlite":
            if parsed.database in (None, "", ":memory:"):
                raise ConfigurationError("ERR-DATABASE_URL", "SQLite needs a file: sqlite:////var/lib/yimen/yimen.db")
            self.dialect: Literal["sqlite", "postgresql"] = "sqlite"
            parsed = parsed.set(drivername="sqlite+aiosqlite")
        elif backend == "postgresql":
            self.dialect = "postgresql"
            parsed = parsed.set(drivername="postgresql+asyncpg")
        else:
            raise ConfigurationError("ERR-DATABASE_URL", f"unsupported database {backend!r}: use sqlite or postgresql")
        self.engine: AsyncEngine = create_async_engine(
            parsed,
            pool_size=pool_size,
            max_overflow=pool_size,
            json_serializer=lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")),
        )
        self._writer = asyncio.Lock()
        if self.dialect == "sqlite":
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self.engine.sync_engine, "begin", _begin_sqlite)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Raises ERR-DATABASE (503) when the database does not work at the moment."""
        with _told():
            async with self._connected() as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """As `read`; what a unit of work wrote before such an error is undone."""
        with _told():
            if self.dialect == "postgresql":
                async with self._connected() as connection, connection.begin():
                    yield connection
                return
            async with self._writer, self._connected() as connection:
                await connection.execution_options(yimen_write=True)
                async with connection.begin():
                    yield connection

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncConnection]:
        async with AsyncExitStack() as stack:
            try:
                connection = await stack.enter_async_context(self.engine.connect())
            except Exception as error:
                # Drivers raise of every kind here: of the network, of the server, of their own options.
                raise UnavailableError("ERR-DATABASE", _in_the_drivers_words(error)) from error
            yield connection

    @property
    def is_there(self) -> bool:
        """False for a SQLite file that opening would create."""
        file = self.engine.url.database
        return self.dialect != "sqlite" or bool(file and Path(file).is_file())

    async def reach(self) -> None:
        """Raises ERR-DATABASE, in the driver's words, when the database cannot be used."""
        file = self.engine.url.database
        if self.dialect == "sqlite" and file and not Path(file).parent.is_dir():
            raise ConfigurationError("ERR-DATABASE", f"there is no folder {Path(file).parent}")
        try:
            await self.ping()
        except UnavailableError as error:
            raise ConfigurationError("ERR-DATABASE", error.detail) from error
        except DBAPIError as error:
            raise ConfigurationError("ERR-DATABASE", _in_the_drivers_words(error)) from error

    async def ping(self) -> None:
        """Raises when the database does not answer."""
        async with self.read() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.engine.dispose()


@contextmanager
def _told() -> Iterator[None]:
    """What a driver raises because the database is away, full or broken, as an error of ours."""
    try:
        yield
    except DBAPIError as error:
        if _NO_TEXT in str(error.orig):
            raise UnreadableError("ERR-ROW_UNREADABLE", _in_the_drivers_words(error)) from error
        name = getattr(error.orig, "sqlite_errorname", "")
        if error.connection_invalidated or name.startswith(_SQLITE_TROUBLE):
            raise UnavailableError("ERR-DATABASE", _in_the_drivers_words(error)) from error
        raise
    except PoolTimeoutError as error:
        raise UnavailableError("ERR-DATABASE", "no connection became free in time") from error


def _in_the_drivers_words(error: Exception) -> str:
    reason = str(error.orig if isinstance(error, DBAPIError) else error).strip()
    return reason.splitlines()[0] if reason else type(error).__name__


async def insert_if_absent(connection: AsyncConnection, table: Table, **values: Any) -> bool:
    """True when the row was written, False when one with its key is there already.

    Another transaction that is writing the same key is waited for, so of several that race exactly one gets True.
    """
    if connection.dialect.name == "sqlite":
        written = await connection.execute(sqlite_insert(table).values(**values).on_conflict_do_nothing())
    else:
        written = await connection.execute(postgresql_insert(table).values(**values).on_conflict_do_nothing())
    return written.rowcount == 1


async def wait_turn(connection: AsyncConnection, lock: int) -> None:
    """One unit of work at a time with this number, among all processes, until it ends; for `write()`.

    On SQLite the write lock does that already.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver must not open transactions by itself: `_begin_sqlite` does.
    connection.isolation_level = None
    cursor = connection.cursor()
    # FULL: an acknowledged commit survives a power cut (DESIGN §4.22).
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={_BUSY_TIMEOUT_MS}",
        "foreign_keys=ON",
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get("yimen_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
