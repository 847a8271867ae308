"""Connections to a SQLite file, and what the driver raises, as errors of ours."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from sqlalchemy import Column, Table, bindparam, delete, insert

from core.database.connection import Connection, Result
from core.database.errors import IntegrityError, StatementError
from core.database.statements import Call, RowReader, Statements
from core.errors import UnavailableError, UnreadableError

BUSY_SECONDS = 15.0
_KEPT_STATEMENTS = 512
# Of the disk, the file and its locks, not of a statement.
_TROUBLE = (
    *("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN", "SQLITE_READONLY"),
    *("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_PERM", "SQLITE_NOMEM"),
)
# SQLite keeps any bytes in a column of texts; the driver stops at those that are none.
_NO_TEXT = "Could not decode to UTF-8"

PRAGMAS = (
    "journal_mode=WAL",
    # FULL: an acknowledged commit survives a power cut (DESIGN §4.22).
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",
)


class Inline(Connection):
    """Executes where it is asked to."""

    dialect = "sqlite"

    def __init__(self, raw: sqlite3.Connection, statements: Statements) -> None:
        super().__init__(statements)
        self._raw = raw

    async def _once(self, call: Call) -> Result[Any]:
        return executed(self._raw, call)

    async def _each(self, text: str, rows: Sequence[Sequence[Any]]) -> Result[Any]:
        return executed_many(self._raw, text, rows)

    async def insert_many(self, table: Table, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        into = insert(table).values({name: bindparam(name) for name in names})
        executed_many(self._raw, self._statements.text_of(into, names), rows)

    async def delete_many(self, column: Column[str], values: Sequence[str]) -> int:
        gone = delete(column.table).where(column == bindparam("value"))
        text = self._statements.text_of(gone, ["value"])
        return executed_many(self._raw, text, [(value,) for value in values]).rowcount

    @asynccontextmanager
    async def begin_nested(self) -> AsyncIterator[None]:
        run(self._raw, "SAVEPOINT nested")
        try:
            yield
        except BaseException:
            undo(self._raw, "nested")
            raise
        run(self._raw, "RELEASE nested")


class Threaded(Connection):
    """Executes in a thread of its own, for reads that may take long."""

    dialect = "sqlite"

    def __init__(self, run: Callable[[Call], Awaitable[Result[Any]]], statements: Statements) -> None:
        super().__init__(statements)
        self._run = run

    async def _once(self, call: Call) -> Result[Any]:
        return await self._run(call)

    async def _each(self, text: str, rows: Sequence[Sequence[Any]]) -> Result[Any]:
        raise TypeError("a reader executes a statement once")

    async def insert_many(self, table: Table, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        raise TypeError("a reader writes nothing")

    async def delete_many(self, column: Column[str], values: Sequence[str]) -> int:
        raise TypeError("a reader writes nothing")

    def begin_nested(self) -> AbstractAsyncContextManager[None]:
        raise TypeError("a reader undoes nothing")


def opened(file: str) -> sqlite3.Connection:
    """Raises ERR-DATABASE."""
    try:
        connection = sqlite3.connect(
            file,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_KEPT_STATEMENTS,
        )
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error as error:
        raise UnavailableError("ERR-DATABASE", str(error)) from error
    return connection


def executed(raw: sqlite3.Connection, call: Call) -> Result[Any]:
    try:
        cursor = raw.execute(call.text, call.arguments)
        if cursor.description is None:
            return Result([], cursor.rowcount)
        reader = call.reader or _reader_of(cursor)
        rows = reader.read(cursor.fetchall())
    except sqlite3.Error as error:
        raise told(error) from error
    return Result(rows, len(rows))


def _reader_of(cursor: sqlite3.Cursor) -> RowReader:
    names = [str(column[0]) for column in cursor.description]
    return RowReader(names, [None] * len(names))


def executed_many(raw: sqlite3.Connection, text: str, rows: Sequence[Sequence[Any]]) -> Result[Any]:
    try:
        return Result([], raw.executemany(text, rows).rowcount)
    except sqlite3.Error as error:
        raise told(error) from error


def run(raw: sqlite3.Connection, text: str) -> None:
    try:
        raw.execute(text)
    except sqlite3.Error as error:
        raise told(error) from error


def undo(raw: sqlite3.Connection, savepoint: str) -> None:
    run(raw, f"ROLLBACK TO {savepoint}")
    run(raw, f"RELEASE {savepoint}")


def _name(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", "") or ""


def told(error: sqlite3.Error) -> Exception:
    """What the driver raised, as an error of ours."""
    words = str(error)
    if _NO_TEXT in words:
        return UnreadableError("ERR-ROW_UNREADABLE", words)
    if _name(error).startswith(_TROUBLE):
        return UnavailableError("ERR-DATABASE", words)
    if isinstance(error, sqlite3.IntegrityError):
        return IntegrityError(words)
    return StatementError(words)


def is_busy(error: sqlite3.Error) -> bool:
    return _name(error).startswith("SQLITE_BUSY")
