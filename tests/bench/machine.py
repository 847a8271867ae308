"""The machine: which cores a server has to itself, and what a reader must know to compare."""

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_CPU_INFO = Path("/proc/cpuinfo")
_STATISTICS = Path("/proc/stat")


@dataclass(frozen=True)
class Cores:
    """The server has one; generator and database have others, each its own where there are enough. Empty: nothing can
    be pinned here, on one core or without `sched_setaffinity`."""

    server: frozenset[int] = frozenset()
    database: frozenset[int] = frozenset()
    generator: frozenset[int] = frozenset()

    @property
    def pinned(self) -> bool:
        return bool(self.server)

    @property
    def told(self) -> str:
        if not self.pinned:
            return "Nothing was pinned: server, database and generator shared what there is, so the rates are too low."
        one, other, third = (_named(cores) for cores in (self.server, self.database, self.generator))
        where = f"database and generator to {other}" if other == third else f"database to {other}, generator to {third}"
        return f"Servers were pinned to {one}, {where}."

    @contextmanager
    def on(self, cores: frozenset[int]) -> Iterator[None]:
        """What is started in the block stays on these cores, with all its threads and processes."""
        if not cores:
            yield
            return
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, cores)
        try:
            yield
        finally:
            os.sched_setaffinity(0, before)


class CoreClock:
    """How many cores' worth of time these cores worked since this was made, for whomever (proc_stat(5))."""

    def __init__(self, cores: frozenset[int]) -> None:
        self._names = {f"cpu{core}" for core in cores} or {"cpu"}
        self._idle, self._all = self._read()

    def busy(self) -> float:
        idle, everything = self._read()
        return len(self._names) * (1 - (idle - self._idle) / max(everything - self._all, 1))

    def _read(self) -> tuple[int, int]:
        idle = everything = 0
        for line in _STATISTICS.read_text(encoding="utf-8").splitlines() if _STATISTICS.exists() else ():
            name, *ticks = line.split()
            if name in self._names:
                # user, nice, system, idle, iowait, irq, softirq, steal
                idle += int(ticks[3]) + int(ticks[4])
                everything += sum(int(tick) for tick in ticks[:8])
        return idle, everything


def find_cores() -> Cores:
    if not hasattr(os, "sched_getaffinity"):
        return Cores()
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) == 1:
        return Cores()
    server, others = usable[0], usable[1:]
    return Cores(frozenset({server}), frozenset(others[:1]), frozenset(others[1:] or others))


def describe() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    hardware = f"{_cpu_model()}, {os.cpu_count()} cores, {memory:.0f} GB"
    return f"{hardware}, {platform.system()} {platform.release()}, Python {platform.python_version()}"


def _cpu_model() -> str:
    if _CPU_INFO.exists():
        for line in _CPU_INFO.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or sys.platform


def _named(cores: frozenset[int]) -> str:
    listed = ", ".join(str(core) for core in sorted(cores))
    return f"core {listed}" if len(cores) == 1 else f"cores {listed}"
