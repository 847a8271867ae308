"""The generator's processes, as the benchmark starts them."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.bench.generator.job import Job, Result, joined

# A result holds the time of every answer.
_LONGEST_LINE = 256 * 1024 * 1024


class GeneratorError(Exception):
    """A generator ended early. One whose first request is refused already does not begin."""


async def drive(
    job: Job, *, processes: int = 1, cores: Sequence[int] = (), at_start: Callable[[], None] = lambda: None
) -> Result:
    """The job, its connections shared out among processes that begin together, each on a core of `cores`. `at_start`
    is called when they are about to."""
    started = [await _start(part) for part in _parts(job, processes, cores)]
    try:
        for process in started:
            await _line(process)  # it is ready
        at_start()
        for process in started:
            await _tell(process, b"\n")
        return joined([Result.from_json(await _line(process)) for process in started])
    finally:
        for process in started:
            await _end(process)


def _parts(job: Job, processes: int, cores: Sequence[int]) -> list[Job]:
    processes = min(processes, job.connections)
    shares = [len(range(number, job.connections, processes)) for number in range(processes)]
    return [
        replace(job, connections=share, core=cores[number % len(cores)] if cores else None)
        for number, share in enumerate(shares)
    ]


async def _start(job: Job) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "tests.bench.generator")
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe, limit=_LONGEST_LINE)
    await _tell(process, job.to_json() + b"\n")
    return process


async def _tell(process: asyncio.subprocess.Process, line: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(line)
    await process.stdin.drain()


async def _line(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    assert process.stderr is not None
    if line := await process.stdout.readline():
        return line
    said = (await process.stderr.read()).decode("utf-8", "replace").strip().splitlines()
    raise GeneratorError(said[-1] if said else "the generator ended without a word")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    await process.wait()
