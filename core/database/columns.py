"""The columns that tables have: what is stored, and what comes back."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Date, DateTime, Dialect, LargeBinary, MetaData
from sqlalchemy.types import JSON, TypeDecorator

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

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], Any] | None:
        return _or_else(None, super().result_processor(dialect, coltype), dialect)


class Day(TypeDecorator[date]):
    """A day. What stands in SQLite and is none is read as the first day that there was."""

    impl = Date
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], Any] | None:
        return _or_else(date.min, super().result_processor(dialect, coltype), dialect)


Json = _Json(none_as_null=True)
# What is read where no time stands: long over, and before everything.
_NO_TIME = datetime.min.replace(tzinfo=UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC instant. SQLite stores no zone, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time must be timezone-aware")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], Any] | None:
        return _or_else(_NO_TIME, super().result_processor(dialect, coltype), dialect)


def _or_else(other: Any, read: Callable[[Any], Any] | None, dialect: Dialect) -> Callable[[Any], Any] | None:
    """SQLite keeps whatever somebody writes into a column. What does not read there is read as `other`."""
    if dialect.name != "sqlite" or read is None:
        return read

    def read_or_other(value: Any) -> Any:
        try:
            return read(value)
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
