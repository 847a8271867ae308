"""What a process and its supervisor know of each other: two pipes and a signal.

The process writes to `heartbeat` from its event loop, so silence means that the loop does not turn. Python's stacks go
to `stacks`, written by signal handlers in C, which also run while the loop is stuck in C code such as a regular
expression. `lifeline` becomes readable when the supervisor is gone, however it went.
"""

import asyncio
import faulthandler
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from core.logs import logger

SHOW_STACKS = signal.SIGUSR1
BEAT_SECONDS = 1.0

_log = logger("processes")


@dataclass(frozen=True)
class Leash:
    """`alone`: seconds after which a process whose loop stands still ends by itself, where nobody is left to do so."""

    heartbeat: int
    lifeline: int
    stacks: int
    alone: float

    def put_on(self) -> None:
        """In the new process, before anything else."""
        os.set_blocking(self.heartbeat, False)
        faulthandler.enable(file=self.stacks)
        faulthandler.register(SHOW_STACKS, file=self.stacks, all_threads=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Inside the block the event loop beats, and the end of the supervisor stops the server as SIGTERM does: it
        listens no more, finishes the work under way, and ends. The first beat says that the process is ready."""
        loop = asyncio.get_running_loop()
        supervisor = os.getppid()

        def end() -> None:
            loop.remove_reader(self.lifeline)
            _log.error("the supervisor is gone: this process ends", supervisor=supervisor)
            os.kill(os.getpid(), signal.SIGTERM)

        loop.add_reader(self.lifeline, end)
        beating = loop.create_task(self._beat(), name="heartbeat")
        try:
            yield
        finally:
            beating.cancel()
            faulthandler.cancel_dump_traceback_later()
            loop.remove_reader(self.lifeline)

    async def _beat(self) -> None:
        while True:
            # The pipe is full where the supervisor is busy, and broken where it is gone.
            with suppress(BlockingIOError, BrokenPipeError):
                os.write(self.heartbeat, b".")
            faulthandler.dump_traceback_later(self.alone, exit=True, file=self.stacks)
            await asyncio.sleep(BEAT_SECONDS)
