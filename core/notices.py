"""What a process noticed and an operator should see to, where every process can tell it.

A notice is kept in the database, since the process that is asked about its health is seldom the one that noticed. Each
process writes one at most once a minute, however often it notices.
"""

import asyncio
from datetime import datetime, timedelta

from sqlalchemy import Column, String, Table, select, update

from core.clock import Clock
from core.database import Connection, Database, StatementError, UtcDateTime, insert_if_absent, metadata
from core.errors import YimenError
from core.integrity import harmless
from core.logs import logger

notice_table = Table(
    "core_notice",
    metadata,
    Column("code", String(64), primary_key=True),
    Column("noted_at", UtcDateTime, nullable=False),
    info=harmless(because="a notice only asks an operator to look; whoever hides one gains nothing by it"),
)

_EVERY = timedelta(minutes=1)
# What was not noticed again for so long is over.
LASTS = timedelta(minutes=15)

_log = logger("notices")


class Notices:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._noted: dict[str, datetime] = {}
        self._writing: set[asyncio.Task[None]] = set()

    def note(self, code: str, text: str, **facts: str) -> None:
        """Logs `text` and keeps the notice, soon: nobody waits for it. `facts` are of what was noticed last."""
        now = self._clock.now()
        noted = self._noted.get(code)
        if noted is not None and now - noted < _EVERY:
            return
        self._noted[code] = now
        _log.warning(text, code=code, **facts)
        task = asyncio.get_running_loop().create_task(self._keep(code, now))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def settled(self) -> None:
        """Ends when every notice so far is kept."""
        await asyncio.gather(*self._writing)

    async def _keep(self, code: str, now: datetime) -> None:
        try:
            async with self._database.write() as connection:
                if not await insert_if_absent(connection, notice_table, code=code, noted_at=now):
                    kept = update(notice_table).where(notice_table.c.code == code)
                    await connection.execute(kept.values(noted_at=now))
        except (YimenError, StatementError) as error:
            _log.warning("a notice was not kept", code=code, error=type(error).__name__)


async def notices_since(connection: Connection, since: datetime) -> set[str]:
    """The codes of what was noticed since then, by any process."""
    return set((await connection.scalars(select(notice_table.c.code).where(notice_table.c.noted_at > since))).all())
