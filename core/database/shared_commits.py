"""Units of work that write to SQLite follow one another inside one transaction, each under a savepoint, and share its
commit, which takes time because the disk has to answer. Each of them ends when that commit is on disk. One that fails
undoes itself alone."""

import asyncio
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager

from core.database.connection import Connection
from core.database.sqlite_connection import BUSY_SECONDS, Inline, is_busy, opened, run, told, undo
from core.database.statements import Statements
from core.errors import UnavailableError
from core.held import begin_holding, end_holding

_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.02


class _Batch:
    """Units of work that one commit makes durable, and those who wait to hear of it."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    async def committed(self) -> None:
        """Raises what the commit raised. Who stops waiting takes nothing back: what was written will be committed."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        await waiter

    def end(self, error: Exception | None = None) -> None:
        for waiter in self._waiting:
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)


class _WritingUnit(AbstractAsyncContextManager[Connection]):
    """One unit of work among those that share a commit."""

    __slots__ = ("_batch", "_raw", "_writer")

    def __init__(self, writer: "Writer") -> None:
        self._writer = writer

    async def __aenter__(self) -> Connection:
        await self._writer.turn.acquire()
        try:
            self._raw, self._batch = await self._writer.open()
            run(self._raw, "SAVEPOINT unit")
        except BaseException:
            self._writer.turn.release()
            raise
        begin_holding()
        return Inline(self._raw, self._writer.statements)

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        end_holding()
        try:
            if error is None:
                self._release()
            else:
                self._writer.undo(self._raw, self._batch, error)
        finally:
            self._writer.turn.release()
        if error is None:
            await self._batch.committed()

    def _release(self) -> None:
        try:
            run(self._raw, "RELEASE unit")
        except BaseException as error:
            self._writer.undo(self._raw, self._batch, error)
            raise


class Writer:
    """The one connection that writes, and the order of those who want it.

    Who comes first opens a transaction and puts its commit at the end of the queue as it is then. Those before it in
    the queue share it.
    """

    def __init__(self, file: str, statements: Statements) -> None:
        self._file = file
        self.statements = statements
        self._raw: sqlite3.Connection | None = None
        self.turn = asyncio.Lock()
        self._batch: _Batch | None = None
        self._committing: set[asyncio.Task[None]] = set()
        # Commits wait for the disk; the loop does not.
        self._thread = ThreadPoolExecutor(1, "sqlite-commit")

    def unit(self) -> AbstractAsyncContextManager[Connection]:
        return _WritingUnit(self)

    async def close(self) -> None:
        await asyncio.gather(*self._committing, return_exceptions=True)
        self._thread.shutdown()
        if self._raw is not None:
            self._raw.close()
            self._raw = None

    async def open(self) -> tuple[sqlite3.Connection, _Batch]:
        """The connection, in a transaction, and whose commit it will share; for who has the turn."""
        if self._raw is None:
            self._raw = opened(self._file)
            self._raw.execute("PRAGMA busy_timeout=0")
        if self._batch is None:
            await _begin(self._raw)
            self._batch = _Batch()
            task = asyncio.ensure_future(self._commit(self._raw, self._batch))
            self._committing.add(task)
            task.add_done_callback(self._committing.discard)
        return self._raw, self._batch

    def undo(self, raw: sqlite3.Connection, batch: _Batch, error: BaseException) -> None:
        """Takes back what a unit of work wrote."""
        if raw.in_transaction:
            undo(raw, "unit")
            return
        # SQLite undid the whole transaction, as it does when the disk is full: the units before this one too.
        self._batch = None
        batch.end(UnavailableError("ERR-DATABASE", f"undone together with: {type(error).__name__}"))

    async def _commit(self, raw: sqlite3.Connection, batch: _Batch) -> None:
        async with self.turn:
            if self._batch is not batch:
                return
            self._batch = None
            try:
                await asyncio.get_running_loop().run_in_executor(self._thread, run, raw, "COMMIT")
            except Exception as error:
                if raw.in_transaction:
                    raw.rollback()
                batch.end(error)
            else:
                batch.end()


async def _begin(raw: sqlite3.Connection) -> None:
    """Waits for other processes without holding up this one's loop. Raises ERR-DATABASE when they write too long."""
    until, pause = time.monotonic() + BUSY_SECONDS, _FIRST_PAUSE
    while True:
        try:
            raw.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > until:
                raise told(error) from error
        else:
            return
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
