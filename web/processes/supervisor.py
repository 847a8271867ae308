"""Starts processes, listens to their heartbeats, replaces the silent and the dead, and ends them all when told."""

import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import FrameType

from core.logs import logger
from web.processes.child import Child, fork
from web.processes.leash import Leash

_TICK_SECONDS = 0.25

_log = logger("supervisor")


@dataclass(frozen=True)
class Kind:
    """`run` is called in each process of the kind; `listener` is closed in those of other kinds."""

    name: str
    count: int
    run: Callable[[Leash], None]
    listener: socket.socket | None = None


@dataclass(frozen=True)
class Patience:
    """In seconds. `silence`: since the last heartbeat. `start`: until the first one. `stacks`: to write them."""

    silence: float = 10.0
    start: float = 120.0
    stacks: float = 1.0
    # For a process that is stuck when its supervisor is killed: it then ends by itself.
    orphan: float = 20.0
    # A process that lived so long failed by accident, and is replaced at once.
    healthy: float = 60.0
    longest_pause: float = 30.0


@dataclass
class _Seat:
    """The place of one process. It is taken by one child after another."""

    kind: Kind
    child: Child | None = None
    failures: int = 0
    due_at: float = field(default=0.0)


class Supervisor:
    """`run` returns when a signal has ended everything."""

    def __init__(self, kinds: Sequence[Kind], *, grace: float, patience: Patience | None = None) -> None:
        self._kinds = kinds
        self._seats = [_Seat(kind) for kind in kinds for _ in range(kind.count)]
        self._grace = grace
        self._patience = patience or Patience()
        self._selector = selectors.DefaultSelector()
        self._lifeline, self._held = os.pipe()
        self._asked = 0
        self._kill_at: float | None = None

    def run(self) -> None:
        with self._signals():
            looked_at = time.monotonic()
            while self._goes_on():
                now = time.monotonic()
                self._forgive(now - looked_at - _TICK_SECONDS)
                looked_at = now
                for seat in self._seats:
                    self._look_after(seat, now)
                self._end_when_asked(now)
                self._listen(_TICK_SECONDS)
        os.close(self._held)
        os.close(self._lifeline)
        self._selector.close()

    def _goes_on(self) -> bool:
        return not self._asked or any(seat.child for seat in self._seats)

    def _listen(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            if isinstance(key.data, Child):
                if not key.data.hear(time.monotonic()):
                    self._selector.unregister(key.fileobj)
            else:
                os.read(key.fd, 4096)  # a signal came: its handler has noted it

    def _forgive(self, lost: float) -> None:
        """Where this process itself stood still (a stopped machine), the others may have, too: their silence does not
        count for that time."""
        if lost > 1.0:
            for seat in self._seats:
                if seat.child is not None and seat.child.heard_at is not None:
                    seat.child.heard_at += lost

    # One seat

    def _look_after(self, seat: _Seat, now: float) -> None:
        if seat.child is None:
            if not self._asked and now >= seat.due_at:
                self._start(seat, now)
            return
        status = seat.child.has_ended()
        if status is not None:
            self._bury(seat, seat.child, status, now)
        else:
            self._judge(seat.kind, seat.child, now)

    def _start(self, seat: _Seat, now: float) -> None:
        leash = partial(Leash, lifeline=self._lifeline, alone=self._patience.orphan)
        child = seat.child = fork(seat.kind.run, leash, lambda: self._close_in_child(seat.kind), now)
        self._selector.register(child.heartbeat, selectors.EVENT_READ, child)
        _log.info("a process was started", kind=seat.kind.name, pid=child.pid)

    def _close_in_child(self, own: Kind) -> None:
        self._selector.close()
        os.close(self._held)
        for seat in self._seats:
            if seat.child is not None:
                seat.child.close()
        for kind in self._kinds:
            if kind.listener is not None and kind.listener is not own.listener:
                kind.listener.close()

    def _judge(self, kind: Kind, child: Child, now: float) -> None:
        """Kills a process that does not answer, after it has shown where it stands."""
        patience = self._patience
        if child.shown_at is not None:
            if now - child.shown_at >= patience.stacks:
                child.signal(signal.SIGKILL)
            return
        silent = now - child.heard_at > patience.silence if child.heard_at else now - child.started_at > patience.start
        if silent:
            _log.error("a process does not answer and is replaced", kind=kind.name, pid=child.pid)
            child.show_stacks(now)

    def _bury(self, seat: _Seat, child: Child, status: int, now: float) -> None:
        stacks = child.take_stacks()
        if child.heartbeat in self._selector.get_map():
            self._selector.unregister(child.heartbeat)
        child.close()
        seat.child = None
        if self._asked:
            return
        lived = now - child.started_at
        seat.failures = 1 if lived >= self._patience.healthy else seat.failures + 1
        pause = 0.0 if seat.failures == 1 else min(0.5 * 2.0 ** (seat.failures - 2), self._patience.longest_pause)
        seat.due_at = now + pause
        told = {"stacks": stacks} if stacks else {}
        _log.error("a process ended", kind=seat.kind.name, pid=child.pid, status=status, again_in=pause, **told)

    # The end

    def _end_when_asked(self, now: float) -> None:
        if not self._asked:
            return
        if self._kill_at is None:
            self._kill_at = now + self._grace
            self._signal_all(signal.SIGTERM)
            # The processes let in who waits, then close theirs: who comes later is refused at once, and goes elsewhere.
            for kind in self._kinds:
                if kind.listener is not None:
                    kind.listener.close()
        if self._asked > 1 or now >= self._kill_at:
            self._signal_all(signal.SIGKILL)

    def _signal_all(self, number: signal.Signals) -> None:
        for seat in self._seats:
            if seat.child is not None:
                seat.child.signal(number)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT end everything; a second one does not wait. SIGCHLD only wakes."""

        def ask(_number: int, _frame: FrameType | None) -> None:
            self._asked += 1

        reading, writing = socket.socketpair()
        with reading, writing, ExitStack() as stack:
            for end in (reading, writing):
                end.setblocking(False)
            self._selector.register(reading, selectors.EVENT_READ)
            stack.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(writing.fileno()))
            for number, react in ((signal.SIGTERM, ask), (signal.SIGINT, ask), (signal.SIGCHLD, lambda *_: None)):
                stack.callback(signal.signal, number, signal.signal(number, react))
            yield
