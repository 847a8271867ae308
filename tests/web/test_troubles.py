"""What is wrong although requests are answered is told at /readyz, in the metrics and on the audit page."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from core.clock import FrozenClock
from core.jobs import Job, Jobs
from tests.web.agent import Agent
from tests.web.conftest import PASSWORD, add_person
from vault.ledger import Event
from web.composition import House
from web.periodic import periodic_jobs
from web.troubles import Trouble, Troubles


async def every_job_runs(house: House) -> None:
    jobs = periodic_jobs(house)
    for job in jobs:
        await Jobs(house.database, house.clock, jobs).run_if_due(job)


async def codes(house: House) -> set[str]:
    return {trouble.code for trouble in await Troubles(house).look()}


async def test_nothing_is_wrong_where_a_worker_works(house: House, clock: FrozenClock) -> None:
    for _ in range(3):
        await every_job_runs(house)
        assert await codes(house) == set()
        clock.advance(timedelta(minutes=10))


async def test_events_that_nobody_places_are_told(house: House, clock: FrozenClock) -> None:
    await every_job_runs(house)
    await house.ledger.append(Event(action="launch", result="success", actor="system", subject="x"))
    assert await codes(house) == set()
    clock.advance(timedelta(minutes=2))
    (trouble,) = await Troubles(house).look()
    assert trouble == Trouble("ERR-BACKLOG", {"count": 1, "minutes": 2})


async def test_a_deployment_without_a_worker_is_told(house: House, clock: FrozenClock) -> None:
    troubles = Troubles(house)
    clock.advance(timedelta(minutes=61))
    found = await troubles.look()
    assert {trouble.parameters["job"] for trouble in found if trouble.code == "ERR-NO_WORKER"} == {
        job.name for job in periodic_jobs(house)
    }


async def test_a_job_that_keeps_failing_is_told(house: House, clock: FrozenClock) -> None:
    await every_job_runs(house)

    async def fail() -> None:
        raise OSError(28, "No space left on device")

    broken = Job("forget", timedelta(minutes=5), fail)
    jobs = Jobs(house.database, clock, [broken])
    for _ in range(3):
        assert await codes(house) == set()
        clock.advance(timedelta(minutes=5))
        await house.ledger.sequence()
        with pytest.raises(OSError, match="No space"):
            await jobs.run_if_due(broken)
        for job in periodic_jobs(house):
            if job.name != broken.name:
                await Jobs(house.database, clock, []).run_if_due(job)
    assert await Troubles(house).look() == [Trouble("ERR-JOB", {"job": "forget", "failures": 3, "failure": "OSError"})]


async def test_a_disk_that_fills_up_is_told(house: House) -> None:
    found = await Troubles(house, least_free_bytes=2**62).look()
    assert [trouble.code for trouble in found] == ["ERR-DISK"]


async def test_a_warning_leaves_the_process_in_service_and_stands_where_people_look(
    house: House, clock: FrozenClock, agents: Callable[[], Agent]
) -> None:
    user_id = await add_person(house, "shenji", "沈记", frozenset({"audit_admin"}))
    async with house.database.write() as connection:
        await house.users.set_flags(connection, user_id, totp_required=False)
    await every_job_runs(house)
    await house.ledger.append(Event(action="launch", result="success", actor="system", subject="x"))
    clock.advance(timedelta(minutes=3))
    agent = agents()
    answer = await agent.get("/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (200, True)
    (warning,) = answer.json()["warnings"]
    assert (warning["code"], warning["minutes"]) == ("ERR-BACKLOG", 3)
    told = (await agent.get("/metrics")).text
    assert "yimen_ledger_unplaced_seconds 180" in told
    assert 'yimen_job_failures{job="ledger.sequence"} 0' in told
    await agent.sign_in("shenji", PASSWORD)
    page = (await agent.get("/audit")).text
    assert 'id="troubles"' in page
    assert "最早的已等待 3 分钟" in page
