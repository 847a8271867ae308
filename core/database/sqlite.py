"""SQLite, in WAL mode. Point look-ups run where they are asked for, without another thread: they take microseconds.

Units of work that write follow one another inside one transaction, each under a savepoint, and share its commit, which
takes time because the disk has to answer. Each of them ends when that commit is on disk. One that fails undoes itself
alone.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from core.database.connection import Connection, Result
from core.database.errors import IntegrityError, StatementError
from core.database.json_text import to_text
from core.database.statements import Call, RowReader, Statements
from core.errors import UnavailableError, UnreadableError

T = TypeVar("T")

_BUSY_SECONDS = 15.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.02
_LONG_READERS = 4
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


def dialect() -> SQLiteDialect_pysqlite:
    return SQLiteDialect_pysqlite(json_serializer=to_text)


class SqliteDatabase:
    """One file: a connection for short reads, one for each thread of long reads, and the one that writes."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._statements = Statements(dialect())
        self._reader: sqlite3.Connection | None = None
        self._writer = _Writer(file, self._statements)
        self._threads = ThreadPoolExecutor(_LONG_READERS, "sqlite-read")
        self._long = threading.local()
        self._opened: list[sqlite3.Connection] = []

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        if self._reader is None:
            self._reader = self._open_reader()
        yield _Inline(self._reader, self._statements)

    @asynccontextmanager
    async def scan(self) -> AsyncIterator[Connection]:
        yield _Threaded(self._in_thread, self._statements)

    def write(self) -> AbstractAsyncContextManager[Connection]:
        return self._writer.unit()

    async def close(self) -> None:
        await self._writer.close()
        self._threads.shutdown()
        for connection in self._opened:
            connection.close()
        self._opened, self._reader = [], None

    def _open_reader(self) -> sqlite3.Connection:
        connection = _opened(self._file)
        connection.execute("PRAGMA query_only=ON")
        self._opened.append(connection)
        return connection

    async def _in_thread(self, call: Call) -> Result[Any]:
        def work() -> Result[Any]:
            if (connection := getattr(self._long, "connection", None)) is None:
                connection = self._long.connection = self._open_reader()
            return _executed(connection, call)

        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


class _Inline(Connection):
    """Executes where it is asked to."""

    dialect = "sqlite"

    def __init__(self, raw: sqlite3.Connection, statements: Statements) -> None:
        super().__init__(statements)
        self._raw = raw

    async def _once(self, call: Call) -> Result[Any]:
        return _executed(self._raw, call)

    async def _each(self, text: str, rows: Sequence[Sequence[Any]]) -> Result[Any]:
        return _executed_many(self._raw, text, rows)

    @asynccontextmanager
    async def begin_nested(self) -> AsyncIterator[None]:
        _run(self._raw, "SAVEPOINT nested")
        try:
            yield
        except BaseException:
            _undo(self._raw, "nested")
            raise
        _run(self._raw, "RELEASE nested")


class _Threaded(Connection):
    """Executes in a thread of its own, for reads that may take long."""

    dialect = "sqlite"

    def __init__(self, run: Callable[[Call], Awaitable[Result[Any]]], statements: Statements) -> None:
        super().__init__(statements)
        self._run = run

    async def _once(self, call: Call) -> Result[Any]:
        return await self._run(call)

    async def _each(self, text: str, rows: Sequence[Sequence[Any]]) -> Result[Any]:
        raise TypeError("a reader executes a statement once")

    def begin_nested(self) -> AbstractAsyncContextManager[None]:
        raise TypeError("a reader undoes nothing")


class _Batch:
    """Units of work that one commit makes durable."""

    def __init__(self) -> None:
        self.committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Nobody may be left to hear of it: each unit may have failed by itself.
        self.committed.add_done_callback(lambda done: done.cancelled() or done.exception())


class _Writer:
    """The one connection that writes, and the order of those who want it.

    Who comes first opens a transaction and puts its commit at the end of the queue as it is then. Those before it in
    the queue share it.
    """

    def __init__(self, file: str, statements: Statements) -> None:
        self._file = file
        self._statements = statements
        self._raw: sqlite3.Connection | None = None
        self._turn = asyncio.Lock()
        self._batch: _Batch | None = None
        self._committing: set[asyncio.Task[None]] = set()
        # Commits wait for the disk; the loop does not.
        self._thread = ThreadPoolExecutor(1, "sqlite-commit")

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[Connection]:
        async with self._turn:
            raw, batch = await self._open()
            _run(raw, "SAVEPOINT unit")
            try:
                yield _Inline(raw, self._statements)
                _run(raw, "RELEASE unit")
            except BaseException as error:
                self._undo(raw, batch, error)
                raise
        # What was written will be committed, whether or not somebody still waits to hear of it.
        await asyncio.shield(batch.committed)

    async def close(self) -> None:
        await asyncio.gather(*self._committing, return_exceptions=True)
        self._thread.shutdown()
        if self._raw is not None:
            self._raw.close()
            self._raw = None

    async def _open(self) -> tuple[sqlite3.Connection, _Batch]:
        if self._raw is None:
            self._raw = _opened(self._file)
            self._raw.execute("PRAGMA busy_timeout=0")
        if self._batch is None:
            await _begin(self._raw)
            self._batch = _Batch()
            task = asyncio.ensure_future(self._commit(self._raw, self._batch))
            self._committing.add(task)
            task.add_done_callback(self._committing.discard)
        return self._raw, self._batch

    def _undo(self, raw: sqlite3.Connection, batch: _Batch, error: BaseException) -> None:
        if raw.in_transaction:
            _undo(raw, "unit")
            return
        # SQLite undid the whole transaction, as it does when the disk is full: the units before this one too.
        self._batch = None
        batch.committed.set_exception(UnavailableError("ERR-DATABASE", f"undone together with: {type(error).__name__}"))

    async def _commit(self, raw: sqlite3.Connection, batch: _Batch) -> None:
        async with self._turn:
            if self._batch is not batch:
                return
            self._batch = None
            try:
                await asyncio.get_running_loop().run_in_executor(self._thread, _run, raw, "COMMIT")
            except Exception as error:
                if raw.in_transaction:
                    raw.rollback()
                batch.committed.set_exception(error)
            else:
                batch.committed.set_result(None)


async def _begin(raw: sqlite3.Connection) -> None:
    """Waits for other processes without holding up this one's loop. Raises ERR-DATABASE when they write too long."""
    until, pause = time.monotonic() + _BUSY_SECONDS, _FIRST_PAUSE
    while True:
        try:
            raw.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() > until:
                raise _told(error) from error
        else:
            return
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _is_busy(error: sqlite3.Error) -> bool:
    return _name(error).startswith("SQLITE_BUSY")


def _opened(file: str) -> sqlite3.Connection:
    """Raises ERR-DATABASE."""
    try:
        connection = sqlite3.connect(
            file,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_KEPT_STATEMENTS,
        )
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error as error:
        raise UnavailableError("ERR-DATABASE", str(error)) from error
    return connection


def _executed(raw: sqlite3.Connection, call: Call) -> Result[Any]:
    try:
        cursor = raw.execute(call.text, call.arguments)
        if cursor.description is None:
            return Result([], cursor.rowcount)
        reader = call.reader or _reader_of(cursor)
        rows = reader.read(cursor.fetchall())
    except sqlite3.Error as error:
        raise _told(error) from error
    return Result(rows, len(rows))


def _reader_of(cursor: sqlite3.Cursor) -> RowReader:
    names = [str(column[0]) for column in cursor.description]
    return RowReader(names, [None] * len(names))


def _executed_many(raw: sqlite3.Connection, text: str, rows: Sequence[Sequence[Any]]) -> Result[Any]:
    try:
        return Result([], raw.executemany(text, rows).rowcount)
    except sqlite3.Error as error:
        raise _told(error) from error


def _run(raw: sqlite3.Connection, text: str) -> None:
    try:
        raw.execute(text)
    except sqlite3.Error as error:
        raise _told(error) from error


def _undo(raw: sqlite3.Connection, savepoint: str) -> None:
    _run(raw, f"ROLLBACK TO {savepoint}")
    _run(raw, f"RELEASE {savepoint}")


def _name(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", "") or ""


def _told(error: sqlite3.Error) -> Exception:
    """What the driver raised, as an error of ours."""
    words = str(error)
    if _NO_TEXT in words:
        return UnreadableError("ERR-ROW_UNREADABLE", words)
    if _name(error).startswith(_TROUBLE):
        return UnavailableError("ERR-DATABASE", words)
    if isinstance(error, sqlite3.IntegrityError):
        return IntegrityError(words)
    return StatementError(words)
