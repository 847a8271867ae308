"""Periodic work: one process at a time, and how it went stands in the database."""

from datetime import timedelta

import pytest

from core.clock import FrozenClock
from core.database import Database
from core.errors import UnavailableError
from core.jobs import Job, JobRecord, Jobs, job_records


class Work:
    """Fails as long as it is told to."""

    def __init__(self) -> None:
        self.done = 0
        self.error: Exception | None = None

    async def run(self) -> None:
        if self.error is not None:
            raise self.error
        self.done += 1


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def job(work: Work) -> Job:
    return Job("sweep", timedelta(seconds=1), work.run)


async def record(database: Database) -> JobRecord:
    async with database.read() as connection:
        return (await job_records(connection))["sweep"]


async def test_of_two_processes_one_does_the_work(database: Database, clock: FrozenClock, work: Work, job: Job) -> None:
    both = [Jobs(database, clock, [job]) for _ in range(2)]
    for _ in range(3):
        for one in both:
            await one.run_if_due(job)
        clock.advance(timedelta(seconds=1))
    assert work.done == 3


async def test_failures_are_counted_until_the_next_success(
    database: Database, clock: FrozenClock, work: Work, job: Job
) -> None:
    jobs = Jobs(database, clock, [job])
    await jobs.run_if_due(job)
    begun = (await record(database)).succeeded_at
    assert begun == clock.now()
    work.error = UnavailableError("ERR-DATABASE", "the disk is full")
    for count in (1, 2, 3):
        clock.advance(timedelta(seconds=1))
        with pytest.raises(UnavailableError):
            await jobs.run_if_due(job)
        failed = await record(database)
        assert (failed.failures, failed.failure, failed.failed_at) == (count, "ERR-DATABASE", clock.now())
        assert failed.succeeded_at == begun
    work.error = None
    clock.advance(timedelta(seconds=1))
    await jobs.run_if_due(job)
    assert (await record(database)).failures == 0


async def test_an_unforeseen_error_is_named_without_what_it_says(
    database: Database, clock: FrozenClock, work: Work, job: Job
) -> None:
    work.error = ValueError("a secret")
    with pytest.raises(ValueError, match="a secret"):
        await Jobs(database, clock, [job]).run_if_due(job)
    assert (await record(database)).failure == "ValueError"


async def test_a_job_of_every_second_does_not_write_its_success_every_second(
    database: Database, clock: FrozenClock, job: Job
) -> None:
    jobs = Jobs(database, clock, [job])
    begun = clock.now()
    for _ in range(59):
        await jobs.run_if_due(job)
        clock.advance(timedelta(seconds=1))
    assert (await record(database)).succeeded_at == begun
    for _ in range(2):
        await jobs.run_if_due(job)
        clock.advance(timedelta(seconds=1))
    assert (await record(database)).succeeded_at == begun + timedelta(minutes=1)
