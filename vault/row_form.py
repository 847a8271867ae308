"""The one byte form of a row: what its MAC and its digest are taken over.

It is JSON of the table's name and the covered columns that are not NULL, by name, so two different rows never have the
same bytes, and a column that is added later changes no row that leaves it NULL. Values are taken as the program sees
them: a time is the same instant on every database, a JSON document is the same whatever order its members came in.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter
from typing import Any

import orjson
from sqlalchemy import Boolean, Date, DateTime, Integer, LargeBinary, String, Table
from sqlalchemy.types import JSON, TypeDecorator

from core.integrity import MAC_COLUMN, anchor_of, covered_columns

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_exactly = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode
_ONLY_JSON = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
# Attributes that every Row has, so that a column of that name is not found by it.
_TAKEN = frozenset({"count", "index", "t", "tuple"})


class RowForm:
    """How the rows of one table are read and written as bytes."""

    def __init__(self, table: Table, prefix: str = "") -> None:
        self.table = table
        self._name = str(table.name)
        self.covered = covered_columns(table)
        if taken := _TAKEN.intersection(prefix + name for name in self.covered):
            raise TypeError(f"{table.name}: read {min(taken)} under a prefix")
        # SQLAlchemy's names are of a kind of text that is slow to compare and to write.
        named = [(str(name), _converter(table, name)) for name in self.covered]
        self._documents = [place for place, (_, convert) in enumerate(named) if convert is _document]
        self._columns = named
        last = (MAC_COLUMN,) if MAC_COLUMN in table.c else ()
        self._read = attrgetter(*(prefix + name for name in (*self.covered, *last)))
        key = [prefix + column.name for column in table.primary_key]
        self.key = attrgetter(*key)
        self._single_key = len(key) == 1
        self.is_anchored = anchor_of(table) is not None
        self.required = frozenset(
            name for name in self.covered if not table.c[name].nullable and table.c[name].server_default is None
        )

    def split(self, row: Any) -> tuple[Any, ...]:
        """The covered values of a row as it was read, and last its MAC where the table has one."""
        values: tuple[Any, ...] = self._read(row)
        return values

    def bytes_of(self, values: Sequence[Any]) -> bytes:
        """Raises TypeError or ValueError for a value that no column of this kind can have."""
        content = {
            name: convert(value)
            for (name, convert), value in zip(self._columns, values, strict=True)
            if value is not None
        }
        has_fractions = any(_has_fractions(values[place]) for place in self._documents)
        return _encoded([self._name, content], has_fractions=has_fractions)

    def key_of(self, row: Any) -> str:
        """The row's primary key as people read it."""
        return readable_key([self.key(row)] if self._single_key else self.key(row))

    def values_of(self, values: Mapping[str, Any]) -> list[Any]:
        """The covered values of a row that is about to be written. What is not given will be NULL."""
        if missing := self.required - values.keys():
            raise TypeError(f"{self.table.name}: a signed row needs {min(missing)}")
        return [values.get(name) for name in self.covered]


def readable_key(parts: Iterable[Any]) -> str:
    return ",".join(part.hex() if isinstance(part, bytes) else str(part) for part in parts)[:180]


def _encoded(content: Any, *, has_fractions: bool) -> bytes:
    """JSON in ASCII, as the standard library writes it. orjson does so five times as fast, but writes fractions, and
    what is not printable ASCII, in other ways, and refuses numbers of more than 64 bits."""
    if not has_fractions:
        try:
            written = orjson.dumps(content, option=_ONLY_JSON)
        except TypeError:
            return _exactly(content).encode()
        if written.isascii() and b"\x7f" not in written:
            return written
    return _exactly(content).encode()


def _has_fractions(document: Any) -> bool:
    if isinstance(document, str):
        return False
    if isinstance(document, dict):
        return any(_has_fractions(value) for value in document.values())
    if isinstance(document, list | tuple):
        return any(_has_fractions(value) for value in document)
    return isinstance(document, float)


def _converter(table: Table, name: str) -> Callable[[Any], Any]:
    kind = table.c[name].type
    if isinstance(kind, TypeDecorator):
        kind = kind.impl_instance
    for known, convert in _CONVERTERS:
        if isinstance(kind, known):
            return convert
    raise TypeError(f"{table.name}.{name}: a signed column cannot have the type {kind}")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError("not a whole number")
    return int(value)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("neither true nor false")
    return value


def _octets(value: Any) -> str:
    if not isinstance(value, bytes):
        raise TypeError("no bytes")
    return value.hex()


def _instant(value: Any) -> int:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise TypeError("no instant")
    return (value - _EPOCH) // _MICROSECOND


def _day(value: Any) -> int:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise TypeError("no day")
    return value.toordinal()


def _document(value: Any) -> Any:
    return value


_CONVERTERS: tuple[tuple[type[Any], Callable[[Any], Any]], ...] = (
    (Boolean, _truth),
    (Integer, _whole),
    (LargeBinary, _octets),
    (DateTime, _instant),
    (Date, _day),
    (JSON, _document),
    (String, _text),
)
