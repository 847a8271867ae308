"""Asking the ledger: pages of events, newest first, by cursor; and how many wait for their place."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from core.database import Connection, Database
from vault.ledger.events import RecordedEvent, event_of_row, event_table, place_table, waiting_table
from vault.ledger.ledger import MOST_COUNTED
from vault.ledger.query import Candidates, LedgerQuery, candidates_of

__all__ = ["Backlog", "LedgerPage", "LedgerQueries", "LedgerQuery"]

MAX_PAGE = 500


@dataclass(frozen=True)
class LedgerPage:
    """`searched_to` is the time of the last event that was looked at, where older ones may fit, too, and the page is
    not full: `next_cursor` goes on from there."""

    events: Sequence[RecordedEvent]
    next_cursor: str | None
    searched_to: datetime | None = None


@dataclass(frozen=True)
class Backlog:
    """Events that wait for their place in the tree: how many, counted up to `MOST_COUNTED`, and since when."""

    count: int
    since: datetime | None


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
            candidates = await candidates_of(connection, query)
            found = await self._found(connection, candidates, limit + 1)
            if len(found) > limit:
                return LedgerPage(found[:limit], found[limit - 1].id)
            return await self._end(connection, candidates, found)

    async def _found(self, connection: Connection, candidates: Candidates, limit: int) -> list[RecordedEvent]:
        page = candidates.fitting().limit(limit).subquery()
        placed = select(page, place_table.c.position).outerjoin(place_table, place_table.c.event_id == page.c.id)
        return [event_of_row(row) for row in await connection.execute(placed.order_by(page.c.id.desc()))]

    async def _end(self, connection: Connection, candidates: Candidates, found: list[RecordedEvent]) -> LedgerPage:
        """The page where no more was found: of the whole ledger, or of what was looked at."""
        last = candidates.last()
        row = None if last is None else (await connection.execute(last)).one_or_none()
        return LedgerPage(found, None) if row is None else LedgerPage(found, row.id, row.recorded_at)
