"""What is wrong although requests are answered: nobody places events, a job keeps failing, the disk fills up.

None of it takes a process out of service, for that would help nobody; it is told where somebody looks.
"""

import asyncio
import shutil
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from core import metrics
from core.jobs import JobRecord, job_records
from core.notices import LASTS, notices_since
from vault.ledger.queries import Backlog
from web.periodic import periodic_jobs

if TYPE_CHECKING:
    from web.composition import House

# An event is placed within seconds where a worker runs.
_WAITS_TOO_LONG = timedelta(minutes=1)
_FAILS_TOO_OFTEN = 3
# A job that nobody began for so long, or twice its period, has no worker.
_LATE = timedelta(minutes=5)
_LEAST_FREE_BYTES = 256 * 1024 * 1024
_FRESH_SECONDS = 5.0


@dataclass(frozen=True)
class Trouble:
    """`code` has a text in the locales, which `parameters` fill."""

    code: str
    parameters: dict[str, str | int] = field(default_factory=dict)

    def as_json(self) -> dict[str, str | int]:
        return {"code": self.code, **self.parameters}


class Troubles:
    def __init__(self, house: "House", *, least_free_bytes: int = _LEAST_FREE_BYTES) -> None:
        self._house = house
        self._least_free_bytes = least_free_bytes
        self._every = {job.name: job.every for job in periodic_jobs(house)}
        self._since = house.clock.now()
        self._seen: list[Trouble] = []
        self._seen_at = float("-inf")

    async def look(self) -> list[Trouble]:
        """At most five seconds old, so that who asks often costs little. Sets the metrics, too."""
        if time.monotonic() - self._seen_at >= _FRESH_SECONDS:
            self._seen = await self._look()
            self._seen_at = time.monotonic()
        return self._seen

    async def _look(self) -> list[Trouble]:
        house = self._house
        async with house.database.scan() as connection:
            backlog = await house.audit.backlog(connection)
            records = await job_records(connection)
            noticed = await notices_since(connection, house.clock.now() - LASTS)
        usage = await asyncio.to_thread(shutil.disk_usage, house.settings.data_dir)
        now = house.clock.now()
        _measure(backlog, records, usage.free, now)
        return [
            *self._of_ledger(backlog, now),
            *self._of_jobs(records, now),
            *self._of_disk(usage.free),
            *(Trouble(code) for code in sorted(noticed)),
        ]

    def _of_ledger(self, backlog: Backlog, now: datetime) -> list[Trouble]:
        if backlog.since is None or now - backlog.since < _WAITS_TOO_LONG:
            return []
        return [Trouble("ERR-BACKLOG", {"count": backlog.count, "minutes": _minutes(now - backlog.since)})]

    def _of_jobs(self, records: dict[str, JobRecord], now: datetime) -> list[Trouble]:
        found = []
        for name, every in self._every.items():
            record = records.get(name)
            late = now - (record.due_at if record else self._since)
            if record is not None and record.failures >= _FAILS_TOO_OFTEN:
                failure = record.failure or ""
                found.append(Trouble("ERR-JOB", {"job": name, "failures": record.failures, "failure": failure}))
            elif late > max(2 * every, _LATE):
                found.append(Trouble("ERR-NO_WORKER", {"job": name, "minutes": _minutes(late)}))
        return found

    def _of_disk(self, free: int) -> list[Trouble]:
        return [Trouble("ERR-DISK", {"megabytes": free // 2**20})] if free < self._least_free_bytes else []


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)


def _measure(backlog: Backlog, records: dict[str, JobRecord], free: int, now: datetime) -> None:
    metrics.UNPLACED_EVENTS.set(backlog.count)
    metrics.UNPLACED_SECONDS.set((now - backlog.since).total_seconds() if backlog.since else 0)
    metrics.DISK_FREE.set(free)
    for record in records.values():
        metrics.JOB_FAILURES.labels(record.name).set(record.failures)
        if record.succeeded_at is not None:
            metrics.JOB_SUCCEEDED.labels(record.name).set(record.succeeded_at.timestamp())
