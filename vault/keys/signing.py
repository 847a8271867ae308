"""Named Ed25519 signing keys of Yimen's own, sealed in the database, made at first use."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Column, String, Table, select

from core.database import Bytes, Database, insert_if_absent, metadata
from core.integrity import guarded
from vault.keys.sealing import Binding, Sealer

signing_key_table = Table(
    "vault_signing_key",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("sealed", Bytes, nullable=False),
    info=guarded(by="the envelope, which binds the key to its name"),
)


async def signing_key(database: Database, sealer: Sealer, name: str) -> Ed25519PrivateKey:
    """The private key of that name. Of several processes that start together, exactly one makes it."""
    binding = Binding("vault:signing", "signing-key", name, 1, "ed25519/1")
    async with database.write() as connection:
        query = select(signing_key_table.c.sealed).where(signing_key_table.c.name == name)
        sealed = await connection.scalar(query)
        if sealed is None:
            fresh = await sealer.seal(connection, binding, Ed25519PrivateKey.generate().private_bytes_raw())
            written = await insert_if_absent(connection, signing_key_table, name=name, sealed=fresh)
            sealed = fresh if written else (await connection.scalars(query)).one()
        with await sealer.open(connection, binding, sealed) as raw:
            return Ed25519PrivateKey.from_private_bytes(bytes(raw))
