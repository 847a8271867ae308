"""Asking the ledger: filters, pages, the timeline, and what each costs."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Select, insert, text
from sqlalchemy.dialects import postgresql, sqlite

from core.clock import FrozenClock
from core.database import Connection, Database
from vault.ledger import Event, Ledger
from vault.ledger.counts import Counts
from vault.ledger.events import Result, event_table
from vault.ledger.queries import LedgerQueries
from vault.ledger.query import LedgerQuery, candidates_of
from vault.ledger.timeline import Bucket, Timelines

pytestmark = pytest.mark.every_case


@pytest.fixture
async def filled(database: Database, clock: FrozenClock, ledger: Ledger) -> LedgerQueries:
    """Thirty events, one a minute: a launch by lin, a launch by wang, a refused sign-in, and so on."""
    for number in range(30):
        kinds: tuple[tuple[str, Result, str], ...] = (
            ("launch", "success", "user:lin"),
            ("launch", "success", "user:wang"),
            ("sign_in", "refused", "user:lin"),
        )
        action, result, actor = kinds[number % 3]
        await ledger.append(
            Event(
                action=action,
                result=result,
                actor=actor,
                system="s1" if number < 15 else "s2",
                address=f"10.0.0.{number}",
            )
        )
        clock.advance(timedelta(minutes=1))
    return LedgerQueries(database)


async def test_events_come_newest_first_page_by_page(filled: LedgerQueries) -> None:
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = await filled.query(LedgerQuery(cursor=cursor, limit=7))
        seen += [event.address or "" for event in page.events]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [f"10.0.0.{number}" for number in reversed(range(30))]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        (LedgerQuery(actor="user:wang"), 10),
        (LedgerQuery(system="s2", result="refused"), 5),
        (LedgerQuery(action="launch", actor="user:lin"), 10),
        (LedgerQuery(text="10.0.0.29"), 1),
        (LedgerQuery(text="%"), 0),
        (LedgerQuery(actor="nobody"), 0),
    ],
)
async def test_filters_narrow(filled: LedgerQueries, query: LedgerQuery, count: int) -> None:
    assert len((await filled.query(query)).events) == count


async def test_times_bound_what_is_found(filled: LedgerQueries, clock: FrozenClock) -> None:
    since = clock.now() - timedelta(minutes=10)
    assert len((await filled.query(LedgerQuery(since=since))).events) == 10
    assert len((await filled.query(LedgerQuery(until=since - timedelta(seconds=1)))).events) == 20


async def test_the_timeline_counts_every_event_once(database: Database, ledger: Ledger, filled: LedgerQueries) -> None:
    timelines, counts = Timelines(database), Counts(database)
    for placing in (counts.run, ledger.sequence, counts.run, counts.run):
        assert_thirty((await timelines.of(LedgerQuery(), 10)).buckets)
        await placing()
    assert_thirty((await timelines.of(LedgerQuery(), 10)).buckets)
    assert (await timelines.of(LedgerQuery(actor="nobody"), 10)).buckets == []


def assert_thirty(buckets: Sequence[Bucket]) -> None:
    assert len(buckets) == 10
    assert sum(bucket.success for bucket in buckets) == 20
    assert sum(bucket.refused for bucket in buckets) == 10
    assert sum(bucket.failure for bucket in buckets) == 0
    assert all(first.start < second.start for first, second in pairwise(buckets))


@pytest.mark.parametrize(
    ("query", "count"),
    [
        (LedgerQuery(system="s1"), 15),
        (LedgerQuery(action="sign_in"), 10),
        (LedgerQuery(system="s1", result="refused"), 5),
        (LedgerQuery(actor="user:lin", action="launch"), 10),
        (LedgerQuery(result="refused"), 10),
        (LedgerQuery(text="10.0.0.2"), 11),
    ],
)
@pytest.mark.parametrize("days", [0, 1, 60], ids=["minutes", "hours", "days"])
async def test_a_timeline_is_the_same_out_of_counts_and_out_of_events(
    database: Database,
    clock: FrozenClock,
    ledger: Ledger,
    filled: LedgerQueries,
    query: LedgerQuery,
    count: int,
    days: int,
) -> None:
    clock.advance(timedelta(days=days))
    await ledger.append(Event(action="other", result="success"))
    await ledger.sequence()
    await Counts(database).run()
    spread = replace(query, since=clock.now() - timedelta(days=days, minutes=30), until=clock.now())
    timeline = await Timelines(database).of(spread, 48)
    assert sum(one.success + one.failure + one.refused for one in timeline.buckets) == count
    assert timeline.counted_since is None


async def test_what_is_rare_is_found_however_far_back_it_is_and_what_is_common_says_how_far_it_looked(
    filled: LedgerQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vault.ledger.query.WINDOW", 7)
    seen: list[str] = []
    query, rounds = LedgerQuery(text="10.0.0.2", limit=3), 0
    while True:
        page = await filled.query(query)
        seen += [event.address or "" for event in page.events]
        rounds += 1
        if page.next_cursor is None:
            break
        assert page.searched_to is not None or len(page.events) == 3
        query = replace(query, cursor=page.next_cursor)
    assert sorted(seen) == sorted(["10.0.0.2", *(f"10.0.0.{number}" for number in range(20, 30))])
    assert rounds > 4


async def test_pages_name_the_place_of_an_event(ledger: Ledger, filled: LedgerQueries) -> None:
    await ledger.sequence()
    page = await filled.query(LedgerQuery(actor="user:wang", action="launch", limit=3))
    assert [event.position for event in page.events] == [28, 25, 22]


async def test_two_processes_count_no_event_twice(database: Database, ledger: Ledger, filled: LedgerQueries) -> None:
    await ledger.sequence()
    await asyncio.gather(Counts(database).run(), Counts(database).run())
    assert_thirty((await Timelines(database).of(LedgerQuery(), 10)).buckets)


@pytest.mark.parametrize(
    "query",
    [
        LedgerQuery(),
        LedgerQuery(actor="user:a7"),
        LedgerQuery(system="s7"),
        LedgerQuery(action="launch", cursor="00005"),
        LedgerQuery(result="failure"),
        LedgerQuery(result="failure", action="launch", actor="user:a7"),
        LedgerQuery(text="a"),
        LedgerQuery(since=datetime(2026, 11, 23, tzinfo=UTC), until=datetime(2026, 11, 24, tzinfo=UTC)),
    ],
    ids=["everything", "actor", "system", "action", "result", "several", "text", "time"],
)
async def test_a_page_reads_an_index_and_never_the_whole_table(
    database: Database, ledger: Ledger, clock: FrozenClock, query: LedgerQuery
) -> None:
    rows: list[dict[str, Any]] = [
        {
            "id": f"{number:026d}",
            "recorded_at": clock.now(),
            "action": "launch" if number % 100 == 0 else "oidc.token",
            "result": "failure" if number % 500 == 0 else "success",
            "actor": f"user:a{number % 50}",
            "system": f"s{number % 50}",
            "detail": {},
            "mac": b"",
        }
        for number in range(20_000)
    ]
    async with database.write() as connection:
        await connection.execute(insert(event_table), rows)
        await connection.execute(text("ANALYZE"))
    async with database.read() as connection:
        candidates = await candidates_of(connection, query)
        page = candidates.fitting().limit(50)
        plan = await plan_of(connection, page)
    assert "INDEX" in plan
    assert "SEQ SCAN" not in plan
    # What was looked at may be sorted: it is a window, not the table.
    assert "TEMP B-TREE" not in plan or "CO-ROUTINE" in plan


async def plan_of(connection: Connection, statement: Select[Any]) -> str:
    explain = "EXPLAIN QUERY PLAN " if connection.dialect == "sqlite" else "EXPLAIN "
    dialect = sqlite.dialect() if connection.dialect == "sqlite" else postgresql.dialect()  # type: ignore[no-untyped-call]
    compiled = statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    return " ".join(str(row) for row in await connection.execute(text(explain + str(compiled)))).upper()
