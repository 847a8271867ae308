"""A worker process whose master was killed ends too: it would go on serving on a port that the restart needs."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from core.logs import logger

_log = logger("orphans")


@contextmanager
def ending_with_the_master() -> Iterator[None]:
    """Inside the block, the end of the process that started this one by `multiprocessing` stops the server as SIGTERM
    does: it listens no more, finishes the work under way, and ends. Nothing in a process that nobody started so."""
    master = multiprocessing.parent_process()
    if master is None:
        yield
        return
    loop = asyncio.get_running_loop()
    # A pipe that only the master holds open: it becomes readable however the master ends, on every system.
    sentinel: int = master.sentinel

    def end() -> None:
        loop.remove_reader(sentinel)
        _log.error("the master process is gone: this worker ends", master=master.pid)
        os.kill(os.getpid(), signal.SIGTERM)

    loop.add_reader(sentinel, end)
    try:
        yield
    finally:
        loop.remove_reader(sentinel)
