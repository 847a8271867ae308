"""Attempts that can be made without end: each kind is told, none fills the ledger."""

from datetime import timedelta

import pytest

from core.clock import FrozenClock
from core.database import Database
from vault.ledger import Event, Ledger, RecordedEvent
from vault.ledger.queries import LedgerQueries, LedgerQuery
from vault.ledger.repeats import ONE_BY_ONE, WINDOW, Repeats

REFUSED = Event(action="gateway.request", result="refused", reason="ERR-FOREIGN", detail={"path": "/pay"})
MOST = 500


@pytest.fixture
def repeats(ledger: Ledger, clock: FrozenClock) -> Repeats:
    return Repeats(clock, ledger)


async def told(database: Database) -> list[RecordedEvent]:
    found = await LedgerQueries(database).query(LedgerQuery(action=REFUSED.action, limit=MOST))
    return list(reversed(found.events))


async def test_the_first_attempts_are_told_one_by_one(database: Database, repeats: Repeats) -> None:
    for _ in range(3):
        await repeats.append(REFUSED, by="visit", kind="a frame")
    assert [dict(one.detail) for one in await told(database)] == [
        {"path": "/pay"},
        {"path": "/pay", "times": 2},
        {"path": "/pay", "times": 3},
    ]


async def test_thousands_of_attempts_are_counted(database: Database, repeats: Repeats) -> None:
    for _ in range(4000):
        await repeats.append(REFUSED, by="visit", kind="a frame")
    times = [one.detail["times"] for one in (await told(database))[ONE_BY_ONE:]]
    assert times == [256, 512, 1024, 2048]


async def test_no_kind_is_lost_behind_another(database: Database, repeats: Repeats) -> None:
    for _ in range(1000):
        await repeats.append(REFUSED, by="visit", kind="a frame")
    before = len(await told(database))
    await repeats.append(REFUSED, by="visit", kind="a form")
    await repeats.append(REFUSED, by="another visit", kind="a frame")
    assert len(await told(database)) == before + 2


async def test_the_next_hour_is_told_anew(database: Database, repeats: Repeats, clock: FrozenClock) -> None:
    for _ in range(1000):
        await repeats.append(REFUSED, by="visit", kind="a frame")
    before = len(await told(database))
    clock.advance(WINDOW + timedelta(seconds=1))
    await repeats.append(REFUSED, by="visit", kind="a frame")
    assert "times" not in (await told(database))[before].detail
