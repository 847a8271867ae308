"""A statement for one caller, made into one for several: an array of each value, and a number for each caller.

For PostgreSQL, where a question or a write that many come with at the same moment is one statement.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

from sqlalchemy import CTE, BindParameter, Select, String, Table, Update, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.visitors import iterate, replacement_traverse
from sqlalchemy.types import NullType, TypeEngine

# A caller's place among the others.
NUMBER = "number"

Statement = TypeVar("Statement", Update, Select[Any])
Types = Mapping[str, TypeEngine[Any]]


def callers_of(types: Types) -> CTE:
    """The callers, a row each, of arrays of their values."""
    # One dimension: a document may be a list itself.
    arrays = [
        bindparam(name, type_=ARRAY(_of_any_length(kind), dimensions=1), required=True) for name, kind in types.items()
    ]
    columns = [column(name, kind) for name, kind in types.items()]
    unnested = func.unnest(*arrays).table_valued(*columns, name="arrays").render_derived()
    return select(*[unnested.c[name] for name in types]).cte("callers")


def values_of(names: Sequence[str], callers: Sequence[Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """What such a statement is given: of each caller the values, in the order of `names`."""
    return {NUMBER: range(len(callers)), **dict(zip(names, zip(*callers, strict=True), strict=True))}


def asked_of(statement: Update | Select[Any]) -> dict[str, TypeEngine[Any]]:
    """What a caller of the statement gives. Raises TypeError where the type of a value is not known."""
    binds = [bind for bind in iterate(statement) if isinstance(bind, BindParameter) and bind.required]
    types = {bind.key: bind.type for bind in binds if not isinstance(bind.type, NullType)}
    if isinstance(statement, Update):
        # What a column is set to has its type.
        columns, given = cast("Table", statement.table).c, (statement._values or {}).items()
        types |= {
            value.key: (columns[target] if isinstance(target, str) else target).type
            for target, value in given
            if isinstance(value, BindParameter)
        }
    if unknown := {bind.key for bind in binds} - types.keys():
        raise TypeError(f"of what type is {min(unknown)}?")
    return types


def of_callers(statement: Statement, callers: CTE) -> Statement:
    """The statement, with the callers' columns where one caller's values stand."""

    def value(element: Any, **_: Any) -> Any:
        is_given = isinstance(element, BindParameter) and element.required
        return callers.c[element.key] if is_given else None

    return cast("Statement", replacement_traverse(statement, {}, value))


def _of_any_length(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    """A cast to a text of some length cuts what is longer (SQL:2016 §6.13); its column refuses it."""
    return String() if isinstance(kind, String) else kind
