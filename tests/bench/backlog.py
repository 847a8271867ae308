"""Whether Yimen's ledger keeps up: a rate counts only while the events that wait for their place do not grow."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from core.database import Database
from vault.ledger.queries import LedgerQueries

# The worker places events once a second. Whoever keeps up has none that waits longer than this after a load.
_LONGEST_WAIT = 2.0
_PATIENCE = 120.0


@dataclass(frozen=True)
class Drained:
    """After a load: how long its oldest unplaced event had waited, and the seconds until there were none."""

    lag: float
    seconds: float

    @property
    def kept_up(self) -> bool:
        return self.lag <= _LONGEST_WAIT


class Backlog:
    """Read from the database itself: `/metrics` is up to five seconds old."""

    def __init__(self, database_url: str) -> None:
        self._database = Database(database_url, pool_size=1)
        self._queries = LedgerQueries(self._database)

    async def drain(self) -> Drained:
        """Waits until every event has its place, at most two minutes."""
        began = time.perf_counter()
        lag = first = await self._lag()
        while lag > 0 and time.perf_counter() - began < _PATIENCE:
            await asyncio.sleep(0.05)
            lag = await self._lag()
        return Drained(first, time.perf_counter() - began)

    async def close(self) -> None:
        await self._database.close()

    async def _lag(self) -> float:
        async with self._database.scan() as connection:
            since = (await self._queries.backlog(connection)).since
        return 0.0 if since is None else max((datetime.now(UTC) - since).total_seconds(), 0.001)
