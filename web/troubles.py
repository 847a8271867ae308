"""What is wrong although requests are answered: nobody places events, a job keeps failing, the disk fills up.

None of it takes a process out of service, for that would help nobody; it is told where somebody looks.
"""

import asyncio
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from cryptography import x509
from sqlalchemy import update

from core import metrics
from core.clock import Clock, SystemClock
from core.database import Database, StatementError, database_now
from core.errors import ConfigurationError, UnavailableError
from core.fresh import Fresh
from core.jobs import JobRecord, job_records, job_table
from core.notices import LASTS, notices_since
from core.settings import Settings
from vault.ledger.queries import Backlog, LedgerQueries
from web.periodic import EVERY
from web.processes.tls import CertificateFiles, certificates_of

# Each has a line in docs/operations.md.
CODES = (
    *("ERR-BACKLOG", "ERR-CALLER_MISSING", "ERR-CALLER_UNREADABLE", "ERR-CLOCK", "ERR-CUSTODY"),
    *(
        "ERR-DATABASE_SLOW",
        "ERR-DATABASE_WRITES",
        "ERR-DISK",
        "ERR-JOB",
        "ERR-NO_WORKER",
        "ERR-TLS_EXPIRES",
        "ERR-TLS_FILES",
        "ERR-UNAVAILABLE",
    ),
)

# An event is placed within seconds where a worker runs.
_WAITS_TOO_LONG = timedelta(minutes=1)
_FAILS_TOO_OFTEN = 3
# A job that nobody began for so long, or twice its period, has no worker.
_LATE = timedelta(minutes=5)
_LEAST_FREE_BYTES = 256 * 1024 * 1024
_FARTHEST_CLOCK = timedelta(seconds=2)
_TRIES = 3
_SLOW = timedelta(milliseconds=500)
_WRITES_WITHIN = timedelta(seconds=2)
_EXPIRES_SOON = timedelta(days=14)
_FRESH_SECONDS = 5.0


@dataclass(frozen=True)
class Trouble:
    """`code` has a text in the locales, which `parameters` fill."""

    code: str
    parameters: dict[str, str | int] = field(default_factory=dict)

    def as_json(self) -> dict[str, str | int]:
        return {"code": self.code, **self.parameters}


@dataclass(frozen=True)
class Limits:
    """Beyond which something is wrong."""

    least_free_bytes: int = _LEAST_FREE_BYTES
    slow: timedelta = _SLOW
    writes_within: timedelta = _WRITES_WITHIN


class TroubleParts(Protocol):
    """What is looked at, of the house."""

    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...
    @property
    def audit(self) -> LedgerQueries: ...


class Troubles:
    """`clock` is this machine's, which is compared with the database's."""

    def __init__(self, house: TroubleParts, limits: Limits = Limits(), *, clock: Clock | None = None) -> None:
        self._house = house
        self._limits = limits
        self._wall = (clock or SystemClock()).now
        self._since = house.clock.now()
        self._seen: Fresh[str, list[Trouble]] = Fresh(_FRESH_SECONDS)

    async def look(self) -> list[Trouble]:
        """At most five seconds old, so that who asks often costs little. Sets the metrics, too."""
        return await self._seen.get("all", self._look)

    async def _look(self) -> list[Trouble]:
        house = self._house
        async with house.database.scan() as connection:
            backlog = await house.audit.backlog(connection)
            records = await job_records(connection)
            noticed = await notices_since(connection, house.clock.now() - LASTS)
        pulse = await _pulse(house.database, self._wall)
        if not await _writes(house.database, next(iter(EVERY)), self._limits.writes_within):
            noticed.add("ERR-DATABASE_WRITES")
        free = await asyncio.to_thread(_free_bytes, house.settings, house.database)
        certificates = await asyncio.to_thread(_of_certificates, house.settings, self._wall())
        now = house.clock.now()
        _measure(backlog, records, free, pulse, now)
        return [
            *self._of_ledger(backlog, now),
            *self._of_jobs(records, now),
            *self._of_disks(free),
            *self._of_database(pulse, noticed),
            *certificates,
        ]

    def _of_ledger(self, backlog: Backlog, now: datetime) -> list[Trouble]:
        if backlog.since is None or now - backlog.since < _WAITS_TOO_LONG:
            return []
        return [Trouble("ERR-BACKLOG", {"count": backlog.count, "minutes": _minutes(now - backlog.since)})]

    def _of_jobs(self, records: dict[str, JobRecord], now: datetime) -> list[Trouble]:
        found = []
        for name, every in EVERY.items():
            record = records.get(name)
            late = now - (record.due_at if record else self._since)
            if record is not None and record.failures >= _FAILS_TOO_OFTEN:
                failure = record.failure or ""
                found.append(Trouble("ERR-JOB", {"job": name, "failures": record.failures, "failure": failure}))
            elif late > max(2 * every, _LATE):
                found.append(Trouble("ERR-NO_WORKER", {"job": name, "minutes": _minutes(late)}))
        return found

    def _of_disks(self, free: dict[Path, int]) -> list[Trouble]:
        full = ((folder, left) for folder, left in free.items() if left < self._limits.least_free_bytes)
        return [Trouble("ERR-DISK", {"folder": str(folder), "megabytes": left // 2**20}) for folder, left in full]

    def _of_database(self, pulse: "_Pulse", noticed: set[str]) -> list[Trouble]:
        found = set(noticed)
        if pulse.took > self._limits.slow:
            found.add("ERR-DATABASE_SLOW")
        # Half of the time that the answer took may lie on either side of it.
        if abs(pulse.ahead) - pulse.took / 2 > _FARTHEST_CLOCK:
            found.add("ERR-CLOCK")
        parameters: dict[str, dict[str, str | int]] = {
            "ERR-CLOCK": {"seconds": round(pulse.ahead.total_seconds())},
            "ERR-DATABASE_SLOW": {"milliseconds": round(pulse.took.total_seconds() * 1000)},
        }
        return [Trouble(code, parameters.get(code, {})) for code in sorted(found)]


@dataclass(frozen=True)
class _Pulse:
    """How long the database takes to answer, and how far this machine's clock is ahead of its."""

    took: timedelta
    ahead: timedelta


async def _pulse(database: Database, wall: Callable[[], datetime]) -> _Pulse:
    """The quickest of a few: what is slow once is nothing."""
    found = []
    for _ in range(_TRIES):
        asked, began = wall(), time.monotonic()
        async with database.read() as connection:
            said = await database_now(connection)
        took = timedelta(seconds=time.monotonic() - began)
        found.append(_Pulse(took, asked + took / 2 - said))
    return min(found, key=lambda pulse: pulse.took)


async def _writes(database: Database, job: str, within: timedelta) -> bool:
    """Whether a write comes to its end. A server whose disk is full, or whose synchronous replica is gone, goes on
    reading as if nothing were wrong. What is written leaves everything as it is."""
    same = update(job_table).where(job_table.c.name == job).values(failures=job_table.c.failures)
    try:
        async with asyncio.timeout(within.total_seconds()), database.write() as connection:
            await connection.execute(same)
    except (UnavailableError, StatementError, TimeoutError):
        return False
    return True


def _free_bytes(settings: Settings, database: Database) -> dict[Path, int]:
    """Of each disk that is written to, by a folder on it."""
    folders = [settings.data_dir, *([Path(database.file).parent] if database.file is not None else [])]
    disks = {folder.stat().st_dev: folder for folder in reversed(folders)}
    return {folder: shutil.disk_usage(folder).free for folder in disks.values()}


def _of_certificates(settings: Settings, now: datetime) -> list[Trouble]:
    return [trouble for files in certificates_of(settings) for trouble in _of_certificate(files, now)]


def _of_certificate(files: CertificateFiles, now: datetime) -> list[Trouble]:
    name = str(files.certificate)
    try:
        files.context()
        end = x509.load_pem_x509_certificates(files.certificate.read_bytes())[0].not_valid_after_utc
    except (ConfigurationError, OSError, ValueError):
        return [Trouble("ERR-TLS_FILES", {"file": name})]
    left = end - now
    return [Trouble("ERR-TLS_EXPIRES", {"file": name, "days": left.days})] if left < _EXPIRES_SOON else []


def tell_metrics(codes: Iterable[str]) -> None:
    """1 for what is wrong, 0 for what is not: an alarm can be set on each before it ever happens."""
    wrong = set(codes)
    for code in (*CODES, *wrong.difference(CODES)):
        metrics.TROUBLES.labels(code).set(code in wrong)


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)


def _measure(
    backlog: Backlog, records: dict[str, JobRecord], free: dict[Path, int], pulse: _Pulse, now: datetime
) -> None:
    metrics.UNPLACED_EVENTS.set(backlog.count)
    metrics.UNPLACED_SECONDS.set((now - backlog.since).total_seconds() if backlog.since else 0)
    metrics.DISK_FREE.set(min(free.values()))
    metrics.DATABASE_SECONDS.set(pulse.took.total_seconds())
    metrics.CLOCK_AHEAD.set(pulse.ahead.total_seconds())
    for record in records.values():
        metrics.JOB_FAILURES.labels(record.name).set(record.failures)
        if record.succeeded_at is not None:
            metrics.JOB_SUCCEEDED.labels(record.name).set(record.succeeded_at.timestamp())
