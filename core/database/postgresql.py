"""PostgreSQL over asyncpg, whose connections keep their prepared statements."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Hashable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from functools import cache, partial
from typing import Any

import asyncpg
from sqlalchemy import URL, Column, Executable, Select, String, Table, bindparam, delete, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from core.database.changes import ASK_SECONDS, CHANNEL, Changes
from core.database.connection import Connection, Result
from core.database.errors import IntegrityError, StatementError
from core.database.gathering import Gathering
from core.database.hosts import Hosts
from core.database.json_text import to_text
from core.database.pool import Pool
from core.database.several import values_of
from core.database.statements import Call, Prepared, RowReader, Statements, Values, for_several
from core.errors import UnavailableError
from core.held import begin_holding, end_holding
from core.logs import Seldom, logger

_WAIT_SECONDS = 30.0
_KEPT_STATEMENTS = 1000
# Of a statement or a commit: a server whose disk hangs, or whose synchronous replica is gone, says nothing at all.
# Where commits are shared a request may wait for two, and a proxy for a minute.
_ANSWERS_WITHIN = 20.0
# Of the connection that hears of changes: how long its server may be silent, and when it is made again.
_SILENCE_SECONDS = 5.0
_AGAIN_SECONDS = 0.5
# SQLSTATE classes (PostgreSQL, appendix A) of the server and the way to it, not of a statement: connection, resources,
# operator's doing, system, and a server that has become a replica.
_TROUBLE = ("08", "53", "57", "58", "25006")
_INTEGRITY = "23"
# The last is of a connection that is just breaking off, and is asked for something meanwhile.
_RAISED = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, asyncpg.InternalClientError)
_log = logger("database")


def dialect() -> PGDialect_asyncpg:
    return PGDialect_asyncpg(json_serializer=to_text)  # type: ignore[no-untyped-call]


@cache
def statements() -> Statements:
    """Of the whole process: what is made of a statement is the same for every database of this kind."""
    return Statements(dialect())


_Gatherings = defaultdict[Hashable, Gathering[Any, Any]]


class PostgresDatabase:
    """Connections, opened when they are needed and kept (`core.database.pool`)."""

    def __init__(self, url: URL, pool_size: int) -> None:
        self._statements = statements()
        self._hosts = Hosts(dialect().create_connect_args(url)[1])  # type: ignore[no-untyped-call]
        self._pool: Pool[asyncpg.Connection] = Pool(self._connect, pool_size, _WAIT_SECONDS)
        self._gatherings: _Gatherings = defaultdict(Gathering)

    def read(self) -> AbstractAsyncContextManager[Connection]:
        """Each statement sees what is committed when it begins."""
        return _Unit(self._pool, lambda raw: _PostgresConnection(raw, self._statements, self._gatherings))

    def scan(self) -> AbstractAsyncContextManager[Connection]:
        return self.read()

    def write(self) -> AbstractAsyncContextManager[Connection]:
        return _Unit(self._pool, lambda raw: _WritingConnection(raw, self._statements, self._gatherings))

    async def follow(self, changes: Changes) -> None:
        """Over a connection of its own, which is made again when it is lost."""
        seldom = Seldom()
        while True:
            try:
                await self._hear(changes)
            except Exception as error:
                # What is remembered ends after its second, until somebody tells again.
                if seldom.is_due():
                    _log.warning("changes of other processes are not heard", error=type(error).__name__)
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _hear(self, changes: Changes) -> None:
        raw = await self._hosts.connect()
        try:
            await raw.add_listener(CHANNEL, lambda _raw, _process, _channel, table: changes.note(str(table)))
            # What was changed while nobody listened.
            changes.note_all()
            while True:
                asked_at = time.monotonic()
                # The server tells what it has to tell before it answers.
                await raw.execute("SELECT 1", timeout=_SILENCE_SECONDS)
                await asyncio.sleep(0)
                changes.hear(asked_at)
                await asyncio.sleep(ASK_SECONDS)
        finally:
            raw.terminate()

    async def close(self) -> None:
        await self._pool.close()

    async def _connect(self) -> asyncpg.Connection:
        raw = await self._hosts.connect(
            command_timeout=_ANSWERS_WITHIN,
            statement_cache_size=_KEPT_STATEMENTS,
            max_cached_statement_lifetime=0,
            max_cacheable_statement_size=0,
        )
        await _read_documents(raw)
        return raw


class _Unit(AbstractAsyncContextManager[Connection]):
    """One unit of work, and the connection that it borrows.

    Units of work change nothing of their session, so nothing is reset: it would cost a round trip each time. The
    connection of one that was cancelled may be in the middle of a statement, and is given up; so is one that failed.
    """

    __slots__ = ("_opening", "_pool", "_raw", "_unit")

    def __init__(
        self, pool: Pool[asyncpg.Connection], opening: "Callable[[asyncpg.Connection], _PostgresConnection]"
    ) -> None:
        self._pool = pool
        self._opening = opening

    async def __aenter__(self) -> Connection:
        try:
            self._raw = await self._pool.acquire()
        except TimeoutError as error:
            raise UnavailableError("ERR-DATABASE", "no connection became free in time") from error
        except Exception as error:
            # The driver raises of every kind here: of the network, of the server, of its own options.
            raise UnavailableError("ERR-DATABASE", _words(error)) from error
        self._unit = self._opening(self._raw)
        begin_holding()
        return self._unit

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        end_holding()
        try:
            if error is None:
                await self._unit.commit()
            elif isinstance(error, Exception) and not isinstance(error, UnavailableError):
                await self._unit.roll_back()
            else:
                self._raw.terminate()
        except BaseException:
            # Whatever the end of a transaction raised: what state it left behind is not known.
            self._raw.terminate()
            raise
        finally:
            self._pool.release(self._raw)


async def _read_documents(raw: asyncpg.Connection) -> None:
    """Documents come as they stand: their column reads them (`core.database.columns`)."""
    await raw.set_type_codec("json", encoder=str.encode, decoder=bytes, schema="pg_catalog", format="binary")


class _PostgresConnection(Connection):
    dialect = "postgresql"

    def __init__(self, raw: Any, statements: Statements, gatherings: _Gatherings) -> None:
        super().__init__(statements)
        self._raw = raw
        self._gatherings = gatherings

    @property
    def has_written(self) -> bool:
        return False

    def gathering(self, kind: Hashable) -> Gathering[Any, Any]:
        return self._gatherings[kind]

    async def find(self, statement: Prepared, asked: Values) -> list[Any]:
        if self.has_written:
            return await super().find(statement, asked)
        names = tuple(asked)
        gathering: Gathering[list[Any], list[Any]] = self._gatherings[statement, names]
        alone = partial(self._find_for_one, statement, names)
        together = partial(self._find_for_several, statement, names)
        return await gathering.carry_out([*asked.values()], alone, together)

    async def _find_for_one(self, statement: Prepared, names: Sequence[str], values: Sequence[Any]) -> list[Any]:
        return await super().find(statement, dict(zip(names, values, strict=True)))

    async def _find_for_several(
        self, statement: Prepared, names: Sequence[str], callers: Sequence[Sequence[Any]]
    ) -> list[list[Any]]:
        found = await self.execute(for_several(statement), values_of(names, callers))
        answers: list[list[Any]] = [[] for _ in callers]
        for *parts, number in found:
            answers[number.raw[0]].append(tuple(parts))
        return answers

    async def commit(self) -> None:
        """Nothing was written."""

    async def roll_back(self) -> None:
        """Nothing was written."""

    async def _each(self, text: str, rows: Sequence[Sequence[Any]]) -> Result[Any]:
        with _telling():
            await self._raw.executemany(text, rows)
        return Result([], len(rows))

    async def _once(self, call: Call) -> Result[Any]:
        try:
            if call.reader is None and not call.tells:
                status: str = await self._raw.execute(call.text, *call.arguments)
                return Result([], _count(status))
            found = await self._raw.fetch(call.text, *call.arguments)
        except _RAISED as error:
            raise _told(error) from error
        if call.reader is None and not found:
            return Result([], 0)
        reader = call.reader or RowReader(list(found[0].keys()), [None] * len(found[0]))
        rows = reader.read(found)
        return Result(rows, len(rows))

    async def insert_many(self, table: Table, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """By COPY: the rows are on their way before the first one is written."""
        with _telling():
            await self._raw.copy_records_to_table(table.name, records=rows, columns=list(names))

    async def delete_many(self, column: Column[str], values: Sequence[str]) -> int:
        gone = delete(column.table).where(column == func.any(bindparam("values", type_=ARRAY(String))))
        return (await self.execute(gone, {"values": list(values)})).rowcount

    @asynccontextmanager
    async def begin_nested(self) -> AsyncIterator[None]:
        async with self._raw.transaction():
            yield


class _WritingConnection(_PostgresConnection):
    """Its transaction begins with the first statement that is more than a read: until then each statement sees what is
    committed when it begins, as it does inside of a transaction (READ COMMITTED). A single statement that writes, and
    is said to be the last, is a transaction by itself."""

    def __init__(self, raw: Any, statements: Statements, gatherings: _Gatherings) -> None:
        super().__init__(raw, statements, gatherings)
        self._transaction: Any = None
        self._is_over = False

    @property
    def has_written(self) -> bool:
        return self._transaction is not None

    async def execute(
        self,
        statement: Executable | Prepared,
        parameters: Values | Sequence[Values] | None = None,
        *,
        last: bool = False,
    ) -> Result[Any]:
        if self._is_over:
            raise TypeError("the last statement of this unit of work was executed")
        if self._transaction is None and not last and not _only_reads(statement):
            await self._begin()
        found = await super().execute(statement, parameters)
        self._is_over = last
        return found

    async def insert_many(self, table: Table, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        if self._transaction is None:
            await self._begin()
        await super().insert_many(table, names, rows)

    @asynccontextmanager
    async def begin_nested(self) -> AsyncIterator[None]:
        if self._transaction is None:
            await self._begin()
        async with super().begin_nested():
            yield

    async def commit(self) -> None:
        if self._transaction is not None:
            with _telling():
                await self._transaction.commit()

    async def roll_back(self) -> None:
        if self._transaction is not None:
            with _telling():
                await self._transaction.rollback()

    async def _begin(self) -> None:
        with _telling():
            transaction = self._raw.transaction()
            await transaction.start()
            self._transaction = transaction


def _only_reads(statement: Executable | Prepared) -> bool:
    made_of = statement.statement if isinstance(statement, Prepared) else statement
    return isinstance(made_of, Select) and made_of._for_update_arg is None


def _count(status: str) -> int:
    """The number of rows in a command's tag, such as `UPDATE 3`."""
    last = status.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0


@contextmanager
def _telling() -> Iterator[None]:
    """What the driver raises, as an error of ours."""
    try:
        yield
    except _RAISED as error:
        raise _told(error) from error


def _told(error: Exception) -> Exception:
    if isinstance(error, TimeoutError):
        return UnavailableError("ERR-DATABASE", f"no answer within {_ANSWERS_WITHIN:.0f} s")
    if isinstance(error, OSError | asyncpg.InternalClientError):
        return UnavailableError("ERR-DATABASE", _words(error))
    state = getattr(error, "sqlstate", None) or ""
    if state.startswith(_TROUBLE) or ("closed" in str(error) and isinstance(error, asyncpg.InterfaceError)):
        return UnavailableError("ERR-DATABASE", _words(error))
    if state.startswith(_INTEGRITY):
        return IntegrityError(_words(error))
    return StatementError(_words(error))


def _words(error: Exception) -> str:
    reason = str(error).strip()
    return reason.splitlines()[0] if reason else type(error).__name__
