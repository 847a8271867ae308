"""A unit of work as its users hold it: statements go in, rows come out."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, Literal, TypeVar

from sqlalchemy import Column, Executable, Table, text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from core.database.errors import StatementError
from core.database.gathering import Gathering
from core.database.statements import Call, Prepared, Statements, Values

_ASK_AGAIN_SECONDS = 0.1

T = TypeVar("T")
DialectName = Literal["sqlite", "postgresql"]


class Result(Generic[T]):
    """What a statement gave: all of it is here. `rowcount` is the number of rows read, written or deleted."""

    __slots__ = ("_values", "rowcount")

    def __init__(self, values: list[T], rowcount: int) -> None:
        self._values = values
        self.rowcount = rowcount

    def __iter__(self) -> Iterator[T]:
        return iter(self._values)

    def all(self) -> list[T]:
        return self._values

    def first(self) -> T | None:
        return self._values[0] if self._values else None

    def one_or_none(self) -> T | None:
        """Raises StatementError for more than one."""
        if len(self._values) > 1:
            raise StatementError("more than one row where at most one may be")
        return self._values[0] if self._values else None

    def one(self) -> T:
        """Raises StatementError for none, and for more than one."""
        if len(self._values) != 1:
            raise StatementError(f"{len(self._values)} rows where one must be")
        return self._values[0]


class Connection(ABC):
    """One unit of work. Raises StatementError for what the database refuses, and ERR-DATABASE (503) when it does not
    work."""

    dialect: DialectName

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    @property
    def has_written(self) -> bool:
        """False as long as this unit of work has written nothing."""
        return True

    def gathering(self, kind: Hashable) -> Gathering[Any, Any]:
        """Where those meet who write the same kind of thing; for a database that is another process."""
        raise NotImplementedError

    async def execute(
        self,
        statement: Executable | Prepared,
        parameters: Values | Sequence[Values] | None = None,
        *,
        last: bool = False,
    ) -> Result[Any]:
        """Values in a sequence execute the statement once for each of them; no rows come back then.

        `last`: nothing else is written in this unit of work afterwards, and what raises after it undoes nothing.
        """
        if isinstance(parameters, Sequence):
            return await self._each(*self._statements.calls(statement, parameters))
        return await self._once(self._statements.call(statement, parameters or {}))

    async def find(self, statement: Prepared, asked: Values) -> list[Any]:
        """All rows of a query that is made of parts; for one that many ask at the same moment, each about his own.

        Where the database is another process, those who ask together are answered by one statement, which begins when
        the last of them has asked.
        """
        return (await self.execute(statement, asked)).all()

    @abstractmethod
    async def insert_many(self, table: Table, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Writes many rows at once. Their values are numbers, texts and bytes, in the order of `names`."""

    @abstractmethod
    async def delete_many(self, column: Column[str], values: Sequence[str]) -> int:
        """Deletes the rows that have one of these texts in `column`; gives how many there were."""

    @abstractmethod
    def begin_nested(self) -> AbstractAsyncContextManager[None]:
        """What the block writes is undone when the block raises; the unit of work goes on."""

    @abstractmethod
    async def _once(self, call: Call) -> Result[Any]: ...

    @abstractmethod
    async def _each(self, text: str, rows: Sequence[Sequence[Any]]) -> Result[Any]: ...

    async def scalar(self, statement: Executable | Prepared, parameters: Values | None = None) -> Any:
        """The first value of the first row; None when there is no row."""
        row = (await self.execute(statement, parameters)).first()
        return None if row is None else row[0]

    async def scalars(self, statement: Executable | Prepared, parameters: Values | None = None) -> Result[Any]:
        """The first value of each row."""
        found = await self.execute(statement, parameters)
        return Result([row[0] for row in found], found.rowcount)


async def insert_if_absent(connection: Connection, table: Table, **values: Any) -> bool:
    """True when the row was written, False when one with its key is there already.

    Another transaction that is writing the same key is waited for, so of several that race exactly one gets True.
    """
    insert = sqlite_insert if connection.dialect == "sqlite" else postgresql_insert
    written = await connection.execute(insert(table).values(**values).on_conflict_do_nothing())
    return written.rowcount == 1


async def wait_turn(connection: Connection, lock: int) -> None:
    """One unit of work at a time with this number, among all processes, until it ends; for `write()`.

    On SQLite the write lock does that already.
    """
    if connection.dialect == "postgresql":
        # Asked again and again: what another process does first may take longer than a statement is waited for.
        while not await connection.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": lock}):  # noqa: ASYNC110
            await asyncio.sleep(_ASK_AGAIN_SECONDS)
