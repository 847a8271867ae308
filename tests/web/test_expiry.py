"""What is over is deleted in portions, while everybody else goes on."""

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import pytest
from sqlalchemy import Table, func, select, text

import web.tables  # noqa: F401 - declares every table
from core.clock import FrozenClock
from core.database import Connection, Database, metadata
from core.expiry import PORTION, Expiry, expiry_of
from sso.oidc.revocation import revoked_token_table
from vault.ledger import Event, Ledger

MANY = 100_000
FORGOTTEN = [table for table in metadata.sorted_tables if expiry_of(table) is not None]


class Counted(Database):
    """Counts its units of work that write."""

    units = 0

    def write(self) -> AbstractAsyncContextManager[Connection]:
        self.units += 1
        return super().write()


async def fill(database: Database, clock: FrozenClock, count: int) -> None:
    """Tokens that were over a minute ago, and one that is not."""
    numbers = "SELECT n FROM generate_series(1, :count) AS g(n)"
    digest = "decode(lpad(to_hex(n), 64, '0'), 'hex')"
    if database.dialect == "sqlite":
        numbers = "WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < :count) SELECT n FROM g"
        digest = "CAST(printf('%032d', n) AS BLOB)"
    over = revoked_token_table.insert().values(digest=b"over", expires_at=clock.now() - timedelta(minutes=1))
    live = revoked_token_table.insert().values(digest=b"live", expires_at=clock.now() + timedelta(minutes=1))
    copied = (
        f"INSERT INTO {revoked_token_table.name} (digest, expires_at) "
        f"SELECT {digest}, (SELECT expires_at FROM {revoked_token_table.name}) FROM ({numbers}) AS numbers"
    )
    async with database.write() as connection:
        await connection.execute(over)
        await connection.execute(text(copied), {"count": count - 1})
        await connection.execute(live)


async def test_a_hundred_thousand_rows_go_in_portions_while_others_read_and_write(
    database_url: str, database: Database, clock: FrozenClock, ledger: Ledger
) -> None:
    await fill(database, clock, MANY)
    counted = Counted(database_url)
    forgetting = asyncio.ensure_future(Expiry(counted, clock, pause=0).run())
    written = 0
    while not forgetting.done():
        await ledger.append(Event(action="launch", result="success"))
        written += 1
        async with database.read() as connection:
            assert await connection.scalar(select(revoked_token_table).where(revoked_token_table.c.digest == b"live"))
    assert await forgetting == MANY
    assert counted.units == MANY // PORTION + len(FORGOTTEN)
    assert written > 0
    async with database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(revoked_token_table)) == 1
    await counted.close()


def test_every_table_whose_rows_expire_says_when_they_are_forgotten() -> None:
    expiring = {table.name for table in metadata.sorted_tables if "expires_at" in table.c}
    assert expiring <= {table.name for table in FORGOTTEN}


@pytest.mark.parametrize("table", FORGOTTEN, ids=lambda table: table.name)
def test_what_is_over_is_found_by_an_index(table: Table) -> None:
    declared = expiry_of(table)
    assert declared is not None
    assert any(next(iter(index.columns)).name == declared.column for index in table.indexes)
