"""What is over is deleted, a few rows at a time, so that no request waits for it.

A table says so in its `info`, beside what protects it: `info=signed() | forgotten("expires_at")`. Each portion is a
unit of work of its own, found by the index of that column: on SQLite it holds the write lock for milliseconds, on
PostgreSQL it leaves out rows that somebody else is at.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Delete, String, Table, bindparam, delete, func, literal_column, select

from core.clock import Clock
from core.database import Database, Prepared, metadata
from core.database.connection import DialectName

PORTION = 500
# Leaves the writer's turn to everybody who waits for it.
_PAUSE_SECONDS = 0.02
_INFO = "expiry"


@dataclass(frozen=True)
class Forgotten:
    """Rows are deleted once `column` is older than `kept`."""

    column: str
    kept: timedelta


def forgotten(column: str, *, kept: timedelta = timedelta()) -> dict[str, Any]:
    return {_INFO: Forgotten(column, kept)}


def expiry_of(table: Table) -> Forgotten | None:
    declared: Forgotten | None = table.info.get(_INFO)
    return declared


def portion_of(table: Table, column: str, dialect: DialectName) -> Delete:
    """Deletes the rows that have been over longest, at most `PORTION` of them, found by where they lie."""
    place: ColumnElement[str] = literal_column("rowid" if dialect == "sqlite" else "ctid", String)
    over = table.c[column] <= bindparam("before", type_=table.c[column].type)
    oldest = select(place).select_from(table).where(over).order_by(table.c[column]).limit(literal_column(str(PORTION)))
    if dialect == "sqlite":
        return delete(table).where(place.in_(oldest))
    # As an array, so that the rows are gone to one by one, whatever the planner believes of their number.
    locked = oldest.with_for_update(skip_locked=True).scalar_subquery()
    return delete(table).where(place == func.any(func.array(locked)))


class Expiry:
    def __init__(self, database: Database, clock: Clock, *, pause: float = _PAUSE_SECONDS) -> None:
        self._database = database
        self._clock = clock
        self._pause = pause
        self._portions = [
            (Prepared(portion_of(table, declared.column, database.dialect)), declared.kept)
            for table in metadata.sorted_tables
            if (declared := expiry_of(table)) is not None
        ]

    async def run(self) -> int:
        """Deletes everything that is over by now; gives how many rows it was."""
        now = self._clock.now()
        return sum([await self._forget(portion, now - kept) for portion, kept in self._portions])

    async def _forget(self, portion: Prepared, before: datetime) -> int:
        total = 0
        while True:
            async with self._database.write() as connection:
                gone = (await connection.execute(portion, {"before": before}, last=True)).rowcount
            total += gone
            if gone < PORTION:
                return total
            await asyncio.sleep(self._pause)
