"""Work on bytes of others that would hold up everybody leaves the event loop (DESIGN §4a.26)."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import ParamSpec, TypeVar

from core.held import require_nothing_held
from core.turns import turn

# What is smaller is done on the spot: handing it over would cost more than the work.
INLINE_BYTES = 64 * 1024
# One pool a process, and a small one: more threads would only take the interpreter from the loop more often.
_THREADS = 4
_pool = ThreadPoolExecutor(_THREADS, "offload")

P = ParamSpec("P")
R = TypeVar("R")


async def off_loop(size: int, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """`function(*args)`, in a thread when the bytes that it works on are many. `size` is their number.

    The caller waits for its turn among the work of the same person, and when all threads are busy; what was begun is
    not broken off.
    """
    require_nothing_held("work on the bytes of others")
    async with turn():
        if size <= INLINE_BYTES:
            return function(*args, **kwargs)
        context = copy_context()
        return await asyncio.get_running_loop().run_in_executor(_pool, lambda: context.run(function, *args, **kwargs))
