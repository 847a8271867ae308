"""DESIGN §4.10: whatever somebody writes into a row, it is refused in words and recorded; nothing falls over."""

from typing import Any

import pytest
from sqlalchemy import ColumnElement, Table, delete, literal_column, select, update

from core.clock import FrozenClock
from core.database import Database
from tests.vault.test_items import keep, refused_as_tampered
from vault.heads import Heads, head_table, item_table
from vault.items import Items
from vault.keys.custody import KeyringCustodian
from vault.keys.sealing import Sealer
from vault.keys.signing import signing_key
from vault.keys.store import owner_key_table
from vault.ledger import Ledger
from vault.ledger.watch import LedgerWatch
from vault.recovery import Recovery
from vault.row_watch import RowWatch
from vault.rows import SignedRows
from vault.tickets import Tickets

pytestmark = pytest.mark.every_case

KEY_OF_A = owner_key_table.c.owner == "user:a"


@pytest.fixture
def recovery(database: Database, sealer: Sealer, heads: Heads, watch: LedgerWatch, row_watch: RowWatch) -> Recovery:
    return Recovery(database, sealer, heads, watch, row_watch)


async def restarted(
    database: Database, clock: FrozenClock, custodian: KeyringCustodian, ledger: Ledger
) -> tuple[Items, Sealer]:
    """The vault of a process that has no key in memory."""
    sealer = Sealer(database, custodian, "aes", clock)
    await sealer.prepare()
    heads = Heads(ledger, await signing_key(database, sealer, "heads"))
    return Items(database, clock, sealer, ledger, heads, Tickets(clock, SignedRows(sealer, ledger))), sealer


async def write(database: Database, table: Table, where: ColumnElement[bool], **values: Any) -> None:
    async with database.write() as connection:
        await connection.execute(update(table).where(where).values(**values))


async def test_a_key_of_an_unknown_suite_is_refused(
    database: Database, clock: FrozenClock, custodian: KeyringCustodian, ledger: Ledger, items: Items
) -> None:
    item = await keep(database, items)
    await write(database, owner_key_table, KEY_OF_A, suite="xxx")
    fresh, _ = await restarted(database, clock, custodian, ledger)
    await refused_as_tampered(database, fresh, item)


@pytest.mark.parametrize(
    ("table", "column"),
    [(item_table, "sealed_login"), (item_table, "sealed_secret"), (head_table, "digest"), (head_table, "signature")],
)
async def test_a_text_where_bytes_belong_is_refused(
    database: Database, clock: FrozenClock, items: Items, recovery: Recovery, table: Table, column: str
) -> None:
    item = await keep(database, items)
    # A text for SQLite; PostgreSQL lets nothing but bytes stand there.
    await write(database, table, table.c.owner == "user:a", **{column: literal_column("'not bytes'")})
    await refused_as_tampered(database, items, item)
    assert list(await recovery.check()) == ["user:a"]


async def test_the_check_opens_every_item_and_names_owners_whose_key_is_another_or_gone(
    database: Database, clock: FrozenClock, custodian: KeyringCustodian, ledger: Ledger, items: Items, heads: Heads
) -> None:
    for owner in ("user:a", "user:b", "user:c", "user:d"):
        await keep(database, items, owner)
    _, sealer = await restarted(database, clock, custodian, ledger)
    watch_rows = RowWatch(database, ledger, SignedRows(sealer, ledger))
    recovery = Recovery(database, sealer, heads, LedgerWatch(database, ledger), watch_rows)
    assert await recovery.check() == {}
    async with database.write() as connection:
        query = select(owner_key_table.c.wrapped).where(owner_key_table.c.owner == "user:b")
        await connection.execute(update(owner_key_table).where(KEY_OF_A).values(wrapped=await connection.scalar(query)))
        await connection.execute(delete(owner_key_table).where(owner_key_table.c.owner == "user:c"))
        await connection.execute(update(owner_key_table).where(owner_key_table.c.owner == "user:d").values(suite="xxx"))
    _, sealer = await restarted(database, clock, custodian, ledger)
    refused = await Recovery(database, sealer, heads, LedgerWatch(database, ledger), watch_rows).check()
    assert sorted(refused) == ["user:a", "user:c", "user:d"]
    assert all(why.startswith(owner) for owner, why in refused.items())
