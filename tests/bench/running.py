"""A server in a process group of its own: started on its core, waited for, weighed and ended."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.bench.machine import Cores

_GRACE = 20.0


class NotRunningError(Exception):
    """A server ended, or was not ready in time. Its log says why."""


@dataclass(frozen=True)
class Memory:
    """Megabytes. `together` counts a page that processes share once, `largest` is the largest process alone."""

    together: float
    largest: float


class Running:
    def __init__(
        self,
        command: Sequence[str],
        *,
        cores: Cores,
        log: Path,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        with log.open("ab") as stream, cores.on(cores.server):
            self._began = time.perf_counter()
            self._process = subprocess.Popen(
                command,
                env=surroundings(environment or {}),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        self._log = log

    async def ready(self, address: str, *, within: float = 60.0) -> float:
        """Seconds from the start until `address` is answered with 200."""
        async with httpx.AsyncClient(timeout=5.0) as client:
            while time.perf_counter() - self._began < within:
                if self._process.poll() is not None:
                    raise NotRunningError(f"ended with status {self._process.returncode}: {self._last_words()}")
                if await _answers(client, address):
                    return time.perf_counter() - self._began
                await asyncio.sleep(0.02)
        raise NotRunningError(f"{address} was not ready within {within:.0f} s: {self._last_words()}")

    def memory(self) -> Memory:
        processes = [_memory_of(process) for process in self._group()]
        return Memory(sum(shared for shared, _ in processes), max((alone for _, alone in processes), default=0.0))

    def cpu_seconds(self) -> float:
        """Of all its processes that live."""
        return sum(_cpu_seconds_of(process) for process in self._group())

    def end(self) -> None:
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, number)

    def _group(self) -> list[Path]:
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if os.getpgid(int(process.name)) == self._process.pid:
                    found.append(process)
            except ProcessLookupError:
                continue
        return found

    def _last_words(self) -> str:
        return " | ".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])


def surroundings(environment: Mapping[str, str]) -> dict[str, str]:
    """This process's own environment with these variables, and no other setting of Yimen."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("YIMEN_")}
    return inherited | dict(environment)


async def _answers(client: httpx.AsyncClient, address: str) -> bool:
    try:
        return (await client.get(address)).status_code == 200
    except httpx.TransportError:
        return False


def _cpu_seconds_of(process: Path) -> float:
    """In its own code and in the kernel's (proc_pid_stat(5)). The name before the last `)` may hold anything."""
    fields = (process / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_of(process: Path) -> tuple[float, float]:
    """Its share of all pages it has, and all of them, in megabytes (proc_pid_smaps(5))."""
    sizes = {"Pss:": 0.0, "Rss:": 0.0}
    for line in (process / "smaps_rollup").read_text(encoding="utf-8").splitlines():
        name, *rest = line.split()
        if name in sizes:
            sizes[name] = int(rest[0]) / 1024
    return sizes["Pss:"], sizes["Rss:"]
