import pytest

from core.clock import FrozenClock
from core.database import Database
from vault.heads import Heads
from vault.items import Items
from vault.keys.sealing import Sealer
from vault.keys.signing import signing_key
from vault.ledger import Ledger
from vault.ledger.watch import LedgerWatch
from vault.row_watch import RowWatch
from vault.rows import SignedRows
from vault.tickets import Tickets


@pytest.fixture
async def heads(database: Database, sealer: Sealer, ledger: Ledger) -> Heads:
    return Heads(ledger, await signing_key(database, sealer, "heads"))


@pytest.fixture
async def items(
    database: Database, clock: FrozenClock, sealer: Sealer, ledger: Ledger, heads: Heads, rows: SignedRows
) -> Items:
    return Items(database, clock, sealer, ledger, heads, Tickets(clock, rows))


@pytest.fixture
def row_watch(database: Database, ledger: Ledger, rows: SignedRows) -> RowWatch:
    return RowWatch(database, ledger, rows)


@pytest.fixture
def watch(database: Database, ledger: Ledger) -> LedgerWatch:
    return LedgerWatch(database, ledger)
