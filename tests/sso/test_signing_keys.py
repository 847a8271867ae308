"""The keys that speak for every cadre: what a database writer puts beside them is not believed (DESIGN §4.9)."""

from typing import Any

import pytest
from joserfc.jwk import ECKey
from sqlalchemy import insert, select, update

from core.clock import FrozenClock
from core.database import Database
from sso.oidc.keys import SigningKeys, signing_key_table
from vault.errors import VaultError
from vault.keys.sealing import Sealer
from vault.ledger import Ledger
from vault.ledger.events import event_table
from vault.rows import SignedRows


@pytest.fixture
async def keys(database: Database, clock: FrozenClock, sealer: Sealer, ledger: Ledger, rows: SignedRows) -> SigningKeys:
    keys = SigningKeys(database, clock, sealer, ledger, rows)
    await keys.start()
    return keys


async def row_of(database: Database, alg: str) -> dict[str, Any]:
    query = select(signing_key_table).where(signing_key_table.c.alg == alg)
    async with database.read() as connection:
        return dict((await connection.execute(query)).one()._mapping)


async def tampering(database: Database) -> list[str]:
    async with database.read() as connection:
        query = select(event_table.c.subject).where(event_table.c.action == "vault.tamper")
        return [str(subject) for subject in await connection.scalars(query)]


def planted_public(kid: str) -> dict[str, Any]:
    members = ECKey.generate_key("P-256").as_dict(private=False)
    return {**members, "kid": kid, "use": "sig", "alg": "ES256"}


async def test_what_is_published_is_the_public_half_of_what_signs(keys: SigningKeys, database: Database) -> None:
    row = await row_of(database, "ES256")
    assert row["public"] in keys.jwks()["keys"]
    assert not {"d", "p", "q"} & {name for key in keys.jwks()["keys"] for name in key}


async def test_a_public_key_put_in_the_place_of_ours_stops_the_start_and_is_recorded_once(
    keys: SigningKeys, database: Database, clock: FrozenClock, sealer: Sealer, ledger: Ledger, rows: SignedRows
) -> None:
    kid = keys.signing_key("ES256").kid
    async with database.write() as connection:
        ours = signing_key_table.c.kid == kid
        await connection.execute(update(signing_key_table).where(ours).values(public=planted_public(kid)))
    for _ in range(2):
        restarted = SigningKeys(database, clock, sealer, ledger, rows)
        with pytest.raises(VaultError, match="ERR-SEAL"):
            await restarted.start()
        assert restarted.verification_key(kid) is None
    assert await tampering(database) == ["signing-keys"]


async def test_a_planted_row_is_refused_at_the_next_refresh(keys: SigningKeys, database: Database) -> None:
    row = await row_of(database, "ES256")
    planted = {**row, "kid": "0" * 26, "generation": "planted", "public": planted_public("0" * 26)}
    async with database.write() as connection:
        await connection.execute(insert(signing_key_table).values(**planted))
    database.changes.note_all()
    with pytest.raises(VaultError, match="ERR-SEAL"):
        await keys.refresh()
    assert keys.verification_key("0" * 26) is None
    assert keys.verification_key(row["kid"]) is not None
    assert await tampering(database) == ["signing-keys"]
