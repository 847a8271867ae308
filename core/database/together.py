"""Rows of several tables, written in one visit to the database; on PostgreSQL those of several callers together."""

from collections.abc import Sequence
from functools import cache, partial
from itertools import chain
from typing import Any

from sqlalchemy import (
    CTE,
    Integer,
    Label,
    Select,
    Table,
    Update,
    bindparam,
    func,
    insert,
    literal_column,
    select,
)
from sqlalchemy.types import TypeEngine

from core.database.connection import Connection
from core.database.gathering import Gathering
from core.database.several import NUMBER, asked_of, callers_of, of_callers, values_of
from core.database.statements import Prepared, Values, new_row

_GUARD = "taken"

# The columns that are given, table by table.
Shape = tuple[tuple[str, ...], ...]


class Together:
    """New rows, one of each of `tables` in their order.

    With `guard`, an update or a query of one row, they are written only where it finds that row; where it is an update,
    exactly one of several that race writes. `noting` are updates that are made with them, of rows that may not need it.

    On PostgreSQL it is one statement (data-modifying WITH, PostgreSQL §7.8.4), which is the last of its unit of work;
    where the unit has written nothing else it needs no transaction around it. With `shared` such a statement serves all
    units of a process that come to it at the same moment, which share its commit; where the database refuses it,
    each writes alone. On SQLite a statement follows the other, which costs next to nothing there.
    """

    def __init__(
        self,
        *tables: Table,
        guard: Update | Select[Any] | None = None,
        noting: Sequence[Update] = (),
        shared: bool = False,
    ) -> None:
        self._tables = tables
        self._guard = guard
        self._noting = noting
        self._prepared_guard = Prepared(guard) if guard is not None else None
        self._prepared_notes = [Prepared(note) for note in noting]
        self._joined = cache(self._join)
        if shared and (noting or isinstance(guard, Select)):
            raise TypeError("only new rows, behind an update or none, are written for several callers")
        self._shared = shared
        self._update = guard if isinstance(guard, Update) else None
        self._for_several = cache(self._join_for_several)

    async def write(self, connection: Connection, rows: Sequence[Values], asked: dict[str, Any] | None = None) -> bool:
        """False when the guard let nothing through. `rows` are in the order of the tables; `asked` has the values of
        the guard and of the notes."""
        if connection.dialect == "postgresql":
            return await self._write_joined(connection, tuple([tuple(row) for row in rows]), rows, asked or {})
        if self._prepared_guard is not None:
            found = await connection.execute(self._prepared_guard, asked or {})
            if found.rowcount != 1:
                return False
        for note in self._prepared_notes:
            await connection.execute(note, asked or {})
        for table, row in zip(self._tables, rows, strict=True):
            await connection.execute(new_row(table), row)
        return True

    async def _write_joined(
        self, connection: Connection, shape: Shape, rows: Sequence[Values], asked: dict[str, Any]
    ) -> bool:
        values = [*chain.from_iterable([row.values() for row in rows]), *asked.values()]
        names = tuple(asked)
        alone = partial(self._write_alone, connection, shape, names)
        if not self._shared or connection.has_written:
            return await alone(values)
        gathering: Gathering[list[Any], bool] = connection.gathering((self, shape, names))
        return await gathering.carry_out(values, alone, partial(self._write_several, connection, shape, names))

    async def _write_alone(
        self, connection: Connection, shape: Shape, asked: tuple[str, ...], values: list[Any]
    ) -> bool:
        names, statement = self._joined(shape)
        found = await connection.execute(statement, dict(zip((*names, *asked), values, strict=True)), last=True)
        return bool(found.one()[0])

    async def _write_several(
        self, connection: Connection, shape: Shape, asked: tuple[str, ...], callers: Sequence[list[Any]]
    ) -> Sequence[bool]:
        """`callers` are the values of each, in the order of the names."""
        names, statement = self._for_several(shape)
        found = await connection.execute(statement, values_of((*names, *asked), callers), last=True)
        written = {row[0] for row in found}
        return [number in written for number in range(len(callers))]

    def _join(self, columns: Shape) -> tuple[list[str], Prepared]:
        """What each value is called in the statement, in order, and the statement."""
        taken = None if self._guard is None else _taken(self._guard)
        written = [
            _insertion(table, place, columns[place], taken).cte(f"row_{place}")
            for place, table in enumerate(self._tables)
        ]
        written += [_note(update, taken).cte(f"note_{place}") for place, update in enumerate(self._noting)]
        outcome = select(literal_column("1")) if taken is None else select(func.count()).select_from(taken)
        names = [_name(place, name) for place, row in enumerate(columns) for name in row]
        return names, Prepared(outcome.add_cte(*written))

    def _join_for_several(self, columns: Shape) -> tuple[list[str], Prepared]:
        """As `_join`, for arrays of the values; the statement gives the numbers of those whom the guard let through."""
        types: dict[str, TypeEngine[Any]] = {NUMBER: Integer()} | {
            _name(place, name): table.c[name].type
            for place, table in enumerate(self._tables)
            for name in columns[place]
        }
        names = [name for name in types if name != NUMBER]
        if self._update is not None:
            types |= asked_of(self._update)
        callers = callers_of(types)
        taken = callers if self._update is None else _taken_of(self._update, callers)
        written = [
            insert(table)
            .from_select(
                list(columns[place]),
                select(*[callers.c[_name(place, name)] for name in columns[place]]).where(
                    callers.c[NUMBER] == taken.c[NUMBER]
                ),
            )
            .cte(f"row_{place}")
            for place, table in enumerate(self._tables)
        ]
        return names, Prepared(select(taken.c[NUMBER]).add_cte(*written))


def _taken_of(guard: Update, callers: CTE) -> CTE:
    return of_callers(guard, callers).returning(callers.c[NUMBER]).cte(_GUARD)


def _taken(guard: Update | Select[Any]) -> CTE:
    one: Label[Any] = literal_column("1").label("one")
    return (guard.returning(one) if isinstance(guard, Update) else guard.with_only_columns(one)).cte(_GUARD)


def _note(update: Update, taken: CTE | None) -> Update:
    return update if taken is None else update.where(select(taken.c.one).exists())


def _insertion(table: Table, place: int, columns: Sequence[str], taken: CTE | None) -> Any:
    values = {name: bindparam(_name(place, name), type_=table.c[name].type, required=True) for name in columns}
    if taken is None:
        return insert(table).values(values)
    return insert(table).from_select(list(columns), select(*values.values()).select_from(taken))


def _name(place: int, column: str) -> str:
    return f"row_{place}_{column}"
