from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.clock import FrozenClock
from core.database import Database
from vault.custody import KeyringCustodian, open_custodian
from vault.heads import Heads
from vault.items import Items
from vault.ledger import Ledger
from vault.sealing import Sealer
from vault.signing import signing_key
from vault.tickets import Tickets


@pytest.fixture
def custodian(tmp_path: Path) -> KeyringCustodian:
    return open_custodian("keyfile", key_file=tmp_path / "keys" / "root.key", credential_dir=None)


@pytest.fixture
async def sealer(database: Database, custodian: KeyringCustodian, clock: FrozenClock) -> Sealer:
    sealer = Sealer(database, custodian, "aes", clock)
    await sealer.prepare()
    return sealer


@pytest.fixture
async def ledger(database: Database, clock: FrozenClock, sealer: Sealer) -> AsyncIterator[Ledger]:
    ledger = Ledger(database, clock, sealer, "yimen.test/ledger")
    await ledger.start()
    yield ledger
    await ledger.stop()


@pytest.fixture
async def items(database: Database, clock: FrozenClock, sealer: Sealer, ledger: Ledger) -> Items:
    heads = Heads(ledger, await signing_key(database, sealer, "heads"))
    return Items(database, clock, sealer, ledger, heads, Tickets(clock))
