"""`python -m tests.bench.generator`: a line of JSON in, `ready` out, a line in, a line of JSON out."""

import asyncio
import os
import sys

import uvloop

from tests.bench.generator.closed_loop import run
from tests.bench.generator.job import Job


def main() -> None:
    job = Job.from_json(sys.stdin.buffer.readline())
    if job.core is not None:
        os.sched_setaffinity(0, {job.core})
    result = uvloop.run(run(job, _start))
    sys.stdout.buffer.write(result.to_json() + b"\n")


async def _start() -> None:
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.buffer.readline)


main()
