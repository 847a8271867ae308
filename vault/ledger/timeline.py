"""How events are spread over time: out of `counts`, and out of the events that are too new to be counted there.

What nobody keeps counts of, such as one person's events, is counted among the newest `WINDOW` of them; the timeline
says since when.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Row, Select, cast, func, select

from core.database import Connection, Database
from vault.ledger.counts import COUNTED, EVERYTHING, SPANS, count_table, kind_of, seconds_of
from vault.ledger.events import event_table, place_table, waiting_table
from vault.ledger.ledger import MOST_COUNTED
from vault.ledger.query import WINDOW, Candidates, LedgerQuery, candidates_of, conditions_of


@dataclass(frozen=True)
class Bucket:
    """How many events of each result fell into one span of the timeline."""

    start: datetime
    success: int = 0
    failure: int = 0
    refused: int = 0


@dataclass(frozen=True)
class Timeline:
    """`counted_since`: older events may fit, and are not counted; None where all are."""

    buckets: Sequence[Bucket]
    counted_since: datetime | None = None


@dataclass(frozen=True)
class _Axis:
    """Equal spans of `width` seconds from `start`, in seconds since 1970."""

    start: int
    width: int
    buckets: int

    @classmethod
    def over(cls, first: datetime, last: datetime, buckets: int, unit: int = 1) -> "_Axis":
        """Spans of whole units, which begin where a unit does."""
        start = seconds_of(first) // unit * unit
        width = -(-(seconds_of(last) + 1 - start) // buckets)
        return cls(start, -(-width // unit) * unit, buckets)

    def filled(self, rows: Sequence[Row[Any]]) -> list[Bucket]:
        """`rows` of span, result and number."""
        counts: dict[tuple[int, str], int] = {}
        for row in rows:
            place = (min(max(int(row.span), 0), self.buckets - 1), row.result)
            counts[place] = counts.get(place, 0) + int(row.number)
        results = ("success", "failure", "refused")
        return [
            Bucket(
                datetime.fromtimestamp(self.start + self.width * index, UTC),
                **{result: counts.get((index, result), 0) for result in results},
            )
            for index in range(self.buckets)
        ]


class Timelines:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, query: LedgerQuery, buckets: int) -> Timeline:
        """The matching events, counted in equal spans from the first to the last of them."""
        async with self._database.scan() as connection:
            candidates = await candidates_of(connection, query)
            ends = await self._ends(connection, candidates)
            if ends is None:
                return Timeline([])
            kind = _kind(query)
            spans = () if kind is None else SPANS[kind.partition(":")[0]]
            wanted = (seconds_of(ends[1]) - seconds_of(ends[0])) // buckets
            unit = next((span for span in spans if span <= wanted), None)
            if kind is None or unit is None:
                return await self._counted_now(connection, candidates, _Axis.over(*ends, buckets))
            axis = _Axis.over(*ends, buckets, unit)
            kept = await connection.execute(_kept(query, kind, unit, axis))
            new = await connection.execute(await self._new(connection, query, axis))
            return Timeline(axis.filled([*kept, *new]))

    async def _ends(self, connection: Connection, candidates: Candidates) -> tuple[datetime, datetime] | None:
        """The times of the first and the last event, as far as one index tells; the query's own where it has them."""
        times, query = candidates.statement.with_only_columns(event_table.c.recorded_at), candidates.query
        last = await connection.scalar(times.limit(1))
        if last is None:
            return None
        first = await connection.scalar(times.order_by(None).order_by(event_table.c.id).limit(1))
        start, end = query.since or first, query.until or last
        return (start, end) if start <= end else (end, start)

    async def _counted_now(self, connection: Connection, candidates: Candidates, axis: _Axis) -> Timeline:
        fitting = candidates.fitting().limit(WINDOW).subquery()
        span = self._span(fitting.c.recorded_at, axis)
        counted = select(span, fitting.c.result, func.count().label("number")).group_by(span, fitting.c.result)
        rows = (await connection.execute(counted)).all()
        beyond = candidates.statement.with_only_columns(event_table.c.recorded_at).offset(WINDOW - 1).limit(1)
        return Timeline(axis.filled(rows), await connection.scalar(beyond))

    async def _new(self, connection: Connection, query: LedgerQuery, axis: _Axis) -> Select[Any]:
        """Of the events that nobody has counted yet: those that wait for a place, and those placed a moment ago."""
        counted = await connection.scalar(COUNTED) or 0
        waiting = select(waiting_table.c.event_id).limit(MOST_COUNTED).subquery()
        placed = select(place_table.c.event_id).where(place_table.c.position >= counted).limit(MOST_COUNTED).subquery()
        new = select(waiting.c.event_id).union_all(select(placed.c.event_id)).subquery()
        conditions = conditions_of(query)
        span = self._span(event_table.c.recorded_at, axis)
        counted_now = select(span, event_table.c.result, func.count().label("number"))
        joined = counted_now.join(new, new.c.event_id == event_table.c.id)
        return joined.where(*conditions).group_by(span, event_table.c.result)

    def _span(self, recorded_at: ColumnElement[Any], axis: _Axis) -> Any:
        """Which span of the axis an event falls into, as the database counts seconds."""
        if self._database.dialect == "sqlite":
            seconds: ColumnElement[int] = cast(func.strftime("%s", recorded_at), BigInteger)
        else:
            seconds = cast(func.floor(func.date_part("epoch", recorded_at)), BigInteger)
        return ((seconds - axis.start) // axis.width).label("span")


def _kind(query: LedgerQuery) -> str | None:
    """Which counts answer the query; None where none do. The result is a column of them."""
    names = [name for name in query.equalities if name != "result"]
    if query.text or len(names) > 1:
        return None
    if not names:
        return EVERYTHING
    return kind_of(names[0], getattr(query, names[0])) if names[0] in SPANS else None


def _kept(query: LedgerQuery, kind: str, unit: int, axis: _Axis) -> Select[Any]:
    counts = count_table.c
    span = ((counts.start - axis.start) // axis.width).label("span")
    mine = [counts.kind == kind, counts.seconds == unit, counts.start >= axis.start]
    mine.append(counts.start < axis.start + axis.width * axis.buckets)
    if query.result is not None:
        mine.append(counts.result == query.result)
    return (
        select(span, counts.result, func.sum(counts.number).label("number")).where(*mine).group_by(span, counts.result)
    )
