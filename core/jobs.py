"""Periodic work, done by one of N processes at a time.

A job's turn is taken by one conditional UPDATE on its row, so any number of replicas may run the same loop.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Column, String, Table, or_, select, update

from core.clock import Clock
from core.database import Database, UtcDateTime, insert_if_absent, metadata
from core.integrity import harmless
from core.logs import logger

job_table = Table(
    "core_job",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("due_at", UtcDateTime, nullable=False),
    info=harmless(because="a turn can be made to come early, or late by one period: see `take_turn`"),
)

_log = logger("jobs")


@dataclass(frozen=True)
class Job:
    """`run` must be safe to repeat: a process may die after doing the work and before its next turn is noted."""

    name: str
    every: timedelta
    run: Callable[[], Awaitable[object]]


class Jobs:
    def __init__(self, database: Database, clock: Clock, jobs: list[Job]) -> None:
        self._database = database
        self._clock = clock
        self._jobs = jobs
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._loop(job), name=f"job:{job.name}") for job in self._jobs]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _loop(self, job: Job) -> None:
        while True:
            try:
                if await self.take_turn(job):
                    await job.run()
            except Exception:
                _log.exception("a periodic job failed", job=job.name)
            await asyncio.sleep(job.every.total_seconds())

    async def take_turn(self, job: Job) -> bool:
        """True when this process is the one to run `job` now."""
        now = self._clock.now()
        # Half a period of slack, so that a loop's own jitter does not skip every second turn.
        next_turn = now + job.every / 2
        async with self._database.write() as connection:
            known = await connection.scalar(select(job_table.c.name).where(job_table.c.name == job.name))
            if known is None:
                return await insert_if_absent(connection, job_table, name=job.name, due_at=next_turn)
            taken = await connection.execute(
                update(job_table)
                # A turn that lies further ahead than any of ours was put there by somebody else, to stop the work.
                .where(job_table.c.name == job.name, or_(job_table.c.due_at <= now, job_table.c.due_at > next_turn))
                .values(due_at=next_turn)
            )
            return taken.rowcount == 1
