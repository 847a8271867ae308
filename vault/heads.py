"""The signed head of an owner: what the owner's items are, all of them, and nothing older.

A head covers a counter and the digest of every item's identity, version and sealed bytes. Its counter and digest also
stand in the ledger event of the write, so putting back an old item together with its old head is found too.
"""

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import UtcDateTime, metadata
from vault.errors import VaultError
from vault.keys import encode_fields
from vault.ledger import Ledger

# The events that carry a head. Their subject is the owner.
HEAD_ACTIONS = ("vault.add", "vault.replace", "vault.remove", "vault.rotate")

item_table = Table(
    "vault_item",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("owner", String(128), nullable=False, index=True),
    Column("system", String(64), nullable=False, index=True),
    Column("label", String(60), nullable=False),
    Column("masked_login", String(200), nullable=False),
    Column("version", Integer, nullable=False),
    Column("sealed_login", LargeBinary, nullable=False),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("state", String(8), nullable=False),
    Column("frozen_reason", String(64)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime),
    Column("last_result", String(16)),
)

head_table = Table(
    "vault_head",
    metadata,
    Column("owner", String(128), primary_key=True),
    Column("counter", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)


def item_digest(system: str, version: int, sealed_login: bytes, sealed_secret: bytes) -> bytes:
    """What the head knows of one item's content."""
    content = hashlib.sha256(len(sealed_login).to_bytes(4, "big") + sealed_login + sealed_secret)
    return hashlib.sha256(encode_fields(system, version) + content.digest()).digest()


class Heads:
    def __init__(self, ledger: Ledger, signing_key: Ed25519PrivateKey) -> None:
        self._ledger = ledger
        self._signing_key = signing_key
        self._public_key = signing_key.public_key()

    async def lock(self, connection: AsyncConnection, owner: str) -> int:
        """Takes the owner's head for this unit of work and gives its counter; 0 for a new owner."""
        query = select(head_table.c.counter).where(head_table.c.owner == owner).with_for_update()
        return await connection.scalar(query) or 0

    async def advance(self, connection: AsyncConnection, owner: str, counter: int) -> dict[str, str | int]:
        """Signs the head of the owner's items as they now stand; gives the detail of the write's ledger event."""
        digest = await self._digest(connection, owner)
        signature = self._signing_key.sign(self._message(owner, counter + 1, digest))
        values = {"counter": counter + 1, "digest": digest, "signature": signature}
        if counter == 0:
            await connection.execute(insert(head_table).values(owner=owner, **values))
        else:
            await connection.execute(update(head_table).where(head_table.c.owner == owner).values(**values))
        return {"head": counter + 1, "digest": digest.hex()}

    async def verify(self, connection: AsyncConnection, owner: str) -> None:
        """Raises ERR-ITEM_TAMPERED unless items, head and ledger tell the same story."""
        head = (await connection.execute(select(head_table).where(head_table.c.owner == owner))).one_or_none()
        if head is None:
            raise _tampered(owner, "the head is missing")
        try:
            self._public_key.verify(head.signature, self._message(owner, head.counter, head.digest))
        except InvalidSignature:
            raise _tampered(owner, "the head's signature is wrong") from None
        if await self._digest(connection, owner) != head.digest:
            raise _tampered(owner, "the items are not those of the head")
        event = await self._ledger.latest(connection, HEAD_ACTIONS, owner)
        told = (event.detail.get("head"), event.detail.get("digest")) if event else None
        if told != (head.counter, head.digest.hex()):
            raise _tampered(owner, "the head is not the newest that the ledger knows")

    async def _digest(self, connection: AsyncConnection, owner: str) -> bytes:
        rows = await connection.execute(
            select(item_table.c.id, item_table.c.digest).where(item_table.c.owner == owner).order_by(item_table.c.id)
        )
        whole = hashlib.sha256()
        for item_id, digest in rows:
            whole.update(encode_fields(item_id) + digest)
        return whole.digest()

    @staticmethod
    def _message(owner: str, counter: int, digest: bytes) -> bytes:
        return encode_fields("yimen-head/1", owner, counter) + digest


def _tampered(owner: str, why: str) -> VaultError:
    return VaultError("ERR-ITEM_TAMPERED", f"{owner}: {why}", status=409)
