"""What is wrong although requests are answered is told at /readyz, in the metrics and on the audit page."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from core.clock import FrozenClock
from core.jobs import Job, Jobs, job_table
from core.settings import Settings
from tests.core.certificates import Issued
from tests.web.agent import Agent
from tests.web.conftest import PASSWORD, add_person
from vault.ledger import Event
from web.composition import House
from web.periodic import periodic_jobs
from web.troubles import CODES, Limits, Trouble, Troubles


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
    await every_job_runs(house)
    (found,) = await Troubles(house, Limits(least_free_bytes=2**62)).look()
    assert (found.code, found.parameters["folder"]) == ("ERR-DISK", str(house.settings.data_dir))


async def test_a_database_that_answers_late_is_told(house: House) -> None:
    await every_job_runs(house)
    found = await Troubles(house, Limits(slow=timedelta(0))).look()
    assert [trouble.code for trouble in found] == ["ERR-DATABASE_SLOW"]


async def test_a_database_that_writes_late_is_told_by_whoever_works(house: House, clock: FrozenClock) -> None:
    await every_job_runs(house)
    idle = Job("forget", timedelta(minutes=5), house.ledger.sequence)
    working = Jobs(house.database, clock, [idle], slow=timedelta(0))
    for expected in (set(), set(), {"ERR-DATABASE_SLOW"}):
        await working.run_if_due(idle)
        await working.stop()
        assert await codes(house) == expected


async def test_a_database_that_reads_but_does_not_write_is_told(house: House) -> None:
    await every_job_runs(house)
    soon = Limits(writes_within=timedelta(milliseconds=100))
    async with house.database.write() as holding:
        await holding.execute(update(job_table).values(failures=0))
        found = await asyncio.create_task(Troubles(house, soon).look())
    assert [trouble.code for trouble in found] == ["ERR-DATABASE_WRITES"]
    assert await codes(house) == set()


@pytest.mark.parametrize(("seconds", "is_told"), [(-3, True), (-1, False), (0, False), (1, False), (4, True)])
async def test_a_clock_that_is_not_the_databases_is_told(house: House, seconds: int, is_told: bool) -> None:
    await every_job_runs(house)
    found = await Troubles(house, clock=_Off(timedelta(seconds=seconds))).look()
    assert found == ([Trouble("ERR-CLOCK", {"seconds": seconds})] if is_told else [])


class _Off:
    """A clock beside the right time."""

    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> datetime:
        return datetime.now(UTC) + self._by


@pytest.mark.parametrize("days", [20, 13, -1])
async def test_a_certificate_that_ends_soon_is_told(house: House, tmp_path: Path, days: int) -> None:
    await every_job_runs(house)
    issued = Issued("localhost", days=days)
    issued.serves(tmp_path)
    pem = tmp_path / "server.pem"
    with_tls = {"issuer": "https://localhost:8000", "tls_cert": pem, "tls_key": pem}
    settings = Settings(**{**house.settings.model_dump(), **with_tls})
    found = await Troubles(replace(house, settings=settings)).look()
    assert [(trouble.code, trouble.parameters["file"]) for trouble in found] == [("ERR-TLS_EXPIRES", str(pem))] * (
        days < 14
    )
    pem.write_text("half of")
    found = await Troubles(replace(house, settings=settings)).look()
    assert found == [Trouble("ERR-TLS_FILES", {"file": str(pem)})]


async def test_every_trouble_has_its_metric_before_it_happens(house: House, agent: Agent) -> None:
    await every_job_runs(house)
    told = (await agent.get("/metrics")).text
    assert all(f'yimen_trouble{{code="{code}"}} 0.0' in told for code in CODES)
    house.settings.effective_key_file.unlink()
    assert 'yimen_trouble{code="ERR-CUSTODY"} 1.0' in (await agent.get("/metrics")).text


def test_operators_are_told_what_to_do_of_every_trouble() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    assert [code for code in CODES if f"| `{code}` |" not in manual] == []


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
