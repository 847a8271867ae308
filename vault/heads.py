"""The signed head of an owner: what the owner's items are, all of them, and nothing older.

A head covers a counter and a digest of every item: all of it but three times that are only shown. Counter and digest
also stand in the ledger event of the write, so putting back an old item together with its old head is found too.
Who deletes or changes that newest event as well leaves a hole in the tree (`ledger_watch`), and is refused at once by
every process that has seen the newer head.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import BigInteger, Column, Integer, Row, String, Table, bindparam, select, update

from core.database import Bytes, Connection, Prepared, UtcDateTime, insert_if_absent, metadata
from core.integrity import guarded
from vault.errors import VaultError
from vault.keys.store import encode_fields
from vault.ledger import Event, Ledger, RecordedEvent
from vault.ledger.events import event_table

# The events that carry a head. Their subject is the owner.
HEAD_ACTIONS = (
    *("vault.add", "vault.replace", "vault.remove", "vault.rotate", "vault.reset"),
    *("vault.freeze", "vault.note", "vault.rebind", "vault.adopt"),
)
_MOST_REMEMBERED = 10_000
COVERED = (
    *("id", "system", "version", "destination", "label", "masked_login", "state", "frozen_reason", "last_result"),
)
# How refusals of what stands in the database are called.
TAMPERED = ("ERR-ITEM_TAMPERED", "ERR-SEAL", "ERR-LEDGER_TAMPERED")
_NO_ITEMS = hashlib.sha256().digest()

item_table = Table(
    "vault_item",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("owner", String(128), nullable=False, index=True),
    Column("system", String(64), nullable=False, index=True),
    Column("label", String(60), nullable=False),
    Column("masked_login", String(200), nullable=False),
    Column("version", Integer, nullable=False),
    # Where the secret may go, in the words of the floors above; sealed with it. NULL only before an upgrade's signing.
    Column("destination", String(1500)),
    Column("sealed_login", Bytes, nullable=False),
    Column("sealed_secret", Bytes, nullable=False),
    Column("state", String(8), nullable=False),
    Column("frozen_reason", String(64)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime),
    Column("last_result", String(16)),
    info=guarded(by="the owner's head, but for created_at, updated_at and last_used_at: they are only shown"),
)

head_table = Table(
    "vault_head",
    metadata,
    Column("owner", String(128), primary_key=True),
    Column("counter", BigInteger, nullable=False),
    Column("digest", Bytes, nullable=False),
    Column("signature", Bytes, nullable=False),
    info=guarded(by="its signature, and the ledger's event that tells of the newest one"),
)

_BY_ID = Prepared(select(item_table).where(item_table.c.id == bindparam("wanted")))
_OF_OWNER = select(head_table).where(head_table.c.owner == bindparam("wanted"))
_LOCKED = Prepared(_OF_OWNER.with_for_update())
_READ = Prepared(_OF_OWNER.with_for_update(read=True))
_CONTENT = Prepared(
    select(*(item_table.c[name] for name in (*COVERED, "sealed_login", "sealed_secret")))
    .where(item_table.c.owner == bindparam("wanted"))
    .order_by(item_table.c.id)
)


@dataclass(frozen=True)
class Head:
    """An owner's head as a unit of work found it. `event_id` names the ledger's event that tells of it; "" when new."""

    owner: str
    counter: int
    event_id: str


class Heads:
    def __init__(self, ledger: Ledger, signing_key: Ed25519PrivateKey) -> None:
        self._ledger = ledger
        self._signing_key = signing_key
        self._public_key = signing_key.public_key()
        # The newest event id of each owner that this process has verified: what the database cannot roll back.
        self._seen: dict[str, str] = {}

    async def lock(self, connection: Connection, owner: str) -> Head:
        """Takes the owner's head for a write, until this unit of work ends; a new owner's too.

        Raises ERR-ITEM_TAMPERED as `verify` does: a write signs all items of the owner, so it must never find one that
        somebody else put there.
        """
        return await self._verified(connection, await self._locked_row(connection, owner))

    async def lock_unverified(self, connection: Connection, owner: str) -> Head:
        """Takes the head whatever stands there; for a write that leaves nothing of it."""
        row = await self._locked_row(connection, owner)
        try:
            event = await self._ledger.latest(connection, HEAD_ACTIONS, owner)
        except VaultError:  # not our event: what it tells counts for nothing
            event = None
        if event is None:
            return Head(owner, row.counter, "")
        return Head(owner, max(row.counter, _counter(event)), event.id)

    async def lock_unbound(self, connection: Connection, owner: str) -> Head:
        """As `lock`, for a head of before items had a destination. Raises ERR-ITEM_TAMPERED."""
        row = await self._locked_row(connection, owner)
        event = await self._ledger.latest(connection, HEAD_ACTIONS, owner)
        return self._signed(row, await _digest_before_destinations(connection, owner), event)

    async def advance(
        self,
        connection: Connection,
        head: Head,
        action: str,
        *,
        actor: str,
        system: str | None = None,
        **detail: str | int,
    ) -> None:
        """Ends a write: signs the owner's items as they stand now, and tells the ledger what was done.

        The event sorts after the one of the head before it, though another replica with a faster clock wrote that.
        """
        digest = await self._digest(connection, head.owner)
        counter = head.counter + 1
        signature = self._signing_key.sign(self._message(head.owner, counter, digest))
        await connection.execute(
            update(head_table)
            .where(head_table.c.owner == head.owner)
            .values(counter=counter, digest=digest, signature=signature)
        )
        event = Event(
            action=action,
            result="success",
            actor=actor,
            subject=head.owner,
            system=system,
            detail={**detail, "head": counter, "digest": digest.hex()},
        )
        await self._ledger.record(connection, event, after=head.event_id)

    async def verify(self, connection: Connection, owner: str) -> None:
        """Raises ERR-ITEM_TAMPERED unless items, head and ledger tell the same story.

        Until this unit of work ends nobody writes to the owner's items, so what is read next is what was verified.
        """
        row = (await connection.execute(_READ, {"wanted": owner})).one_or_none()
        if row is None:
            raise _tampered(owner, "the head is missing")
        self.saw(await self._verified(connection, row))

    def agreed(self, head: Row[Any], digest: bytes, event: RecordedEvent | None) -> Head:
        """The head of a row, of all items of its owner (`digest_of`), and of the newest genuine event about them.

        Raises ERR-ITEM_TAMPERED unless they tell the same story.
        """
        agreed = self._signed(head, digest, event)
        if self.is_old(agreed):
            raise _tampered(agreed.owner, "the head is older than one that this process has seen")
        return agreed

    def is_old(self, head: Head) -> bool:
        """True for a head of before one that this process has seen."""
        # Ids ascend from write to write, so an older one means that the newer event is gone.
        return head.event_id < self._seen.get(head.owner, "")

    def saw(self, head: Head) -> None:
        """Remembers a head that is committed; not one that is locked, which may be of this very unit of work and be
        undone."""
        if self._seen.get(head.owner) == head.event_id:
            return
        while len(self._seen) >= _MOST_REMEMBERED:
            del self._seen[next(iter(self._seen))]
        self._seen[head.owner] = head.event_id

    async def owners(self, connection: Connection) -> list[str]:
        """Everybody who has items or a head, or had one that the ledger knows of."""
        had = select(event_table.c.subject).where(event_table.c.action == "vault.add")
        query = select(head_table.c.owner).union(select(item_table.c.owner), had)
        return sorted((await connection.scalars(query)).all())

    async def _locked_row(self, connection: Connection, owner: str) -> Row[Any]:
        await insert_if_absent(connection, head_table, owner=owner, counter=0, digest=_NO_ITEMS, signature=b"")
        row: Row[Any] = (await connection.execute(_LOCKED, {"wanted": owner})).one()
        return row

    async def _verified(self, connection: Connection, row: Row[Any]) -> Head:
        event = await self._ledger.latest(connection, HEAD_ACTIONS, row.owner)
        return self.agreed(row, await self._digest(connection, row.owner), event)

    def _signed(self, head: Row[Any], digest: bytes, event: RecordedEvent | None) -> Head:
        if digest != head.digest:
            raise _tampered(head.owner, "the items are not those of the head")
        if head.counter == 0 and event is None and head.digest == _NO_ITEMS:
            return Head(head.owner, 0, "")
        try:
            self._public_key.verify(head.signature, self._message(head.owner, head.counter, head.digest))
        except InvalidSignature:
            raise _tampered(head.owner, "the head's signature is wrong") from None
        if event is None or (_counter(event), event.detail.get("digest")) != (head.counter, head.digest.hex()):
            raise _tampered(head.owner, "the head is not the newest that the ledger knows")
        return Head(head.owner, head.counter, event.id)

    async def _digest(self, connection: Connection, owner: str) -> bytes:
        return digest_of(await connection.execute(_CONTENT, {"wanted": owner}))

    @staticmethod
    def _message(owner: str, counter: int, digest: bytes) -> bytes:
        return encode_fields("yimen-head/1", owner, counter) + digest


async def item_row(connection: Connection, item_id: str) -> Row[Any]:
    """Raises ERR-ITEM when there is none."""
    row: Row[Any] | None = (await connection.execute(_BY_ID, {"wanted": item_id})).one_or_none()
    if row is None:
        raise VaultError("ERR-ITEM", f"no item {item_id}", status=404)
    return row


def tampering(error: VaultError, actor: str, subject: str) -> Event:
    """What the ledger tells of a refusal of `TAMPERED`."""
    return Event(
        action="vault.tamper",
        result="failure",
        actor=actor,
        subject=subject,
        reason=error.code,
        detail={"detail": error.detail},
    )


def digest_of(items: Iterable[Row[Any]]) -> bytes:
    """Of all items of an owner, in the order of their ids."""
    whole = hashlib.sha256()
    for item in items:
        # An optional text says first whether it is there: none and empty are two things.
        values = (getattr(item, name) for name in COVERED)
        whole.update(encode_fields(*(part for value in values for part in (int(value is not None), value or ""))))
        whole.update(hashlib.sha256(item.sealed_login).digest() + hashlib.sha256(item.sealed_secret).digest())
    return whole.digest()


async def _digest_before_destinations(connection: Connection, owner: str) -> bytes:
    items = item_table.c
    query = select(items.id, items.system, items.version, items.sealed_login, items.sealed_secret)
    whole = hashlib.sha256()
    for item in await connection.execute(query.where(items.owner == owner).order_by(items.id)):
        whole.update(encode_fields(item.id, item.system, item.version))
        whole.update(hashlib.sha256(item.sealed_login).digest() + hashlib.sha256(item.sealed_secret).digest())
    return whole.digest()


def _counter(event: RecordedEvent) -> int:
    return int(str(event.detail["head"]))


def _tampered(owner: str, why: str) -> VaultError:
    return VaultError("ERR-ITEM_TAMPERED", f"{owner}: {why}", status=409)
