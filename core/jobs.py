"""Periodic work, done by one of N processes at a time.

A job's turn is taken by one conditional UPDATE on its row, so any number of replicas may run the same loop. How it went
stands in the same row, so that every process can tell whether the work is done, also where none does it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, Integer, String, Table, or_, select, update

from core.clock import Clock
from core.database import Connection, Database, UtcDateTime, insert_if_absent, metadata
from core.errors import YimenError
from core.integrity import harmless
from core.logs import logger
from core.notices import Notices

job_table = Table(
    "core_job",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("due_at", UtcDateTime, nullable=False),
    Column("succeeded_at", UtcDateTime),
    Column("failed_at", UtcDateTime),
    # Since the last success.
    Column("failures", Integer, nullable=False, default=0, server_default="0"),
    Column("failure", String(64)),
    info=harmless(because="a turn can be made to come early, or late by one period: see `take_turn`"),
)

# A turn is one short write. As many in a row that take so long are no accident.
_SLOW = timedelta(seconds=1)
_SLOW_TURNS = 3
# A success is written at most so often: a job of every second must not cost a second commit each time.
_SUCCESS_NOTED_EVERY = timedelta(minutes=1)

_log = logger("jobs")


@dataclass(frozen=True)
class Job:
    """`run` must be safe to repeat: a process may die after doing the work and before its next turn is noted."""

    name: str
    every: timedelta
    run: Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class JobRecord:
    """How a job's turns went. `failures` counts since the last success; `failure` is the code of the last error."""

    name: str
    due_at: datetime
    succeeded_at: datetime | None
    failed_at: datetime | None
    failures: int
    failure: str | None


class Jobs:
    def __init__(self, database: Database, clock: Clock, jobs: list[Job], *, slow: timedelta = _SLOW) -> None:
        self._database = database
        self._slow = slow
        self._slow_turns = 0
        self._notices = Notices(database, clock)
        self._clock = clock
        self._jobs = jobs
        self._tasks: list[asyncio.Task[None]] = []
        self._success_noted: dict[str, datetime] = {}

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._loop(job), name=f"job:{job.name}") for job in self._jobs]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._notices.settled()

    async def _loop(self, job: Job) -> None:
        while True:
            try:
                await self.run_if_due(job)
            except Exception:
                _log.exception("a periodic job failed", job=job.name)
            await asyncio.sleep(job.every.total_seconds())

    async def run_if_due(self, job: Job) -> None:
        """Takes the job's turn, if it is due, and notes how it went. Raises what the job raises."""
        began = time.monotonic()
        is_ours = await self.take_turn(job)
        self._note_pace(timedelta(seconds=time.monotonic() - began))
        if not is_ours:
            return
        try:
            await job.run()
        except Exception as error:
            await self._note_failure(job, error)
            raise
        await self._note_success(job)

    def _note_pace(self, took: timedelta) -> None:
        self._slow_turns = self._slow_turns + 1 if took > self._slow else 0
        if self._slow_turns >= _SLOW_TURNS:
            self._notices.note("ERR-DATABASE_SLOW", "the database takes long to write", seconds=f"{took.seconds}")

    async def take_turn(self, job: Job) -> bool:
        """True when this process is the one to run `job` now."""
        now = self._clock.now()
        # Half a period of slack, so that a loop's own jitter does not skip every second turn.
        next_turn = now + job.every / 2
        async with self._database.write() as connection:
            known = await connection.scalar(select(job_table.c.name).where(job_table.c.name == job.name))
            if known is None:
                return await insert_if_absent(connection, job_table, name=job.name, due_at=next_turn, failures=0)
            taken = await connection.execute(
                update(job_table)
                # A turn that lies further ahead than any of ours was put there by somebody else, to stop the work.
                .where(job_table.c.name == job.name, or_(job_table.c.due_at <= now, job_table.c.due_at > next_turn))
                .values(due_at=next_turn)
            )
            return taken.rowcount == 1

    async def _note_success(self, job: Job) -> None:
        now = self._clock.now()
        noted = self._success_noted.get(job.name)
        if noted is not None and now - noted < _SUCCESS_NOTED_EVERY:
            return
        await self._note(job, succeeded_at=now, failures=0)
        self._success_noted[job.name] = now

    async def _note_failure(self, job: Job, error: Exception) -> None:
        self._success_noted.pop(job.name, None)
        code = error.code if isinstance(error, YimenError) else type(error).__name__
        failures = job_table.c.failures + 1
        await self._note(job, failed_at=self._clock.now(), failures=failures, failure=code[:64])

    async def _note(self, job: Job, **values: object) -> None:
        async with self._database.write() as connection:
            await connection.execute(update(job_table).where(job_table.c.name == job.name).values(**values))


async def job_records(connection: Connection) -> dict[str, JobRecord]:
    """Of every job that ever had a turn, by name."""
    columns = [job_table.c[name] for name in JobRecord.__dataclass_fields__]
    return {row.name: JobRecord(**row._mapping) for row in await connection.execute(select(*columns))}
