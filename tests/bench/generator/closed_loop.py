"""The loop of one process: its connections, its clock and its count."""

import asyncio
import resource
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from tests.bench.generator.connection import Connection
from tests.bench.generator.job import Job, Result
from tests.bench.generator.modes import MODES, Mode, UnexpectedError

# An answer that has not come so long after the end will not come.
_PATIENCE = 30.0
_FAILURES = (UnexpectedError, OSError, ValueError, KeyError)


async def run(job: Job, start: Callable[[], Awaitable[None]]) -> Result:
    """`start` is waited for when everything is prepared. Raises where that fails: there is nothing to measure then."""
    connections = [_connect(job) for _ in range(job.connections)]
    modes = [MODES[job.mode](job.target, connection) for connection in connections]
    await asyncio.gather(*(mode.prepare() for mode in modes))
    await start()
    count = _Count(time.perf_counter() + job.warm_up, job.seconds)
    turning = [asyncio.create_task(_turn(mode, count)) for mode in modes]
    ended, hanging = await asyncio.wait(turning, timeout=job.warm_up + job.seconds + _PATIENCE)
    for task in hanging:
        count.fail("no answer")
        task.cancel()
    result = count.result()
    for task in ended:
        task.result()
    for connection in connections:
        connection.close()
    return result


def _connect(job: Job) -> Connection:
    parts = urlsplit(job.target.page or job.target.token)
    return Connection(parts.hostname or "", parts.port or 80)


async def _turn(mode: Mode, count: "_Count") -> None:
    while (began := time.perf_counter()) < count.until:
        count.look_at_the_clock(began)
        try:
            await mode.turn()
        except _FAILURES as error:
            count.fail(f"{type(error).__name__}: {error}")
        else:
            count.succeed(began)


class _Count:
    """A turn counts when it began after the warm-up. A failure counts whenever it comes."""

    def __init__(self, begins: float, seconds: float) -> None:
        self.until = begins + seconds
        self._begins = begins
        self._cpu_before: float | None = None
        self._latencies: list[float] = []
        self._turns = 0
        self._failed = 0
        self._first_failure = ""

    def look_at_the_clock(self, now: float) -> None:
        if self._cpu_before is None and now >= self._begins:
            self._cpu_before = _cpu_seconds()

    def succeed(self, began: float) -> None:
        self._turns += 1
        if began >= self._begins:
            self._latencies.append((time.perf_counter() - began) * 1000)

    def fail(self, why: str) -> None:
        self._failed += 1
        self._first_failure = self._first_failure or why

    def result(self) -> Result:
        elapsed = time.perf_counter() - self._begins
        used = 0.0 if self._cpu_before is None else _cpu_seconds() - self._cpu_before
        return Result(
            done=len(self._latencies),
            turns=self._turns,
            failed=self._failed,
            first_failure=self._first_failure,
            seconds=elapsed,
            cpu_share=used / elapsed,
            latencies=[round(latency, 3) for latency in self._latencies],
        )


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
