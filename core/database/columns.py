"""The columns that tables have: what is stored, and what comes back."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import orjson
from sqlalchemy import Date, DateTime, Dialect, LargeBinary, MetaData
from sqlalchemy.types import JSON, TypeDecorator

from core.database.json_text import to_text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class _Json(TypeDecorator[Any]):
    """A document. What stands in SQLite and is none is read as NULL, to be refused by whoever needs one."""

    impl = JSON
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        return lambda value: None if value is None else to_text(value)

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], Any] | None:
        return _or_else(None, orjson.loads) if dialect.name == "sqlite" else _document


def _document(value: Any) -> Any:
    """SQLAlchemy's own connections to PostgreSQL, which change tables, have read the document already."""
    return orjson.loads(value) if isinstance(value, bytes) else value


class Day(TypeDecorator[date]):
    """A day. What stands in SQLite and is none is read as the first day that there was."""

    impl = Date
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], Any] | None:
        return _or_else(date.min, date.fromisoformat) if dialect.name == "sqlite" else None


Json = _Json(none_as_null=True)
_TEXT_LENGTH = len("2026-11-27 08:00:00.000000")
# What is read where no time stands: long over, and before everything.
_NO_TIME = datetime.min.replace(tzinfo=UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC instant. SQLite stores no zone, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        return _text_of if dialect.name == "sqlite" else _utc

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], Any] | None:
        if dialect.name != "sqlite":
            return None  # the driver gives aware times, in UTC
        return _or_else(_NO_TIME, lambda value: datetime.fromisoformat(value).replace(tzinfo=UTC))


def _utc(value: datetime | None) -> datetime | None:
    if value is not None and value.tzinfo is None:
        raise ValueError("a stored time must be timezone-aware")
    return value


def _text_of(value: datetime | None) -> str | None:
    """As it is kept in SQLite: in UTC, without a zone."""
    if value is None:
        return None
    if value.tzinfo is not UTC:
        if value.tzinfo is None:
            raise ValueError("a stored time must be timezone-aware")
        value = value.astimezone(UTC)
    return value.isoformat(" ", "microseconds")[:_TEXT_LENGTH]


def _or_else(other: Any, read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """SQLite keeps whatever somebody writes into a column. What does not read there is read as `other`."""

    def read_or_other(value: Any) -> Any:
        try:
            return None if value is None else read(value)
        except (ValueError, TypeError, RecursionError):
            return other

    return read_or_other


class Bytes(LargeBinary):
    """A column of bytes. SQLite keeps whatever type somebody writes there: a text or a number comes back as its bytes,
    to be refused by whoever checks them."""

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], Any] | None:
        if dialect.name != "sqlite":
            return None  # the driver gives bytes
        return lambda value: value if value is None or isinstance(value, bytes) else str(value).encode()
