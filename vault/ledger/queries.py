"""Asking the ledger: newest first, by cursor, each common filter on an index of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Integer, Row, Select, cast, func, or_, select

from core.database import Connection, Database
from vault.ledger.events import RecordedEvent, event_of_row, event_table, waiting_table
from vault.ledger.ledger import MOST_COUNTED

MAX_PAGE = 500
_TEXT_COLUMNS = ("id", "subject", "client", "session", "address", "request_id", "reason")


@dataclass(frozen=True)
class LedgerQuery:
    """What to look for; None is everything. `text` is a part of an id, address, session, client, subject or code."""

    actor: str | None = None
    system: str | None = None
    action: str | None = None
    result: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None
    cursor: str | None = None
    limit: int = 50

    @property
    def is_run(self) -> bool:
        """True where nothing is asked for but a span of time."""
        return not any((self.actor, self.system, self.action, self.result, self.text))

    @property
    def is_everything(self) -> bool:
        return self.is_run and not (self.since or self.until)


@dataclass(frozen=True)
class LedgerPage:
    events: Sequence[RecordedEvent]
    next_cursor: str | None


@dataclass(frozen=True)
class Backlog:
    """Events that wait for their place in the tree: how many, counted up to `MOST_COUNTED`, and since when."""

    count: int
    since: datetime | None


@dataclass(frozen=True)
class Bucket:
    """How many events of each result fell into one span of the timeline."""

    start: datetime
    success: int = 0
    failure: int = 0
    refused: int = 0


class LedgerQueries:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def backlog(self, connection: Connection) -> Backlog:
        """Costs no more where a million wait: then their number says enough."""
        first = select(waiting_table.c.event_id).order_by(waiting_table.c.event_id).limit(MOST_COUNTED).subquery()
        oldest = select(func.min(first.c.event_id)).scalar_subquery()
        since = select(event_table.c.recorded_at).where(event_table.c.id == oldest).scalar_subquery()
        row = (await connection.execute(select(func.count(), since).select_from(first))).one()
        return Backlog(row[0], row[1])

    async def query(self, query: LedgerQuery) -> LedgerPage:
        """A page of events, newest first. `cursor` is `next_cursor` of the page before."""
        limit = max(1, min(query.limit, MAX_PAGE))
        async with self._database.scan() as connection:
            found = (await connection.execute(page_statement(query).limit(limit + 1))).all()
        events = [event_of_row(row) for row in found[:limit]]
        return LedgerPage(events, events[-1].id if len(found) > limit else None)

    async def timeline(self, query: LedgerQuery, buckets: int) -> list[Bucket]:
        """The matching events counted in `buckets` equal spans, from the first to the last of them."""
        conditions = conditions_of(query)
        async with self._database.scan() as connection:
            ends = select(func.min(event_table.c.recorded_at), func.max(event_table.c.recorded_at)).where(*conditions)
            first, last = (await connection.execute(ends)).one()
            if first is None or last is None:
                return []
            # The ends come from an aggregate, which on SQLite has no zone.
            start, end = _utc(query.since or first), _utc(query.until or last)
            width = max(1, int((end - start).total_seconds() // buckets) + 1)
            span = (self._epoch() - int(start.timestamp())) // width
            columns = (span.label("span"), event_table.c.result, func.count().label("number"))
            counted = select(*columns).where(*conditions).group_by(span, event_table.c.result)
            rows = (await connection.execute(counted)).all()
        return _buckets(rows, start, width, buckets)

    def _epoch(self) -> ColumnElement[int]:
        """Seconds since 1970 of an event, as the database counts them."""
        if self._database.dialect == "sqlite":
            return cast(func.strftime("%s", event_table.c.recorded_at), Integer)
        return cast(func.floor(func.date_part("epoch", event_table.c.recorded_at)), Integer)


def page_statement(query: LedgerQuery) -> Select[tuple[object, ...]]:
    """Ids sort by time, so they are the order and the cursor."""
    conditions = conditions_of(query)
    if query.cursor is not None:
        conditions.append(event_table.c.id < query.cursor)
    return select(event_table).where(*conditions).order_by(event_table.c.id.desc())


def conditions_of(query: LedgerQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for name in ("actor", "system", "action", "result"):
        value = getattr(query, name)
        if value is not None:
            conditions.append(event_table.c[name] == value)
    if query.since is not None:
        conditions.append(event_table.c.recorded_at >= query.since)
    if query.until is not None:
        conditions.append(event_table.c.recorded_at <= query.until)
    if query.text:
        conditions.append(or_(*(event_table.c[name].contains(query.text, autoescape=True) for name in _TEXT_COLUMNS)))
    return conditions


def _buckets(rows: Sequence[Row[Any]], start: datetime, width: int, buckets: int) -> list[Bucket]:
    counts: dict[tuple[int, str], int] = {}
    for row in rows:
        place = (min(max(int(row.span), 0), buckets - 1), row.result)
        counts[place] = counts.get(place, 0) + row.number
    return [
        Bucket(
            start + timedelta(seconds=width * index),
            success=counts.get((index, "success"), 0),
            failure=counts.get((index, "failure"), 0),
            refused=counts.get((index, "refused"), 0),
        )
        for index in range(buckets)
    ]


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
