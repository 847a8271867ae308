"""The database of an address, and its kinds of unit of work."""

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from core.database.changes import Changes
from core.database.connection import Connection, DialectName
from core.database.postgresql import PostgresDatabase
from core.database.sqlite import SqliteDatabase
from core.errors import ConfigurationError, UnavailableError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}


class Database:
    def __init__(self, url: str, *, pool_size: int = 20) -> None:
        try:
            parsed = make_url(url)
        except (ArgumentError, ValueError):  # the latter is of a port that is none
            raise ConfigurationError("ERR-DATABASE_URL", "YIMEN_DATABASE_URL does not parse") from None
        backend = parsed.get_backend_name()
        if backend not in _DRIVERS:
            raise ConfigurationError(
                "ERR-DATABASE_URL", f"YIMEN_DATABASE_URL: no {backend!r}, use sqlite or postgresql"
            )
        self._url = parsed.set(drivername=_DRIVERS[backend])
        self.changes = Changes()
        self._following: asyncio.Task[None] | None = None
        self._driver: SqliteDatabase | PostgresDatabase
        if backend == "sqlite":
            if parsed.database in (None, "", ":memory:"):
                raise ConfigurationError("ERR-DATABASE_URL", "SQLite needs a file: sqlite:////var/lib/yimen/yimen.db")
            self.dialect: DialectName = "sqlite"
            self._driver = SqliteDatabase(str(parsed.database))
        else:
            self.dialect = "postgresql"
            try:
                self._driver = PostgresDatabase(self._url, pool_size)
            except (ArgumentError, ValueError) as error:
                raise ConfigurationError("ERR-DATABASE_URL", f"YIMEN_DATABASE_URL: {error}") from None

    def read(self) -> AbstractAsyncContextManager[Connection]:
        """For short reads. Raises ERR-DATABASE (503) when the database does not work at the moment."""
        return self._driver.read()

    def scan(self) -> AbstractAsyncContextManager[Connection]:
        """As `read`, for what may take long: nobody else waits for it."""
        return self._driver.scan()

    def write(self) -> AbstractAsyncContextManager[Connection]:
        """As `read`; ends when what was written is on disk. Where the block or the commit raises, nothing was."""
        return self._driver.write()

    def follow(self) -> None:
        """From now on, until `close`, hears in `changes` what other processes change (`core.database.changes`)."""
        if self._following is None:
            self._following = asyncio.create_task(self._driver.follow(self.changes), name="changes")

    def schema(self) -> "AbstractAsyncContextManager[AsyncConnection]":
        """A transaction for the tables themselves. Raises ERR-DATABASE."""
        # SQLAlchemy's own connections bring its ORM along: only who changes tables waits for that.
        from core.database.schema import changing  # noqa: PLC0415

        return changing(self._url)

    @property
    def file(self) -> str | None:
        return self._url.database if self.dialect == "sqlite" else None

    @property
    def is_there(self) -> bool:
        """False for a SQLite file that opening would create."""
        return self.file is None or Path(self.file).is_file()

    @property
    def _place(self) -> str:
        """Where it is, without a word of who may use it."""
        if self.file is not None:
            return self.file
        hosts = [self._url.host] if self._url.host else self._url.normalized_query.get("host", ())
        port = f":{self._url.port}" if self._url.port else ""
        return f"{', '.join(hosts)}{port}/{self._url.database or ''}"

    async def reach(self) -> None:
        """Raises ERR-DATABASE, in the driver's words, when the database cannot be used."""
        if self.file is not None and not Path(self.file).parent.is_dir():
            raise ConfigurationError("ERR-DATABASE", f"there is no folder {Path(self.file).parent}")
        try:
            await self.ping()
        except UnavailableError as error:
            raise ConfigurationError("ERR-DATABASE", f"{self._place}: {error.detail}") from error

    async def ping(self) -> None:
        """Raises when the database does not answer."""
        async with self.read() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        await self._driver.close()
