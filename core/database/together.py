"""Rows of several tables, written in one visit to the database."""

from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Any

from sqlalchemy import CTE, Label, Select, Table, Update, bindparam, func, insert, literal_column, select

from core.database.connection import Connection
from core.database.statements import Prepared, Values, new_row

_GUARD = "taken"


class Together:
    """New rows, one of each of `tables` in their order.

    With `guard`, an update or a query of one row, they are written only where it finds that row; where it is an update,
    exactly one of several that race writes. `noting` are updates that are made with them, of rows that may not need it.

    On PostgreSQL it is one statement (data-modifying WITH, PostgreSQL §7.8.4), which is the last of its unit of work;
    where the unit has written nothing else it needs no transaction around it. On SQLite a statement follows the other,
    which costs next to nothing there.
    """

    def __init__(
        self, *tables: Table, guard: Update | Select[Any] | None = None, noting: Sequence[Update] = ()
    ) -> None:
        self._tables = tables
        self._guard = guard
        self._noting = noting
        self._prepared_guard = Prepared(guard) if guard is not None else None
        self._prepared_notes = [Prepared(note) for note in noting]
        self._joined = cache(self._join)

    async def write(self, connection: Connection, rows: Sequence[Values], asked: dict[str, Any] | None = None) -> bool:
        """False when the guard let nothing through. `rows` are in the order of the tables; `asked` has the values of
        the guard and of the notes."""
        if connection.dialect == "postgresql":
            names, statement = self._joined(tuple([tuple(row) for row in rows]))
            values = dict(zip(names, chain.from_iterable([row.values() for row in rows]), strict=True))
            found = await connection.execute(statement, values | (asked or {}), last=True)
            return bool(found.one()[0])
        if self._prepared_guard is not None:
            found = await connection.execute(self._prepared_guard, asked or {})
            if found.rowcount != 1:
                return False
        for note in self._prepared_notes:
            await connection.execute(note, asked or {})
        for table, row in zip(self._tables, rows, strict=True):
            await connection.execute(new_row(table), row)
        return True

    def _join(self, columns: tuple[tuple[str, ...], ...]) -> tuple[list[str], Prepared]:
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
