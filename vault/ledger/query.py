"""What somebody asks of the ledger, and which events may answer it.

Whatever is asked, no answer looks at more than `WINDOW` events: those that one index gives, newest first. Where the one
filter that fits fewest events fits fewer than that, those are all. Else the answer says how far it looked, and its
cursor goes on from there. So every question costs the same in a ledger of any size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from core.database import Connection
from vault.ledger.events import event_table

WINDOW = 10_000
# More are not counted to find out which filter fits fewest.
_PROBE = 2_000
# Clocks of two servers differ by less: an event that was recorded later than another by so much has a greater id.
_CLOCKS = timedelta(seconds=10)
# The rarest first: where two fit as many, the first one is taken.
_INDEXED = ("actor", "system", "action", "result")
_TEXT_COLUMNS = ("id", "subject", "client", "session", "address", "request_id", "reason")

Columns = ReadOnlyColumnCollection[str, Any]
_event = event_table.c


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

    @property
    def equalities(self) -> list[str]:
        return [name for name in _INDEXED if getattr(self, name) is not None]


@dataclass(frozen=True)
class Candidates:
    """The events that one index gives, newest first; `leading` is the filter that is met by it."""

    query: LedgerQuery
    statement: Select[Any]
    leading: str | None

    def fitting(self) -> Select[Any]:
        """Those that answer the query, among at most `WINDOW` that are looked at."""
        if not conditions_of(self.query, besides=self.leading):
            return self.statement
        looked_at = self.statement.limit(WINDOW).subquery()
        conditions = conditions_of(self.query, looked_at.c, besides=self.leading)
        return select(looked_at).where(*conditions).order_by(looked_at.c.id.desc())

    def last(self) -> Select[Any] | None:
        """The last one that is looked at, where there are more; None where all are."""
        if not conditions_of(self.query, besides=self.leading):
            return None
        return self.statement.with_only_columns(_event.id, _event.recorded_at).offset(WINDOW - 1).limit(1)


async def candidates_of(connection: Connection, query: LedgerQuery) -> Candidates:
    bounds = await _bounds(connection, query)
    leading = await _rarest(connection, query, bounds)
    by = [] if leading is None else [_event[leading] == getattr(query, leading)]
    statement = select(event_table).where(*by, *bounds).order_by(_event.id.desc())
    return Candidates(query, statement, leading)


def conditions_of(
    query: LedgerQuery, columns: Columns = _event, *, besides: str | None = None
) -> list[ColumnElement[bool]]:
    conditions = [columns[name] == getattr(query, name) for name in query.equalities if name != besides]
    if query.since is not None:
        conditions.append(columns.recorded_at >= query.since)
    if query.until is not None:
        conditions.append(columns.recorded_at <= query.until)
    if query.text:
        conditions.append(or_(*(columns[name].contains(query.text, autoescape=True) for name in _TEXT_COLUMNS)))
    return conditions


async def _bounds(connection: Connection, query: LedgerQuery) -> list[ColumnElement[bool]]:
    """Between which ids the wanted time lies, and the cursor. Ids sort by time."""
    bounds: list[ColumnElement[bool]] = [] if query.cursor is None else [_event.id < query.cursor]
    if query.since is not None:
        later = select(_event.id).where(_event.recorded_at >= query.since - _CLOCKS)
        first = await connection.scalar(later.order_by(_event.recorded_at, _event.id).limit(1))
        bounds.append(_event.id >= (first or "~"))
    if query.until is not None:
        earlier = select(_event.id).where(_event.recorded_at <= query.until + _CLOCKS)
        last = await connection.scalar(earlier.order_by(_event.recorded_at.desc(), _event.id.desc()).limit(1))
        bounds.append(_event.id <= (last or ""))
    return bounds


async def _rarest(connection: Connection, query: LedgerQuery, bounds: Sequence[ColumnElement[bool]]) -> str | None:
    """The filter that fits fewest events, as far as a short look tells."""
    names = query.equalities
    if len(names) < 2:
        return names[0] if names else None
    numbers: dict[str, int] = {}
    for name in names:
        fitting = select(_event.id).where(_event[name] == getattr(query, name), *bounds).limit(_PROBE).subquery()
        numbers[name] = await connection.scalar(select(func.count()).select_from(fitting)) or 0
    return min(names, key=numbers.__getitem__)
