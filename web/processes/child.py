"""One process of a supervisor: how it is forked, and what the supervisor knows of it."""

import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NoReturn

from web.processes.leash import SHOW_STACKS, Leash

_MOST_STACKS = 64 * 1024
_WAITING = (signal.SIGTERM, signal.SIGINT)


@dataclass
class Child:
    """`heartbeat` and `stacks` are the reading ends of its pipes."""

    pid: int
    heartbeat: int
    stacks: int
    started_at: float
    heard_at: float | None = field(default=None)
    shown_at: float | None = field(default=None)

    def hear(self, now: float) -> bool:
        """Reads what has come; False when the process has closed its end."""
        try:
            beats = os.read(self.heartbeat, 4096)
        except BlockingIOError:
            return True
        if beats:
            self.heard_at = now
        return bool(beats)

    def show_stacks(self, now: float) -> None:
        self.shown_at = now
        self.signal(SHOW_STACKS)

    def signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def take_stacks(self) -> str:
        """What signal handlers wrote of its stacks, if anything: files, lines and names of functions; no values."""
        try:
            return os.read(self.stacks, _MOST_STACKS).decode("utf-8", "replace")
        except BlockingIOError:
            return ""

    def has_ended(self) -> int | None:
        """Its exit status, negative for the signal that ended it; None while it runs."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None

    def close(self) -> None:
        os.close(self.heartbeat)
        os.close(self.stacks)


def fork(run: Callable[[Leash], None], leash: Callable[..., Leash], close: Callable[[], None], now: float) -> Child:
    """Starts a process that calls `run` and ends with it. `leash` is made with the pipes that are opened here; `close`
    closes, in the process, what is the supervisor's.

    For a process that has no other thread: a lock that one held would stay locked in the copy.
    """
    heartbeat, beating = os.pipe()
    stacks, showing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    gc.freeze()  # what is there already is never looked at again: its memory stays shared
    # A signal that comes before the new process has handlers of its own waits.
    signal.pthread_sigmask(signal.SIG_BLOCK, _WAITING)
    pid = os.fork()
    if pid == 0:
        _live(run, leash(heartbeat=beating, stacks=showing), (heartbeat, stacks), close)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _WAITING)
    os.close(beating)
    os.close(showing)
    for reading in (heartbeat, stacks):
        os.set_blocking(reading, False)
    return Child(pid, heartbeat, stacks, now)


def _live(run: Callable[[Leash], None], leash: Leash, others: tuple[int, ...], close: Callable[[], None]) -> NoReturn:
    """The whole life of the new process. It never returns to the frames that it has of the supervisor."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # Ctrl-C reaches the whole group; the supervisor hears it and decides.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WAITING)
        for descriptor in others:
            os.close(descriptor)
        close()
        leash.put_on()
        run(leash)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
