"""The ledger's name is its own: made once, signed in every checkpoint, and nobody else's to say."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, insert, select, update

from core.clock import FrozenClock
from core.database import Database
from tests.vault.test_audit_file import lines_of
from vault.errors import VaultError
from vault.keys.sealing import Sealer
from vault.keys.signing import signing_key
from vault.ledger import Event, Ledger, merkle
from vault.ledger.audit_format import PURPOSE
from vault.ledger.checkpoints import Signer, VerifierKey
from vault.ledger.export import AuditFile
from vault.ledger.tree import checkpoint_table
from vault.ledger.verify import verify

OF_BEFORE = "localhost:8603/ledger"
DONE = Event("launch", "success", actor="user:u")


@pytest.fixture
async def key(database: Database, sealer: Sealer, ledger: Ledger) -> Ed25519PrivateKey:
    return await signing_key(database, sealer, "ledger")


async def started(database: Database, clock: FrozenClock, sealer: Sealer) -> Ledger:
    ledger = Ledger(database, clock, sealer)
    await ledger.start()
    return ledger


async def name_the_old_way(database: Database, clock: FrozenClock, key: Ed25519PrivateKey) -> None:
    """As a version left it that named the ledger after the issuer: nothing was signed before the first event."""
    async with database.write() as connection:
        signed = (await connection.execute(select(checkpoint_table).order_by(checkpoint_table.c.size))).all()
        await connection.execute(delete(checkpoint_table))
        for row in signed:
            root = VerifierKey(row.note.partition("\n")[0], key.public_key()).verify(row.note).root
            if row.size:
                note = Signer(OF_BEFORE, key).sign(row.size, root)
                await connection.execute(
                    insert(checkpoint_table).values(size=row.size, note=note, signed_at=clock.now())
                )


async def test_the_first_start_makes_a_name_and_every_later_one_keeps_it(
    database: Database, clock: FrozenClock, sealer: Sealer, ledger: Ledger
) -> None:
    assert (await started(database, clock, sealer)).public_key() == ledger.public_key()
    await ledger.append(DONE)
    await ledger.sequence()
    again = await started(database, clock, sealer)
    assert again.public_key() == ledger.public_key()
    assert await again.sequence() == 0
    assert (await again.health()).verified


async def test_an_empty_ledger_is_signed_under_its_name(database: Database, ledger: Ledger) -> None:
    async with database.read() as connection:
        note = await ledger.checkpoint(connection)
    assert note is not None
    assert (ledger.signer.verifier.verify(note).size, (await ledger.health()).verified) == (0, True)
    assert verify(await lines_of(AuditFile(database, ledger).export()), ledger.signer.verifier).is_good


async def test_a_ledger_of_before_keeps_the_name_that_it_signed_with(
    database: Database, clock: FrozenClock, sealer: Sealer, ledger: Ledger, key: Ed25519PrivateKey
) -> None:
    await ledger.append(DONE)
    await ledger.sequence()
    await name_the_old_way(database, clock, key)
    upgraded = await started(database, clock, sealer)
    assert upgraded.signer.verifier.name == OF_BEFORE
    await upgraded.append(DONE)
    assert await upgraded.sequence() == 1
    lines = await lines_of(AuditFile(database, upgraded).export())
    assert verify(lines, VerifierKey(OF_BEFORE, key.public_key())).is_good


@pytest.mark.parametrize("planted", ["of another key", "an export's end", "no note"])
async def test_a_planted_checkpoint_names_nothing(
    database: Database, clock: FrozenClock, sealer: Sealer, ledger: Ledger, key: Ed25519PrivateKey, planted: str
) -> None:
    notes = {
        "of another key": Signer("evil/ledger", Ed25519PrivateKey.generate()).sign(9, merkle.EMPTY_ROOT),
        "an export's end": ledger.signer.named(PURPOSE).sign(9, merkle.EMPTY_ROOT),
        "no note": "evil/ledger",
    }
    async with database.write() as connection:
        await connection.execute(insert(checkpoint_table).values(size=9, note=notes[planted], signed_at=clock.now()))
    again = await started(database, clock, sealer)
    assert again.public_key() == ledger.public_key()
    with pytest.raises(VaultError, match="ERR-LEDGER"):
        await again.sequence()


async def test_where_every_checkpoint_was_spoiled_nothing_is_placed_until_one_is_back(
    database: Database, clock: FrozenClock, sealer: Sealer, ledger: Ledger
) -> None:
    async with database.write() as connection:
        whole = await ledger.checkpoint(connection)
        await connection.execute(update(checkpoint_table).values(note="evil/ledger"))
    spoiled = await started(database, clock, sealer)
    with pytest.raises(VaultError, match="ERR-LEDGER_CHECKPOINT"):
        await spoiled.sequence()
    async with database.write() as connection:
        await connection.execute(update(checkpoint_table).values(note=whole))
    assert (await started(database, clock, sealer)).public_key() == ledger.public_key()
    assert await ledger.sequence() == 1  # the alarm
