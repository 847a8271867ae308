"""Asking the ledger: filters, pages, the timeline, and what each costs."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import insert, text
from sqlalchemy.dialects import postgresql, sqlite

from core.clock import FrozenClock
from core.database import Database
from vault.ledger import Event, Ledger
from vault.ledger.events import Result, event_table
from vault.ledger.queries import LedgerQueries, LedgerQuery, page_statement


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


async def test_the_timeline_counts_every_event_once(filled: LedgerQueries) -> None:
    buckets = await filled.timeline(LedgerQuery(), 10)
    assert len(buckets) == 10
    assert sum(bucket.success for bucket in buckets) == 20
    assert sum(bucket.refused for bucket in buckets) == 10
    assert sum(bucket.failure for bucket in buckets) == 0
    assert all(first.start < second.start for first, second in pairwise(buckets))
    assert await filled.timeline(LedgerQuery(actor="nobody"), 10) == []


@pytest.mark.parametrize(
    "query",
    [
        LedgerQuery(),
        LedgerQuery(actor="user:a7"),
        LedgerQuery(system="s7"),
        LedgerQuery(action="launch", cursor="00005"),
        LedgerQuery(result="failure"),
    ],
    ids=["everything", "actor", "system", "action", "result"],
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
    statement = page_statement(query).limit(50)
    explain = "EXPLAIN QUERY PLAN " if database.dialect == "sqlite" else "EXPLAIN "
    dialect = sqlite.dialect() if database.dialect == "sqlite" else postgresql.dialect()  # type: ignore[no-untyped-call]
    async with database.read() as connection:
        compiled = statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
        plan = " ".join(str(row) for row in await connection.execute(text(explain + str(compiled))))
    assert "INDEX" in plan.upper()
    assert "SEQ SCAN" not in plan.upper()
    assert "TEMP B-TREE" not in plan.upper()
