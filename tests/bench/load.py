"""A closed-loop load: so many callers at once, each starts again when it is answered, for so many seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable

Call = Callable[[], Awaitable[object]]


async def rate_of(call: Call, *, seconds: float, callers: int = 32) -> float:
    """Calls a second. The first tenth of the time warms up and is not counted."""
    done = 0
    warm_until = time.perf_counter() + seconds / 10
    end = warm_until + seconds

    async def caller() -> None:
        nonlocal done
        while (now := time.perf_counter()) < end:
            await call()
            if now >= warm_until:
                done += 1

    await asyncio.gather(*(caller() for _ in range(callers)))
    return done / (time.perf_counter() - warm_until)


def repeated(act: Callable[[], object], *, seconds: float, clock: Callable[[], float] = time.process_time) -> float:
    """Rate of a plain function on this core. By its own CPU, so that it is the same whoever else uses the core; what
    waits for something needs `time.perf_counter`."""
    done, started = 0, clock()
    while (now := clock()) < started + seconds:
        act()
        done += 1
    return done / (now - started)
