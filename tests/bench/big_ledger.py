"""`python -m tests.bench.big_ledger URL [EVENTS]`: fills a new database with events, and prints what it takes to ask.

The database makes the events itself, without indexes and triggers, and builds those afterwards. The events are spread
over 200 days, 20,000 people, 159 systems and two dozen actions. They carry no genuine MAC, so they cannot be exported.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import quantiles

from sqlalchemy import text

from core.database import Database
from vault.ledger.counts import SPANS
from vault.ledger.queries import LedgerQueries
from vault.ledger.query import LedgerQuery
from vault.ledger.timeline import Timelines
from web.migrate import migrate

_ROUNDS = 20
_DAYS = 200
_NOW = datetime(2026, 11, 23, tzinfo=UTC)
# A hash that both databases can work out: spreads neighbours.
_SPREAD = "((n * 2654435761) % 4294967296)"

_EVENTS = """
INSERT INTO vault_ledger_event
    (id, recorded_at, action, result, actor, subject, system, client, session, address, request_id, reason, detail, mac)
SELECT {id}, {at},
    CASE WHEN r % 100 < 40 THEN 'oidc.token' WHEN r % 100 < 75 THEN 'oidc.authorize' WHEN r % 100 < 90 THEN 'launch'
        ELSE 'action.' || (r % 24) END,
    CASE WHEN r % 50 = 0 THEN 'failure' WHEN r % 30 = 0 THEN 'refused' ELSE 'success' END,
    'user:' || (r % 20000), 'session:' || r, 'system-' || (r % 159), 'client-' || (r % 159), 'sid-' || r,
    '10.' || (r % 4) || '.' || (r % 251) || '.' || (r % 241), 'request-' || n,
    CASE WHEN r % 50 = 0 THEN 'ERR-PASSWORD' END, '{{"scope":"openid profile"}}', {mac}
FROM (SELECT n, {spread} AS r FROM ({numbers}) AS numbers) AS spread
"""
_DIALECTS = {
    "postgresql": {
        "id": "lpad(n::text, 26, '0')",
        "at": "timestamptz '2026-11-23 00:00+00' - (:count - n) * make_interval(secs => :seconds)",
        "mac": "'\\x00'::bytea",
        "numbers": "SELECT n FROM generate_series(1::bigint, :count) AS g(n)",
    },
    "sqlite": {
        "id": "printf('%026d', n)",
        "at": "strftime('%Y-%m-%d %H:%M:%f000', julianday('2026-11-23') - (:count - n) * :seconds / 86400.0)",
        "mac": "x'00'",
        "numbers": "WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < :count) SELECT n FROM g",
    },
}
_EPOCH = {
    "postgresql": "floor(date_part('epoch', recorded_at))::bigint",
    "sqlite": "CAST(strftime('%s', recorded_at) AS INTEGER)",
}
_COUNTS = """
INSERT INTO vault_ledger_count (kind, seconds, start, result, number)
SELECT {kind}, {seconds}, {epoch} / {seconds} * {seconds}, result, count(*) FROM vault_ledger_event GROUP BY 1, 2, 3, 4
"""


async def fill(database: Database, count: int) -> None:
    await migrate(database)
    dialect = database.dialect
    async with database.schema() as connection:
        indexes = await connection.execute(
            text(
                "SELECT indexname, indexdef FROM pg_indexes WHERE indexname LIKE 'ix_vault_ledger_event_%'"
                if dialect == "postgresql"
                else "SELECT name, sql FROM sqlite_master WHERE name LIKE 'ix_vault_ledger_event_%'"
            )
        )
        made = {row[0]: row[1] for row in indexes}
        for name in made:
            await connection.execute(text(f"DROP INDEX {name}"))
        on = " ON vault_ledger_event" if dialect == "postgresql" else ""
        await connection.execute(text(f"DROP TRIGGER vault_ledger_event_waits{on}"))
        values = {"count": count, "seconds": _DAYS * 86400.0 / count}
        await connection.execute(text(_EVENTS.format(spread=_SPREAD, **_DIALECTS[dialect])), values)
        await connection.execute(
            text(
                "INSERT INTO vault_ledger_place (position, event_id) "
                "SELECT row_number() OVER (ORDER BY id) - 1, id FROM vault_ledger_event"
            )
        )
        for definition in made.values():
            await connection.execute(text(definition))
        for column, spans in SPANS.items():
            for seconds in spans:
                kind = f"'{column}:' || {column}" if column else "''"
                await connection.execute(text(_COUNTS.format(kind=kind, seconds=seconds, epoch=_EPOCH[dialect])))
        await connection.execute(text("INSERT INTO vault_ledger_counted VALUES ('events', :count)"), {"count": count})
    async with database.write() as connection:
        await connection.execute(text("ANALYZE" if dialect == "sqlite" else "VACUUM ANALYZE"), last=True)


QUERIES = {
    "everything": LedgerQuery(),
    "actor": LedgerQuery(actor="user:7777"),
    "system": LedgerQuery(system="system-7"),
    "action": LedgerQuery(action="launch"),
    "result": LedgerQuery(result="failure"),
    "action + result": LedgerQuery(action="oidc.token", result="failure"),
    "system + action + result": LedgerQuery(system="system-7", action="launch", result="refused"),
    "a day": LedgerQuery(since=_NOW - timedelta(days=100), until=_NOW - timedelta(days=99)),
    "a day + system": LedgerQuery(system="system-7", since=_NOW - timedelta(days=100), until=_NOW - timedelta(days=99)),
    "text, common": LedgerQuery(text="10.2."),
    "text, rare": LedgerQuery(text="request-77"),
    "text, nowhere": LedgerQuery(text="nothing has this"),
}


async def measure(database: Database, count: int) -> None:
    queries, timelines = LedgerQueries(database), Timelines(database)
    deep = f"{count // 2:026d}"
    print(f"{'ms, median / p95 of ' + str(_ROUNDS):34} {'first page':>14} {'deep page':>14} {'timeline':>14}")
    for name, query in QUERIES.items():
        cells = [
            await _timed(partial(queries.query, query)),
            await _timed(partial(queries.query, replace(query, cursor=deep))),
            await _timed(partial(timelines.of, query, 48)),
        ]
        print(f"{name:34} " + " ".join(f"{median:6.1f} /{p95:6.1f}" for median, p95 in cells), flush=True)

    async def backlog() -> None:
        async with database.scan() as connection:
            await queries.backlog(connection)

    print("backlog: {:.1f} / {:.1f}".format(*await _timed(backlog)))


async def _timed(ask: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    await ask()
    took = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        await ask()
        took.append((time.perf_counter() - began) * 1000)
    return sorted(took)[_ROUNDS // 2], quantiles(took, n=20)[-1]


async def main(url: str, count: int) -> None:
    database = Database(url)
    began = time.perf_counter()
    await fill(database, count)
    print(f"filled with {count} events in {time.perf_counter() - began:.0f} s", flush=True)
    await measure(database, count)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 10_000_000))
