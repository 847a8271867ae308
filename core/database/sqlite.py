"""SQLite, in WAL mode. Point look-ups run where they are asked for, without another thread: they take microseconds.
Long reads have threads of their own. Units of work that write share commits (`core.database.shared_commits`).
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, suppress
from functools import cache
from typing import Any

from sqlalchemy import text as sql
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from core.database.changes import ASK_SECONDS, Changes
from core.database.connection import Connection, Result
from core.database.errors import StatementError
from core.database.json_text import to_text
from core.database.shared_commits import Writer
from core.database.sqlite_connection import Inline, Threaded, executed, opened
from core.database.statements import Call, Statements
from core.errors import UnavailableError
from core.held import begin_holding, end_holding

_LONG_READERS = 4
_DATA_VERSION = sql("PRAGMA data_version")


def dialect() -> SQLiteDialect_pysqlite:
    return SQLiteDialect_pysqlite(json_serializer=to_text)


@cache
def statements() -> Statements:
    """Of the whole process: what is made of a statement is the same for every database of this kind."""
    return Statements(dialect())


class SqliteDatabase:
    """One file: a connection for short reads, one for each thread of long reads, and the one that writes."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._statements = statements()
        self._reader: sqlite3.Connection | None = None
        self._writer = Writer(file, self._statements)
        self._threads = ThreadPoolExecutor(_LONG_READERS, "sqlite-read")
        self._long = threading.local()
        self._opened: list[sqlite3.Connection] = []

    def read(self) -> AbstractAsyncContextManager[Connection]:
        return _Opened(self._read)

    def scan(self) -> AbstractAsyncContextManager[Connection]:
        return _Opened(lambda: Threaded(self._in_thread, self._statements))

    def write(self) -> AbstractAsyncContextManager[Connection]:
        return self._writer.unit()

    async def follow(self, changes: Changes) -> None:
        """SQLite counts the commits of others, not what they changed; our own writer is another to its readers."""
        seen: object = None
        while True:
            asked_at = time.monotonic()
            # A file that cannot be read says nothing: what is remembered ends after its second.
            with suppress(UnavailableError, StatementError):
                async with self.read() as connection:
                    version = await connection.scalar(_DATA_VERSION)
                if version != seen:
                    seen = version
                    changes.note_all()
                changes.hear(asked_at)
            await asyncio.sleep(ASK_SECONDS)

    async def close(self) -> None:
        await self._writer.close()
        self._threads.shutdown()
        for connection in self._opened:
            connection.close()
        self._opened, self._reader = [], None

    def _read(self) -> Connection:
        if self._reader is None:
            self._reader = self._open_reader()
        return Inline(self._reader, self._statements)

    def _open_reader(self) -> sqlite3.Connection:
        connection = opened(self._file)
        connection.execute("PRAGMA query_only=ON")
        self._opened.append(connection)
        return connection

    async def _in_thread(self, call: Call) -> Result[Any]:
        def work() -> Result[Any]:
            if (connection := getattr(self._long, "connection", None)) is None:
                connection = self._long.connection = self._open_reader()
            return executed(connection, call)

        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


class _Opened(AbstractAsyncContextManager[Connection]):
    """A unit of work that has nothing to end."""

    __slots__ = ("_open",)

    def __init__(self, opening: Callable[[], Connection]) -> None:
        self._open = opening

    async def __aenter__(self) -> Connection:
        unit = self._open()
        begin_holding()
        return unit

    async def __aexit__(self, *_raised: object) -> None:
        end_holding()
