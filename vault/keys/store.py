"""The two levels of keys above the content keys, with types that cannot be misused: they wrap keys and nothing else."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from sqlalchemy import Column, Integer, Row, String, Table, UniqueConstraint, delete, select, update

from core.database import Bytes, Connection, UtcDateTime, insert_if_absent, metadata
from core.identifiers import new_id
from core.integrity import guarded
from vault.errors import VaultError
from vault.keys.custody import ROOT_KEY_BYTES, Custodian
from vault.keys.suites import NONCE_BYTES, SUITES, Suite, SuiteName, new_nonce, same, wipe

_CHECK = b"yimen root key check"

root_table = Table(
    "vault_root",
    metadata,
    Column("id", String(64), primary_key=True),
    # `active` is unique and NULL for every root key but the one that wraps new keys: the database elects it.
    Column("active", Integer, unique=True),
    Column("check", Bytes, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("retired_at", UtcDateTime),
    info=guarded(
        by="the check value: only the custodian's own key of that id has it, and a root key signs nothing alone"
    ),
)

owner_key_table = Table(
    "vault_key",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("suite", String(8), nullable=False),
    Column("root_id", String(64), nullable=False, index=True),
    Column("wrapped", Bytes, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("owner", "generation"),
    info=guarded(by="the wrapping under the root key, which binds id, owner, generation and suite"),
)


def encode_fields(*fields: str | int) -> bytes:
    """Associated data without ambiguity: each field is preceded by its length in four bytes."""
    encoded = [str(field).encode() for field in fields]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


@dataclass(frozen=True)
class RootKey:
    """A key-encryption key. It wraps owner keys; it has no method that encrypts anything else."""

    id: str
    _secret: bytearray = field(repr=False)

    def check_value(self) -> bytes:
        """What the database keeps to recognise a root key that has been replaced by another under the same id."""
        suite = SUITES[SuiteName.AES]
        return suite.mac(suite.derive(self._secret, "root-check/1"), _CHECK)

    def wrap(self, suite: Suite, key: bytearray, about: bytes) -> bytes:
        nonce = new_nonce()
        return nonce + suite.encrypt(self._derived(suite), nonce, key, about)

    def unwrap(self, suite: Suite, wrapped: bytes, about: bytes) -> bytearray:
        return suite.decrypt(self._derived(suite), wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], about)

    def _derived(self, suite: Suite) -> bytearray:
        return suite.derive(self._secret, f"root-wrap/{suite.name}/1")


@dataclass(frozen=True)
class OwnerKey:
    """The stored, wrapped key of one owner; it is unwrapped for a moment, where content keys are wrapped by it."""

    id: str
    owner: str
    generation: int
    suite: Suite
    root_id: str
    wrapped: bytes = field(repr=False)

    @property
    def binding(self) -> bytes:
        return encode_fields("owner-key/1", self.id, self.owner, self.generation, self.suite.name)

    @classmethod
    def create(cls, root: RootKey, owner: str, generation: int, suite: Suite) -> Self:
        blank = cls(new_id(), owner, generation, suite, root.id, b"")
        secret = bytearray(secrets.token_bytes(suite.key_bytes))
        try:
            wrapped = root.wrap(suite, secret, blank.binding)
        finally:
            wipe(secret)
        return cls(blank.id, owner, generation, suite, root.id, wrapped)

    def unwrap(self, root: RootKey) -> bytearray:
        return root.unwrap(self.suite, self.wrapped, self.binding)


class KeyStore:
    """Root keys of the custodian, elected by the database, and the owner keys that they wrap."""

    def __init__(self, custodian: Custodian, suite: Suite) -> None:
        self._custodian = custodian
        self._suite = suite
        self._roots: dict[str, RootKey] = {}
        self._owner_keys: dict[str, OwnerKey] = {}

    async def active_root(self, connection: Connection) -> RootKey | None:
        key_id = await connection.scalar(select(root_table.c.id).where(root_table.c.active == 1))
        return None if key_id is None else await self.root(connection, key_id)

    async def root(self, connection: Connection, key_id: str) -> RootKey:
        """The root key of that id. Raises ERR-CUSTODY when the custodian lacks it or holds another under its name."""
        if key_id in self._roots:
            return self._roots[key_id]
        row = (await connection.execute(select(root_table.c.check).where(root_table.c.id == key_id))).one_or_none()
        if row is None:
            raise VaultError("ERR-SEAL", f"no root key {key_id}")
        root = RootKey(key_id, self._custodian.read(key_id))
        if not same(root.check_value(), row.check):
            raise VaultError(
                "ERR-CUSTODY",
                f"{self._custodian.name} holds another key under the name {key_id}; restore the right one",
            )
        self._roots[key_id] = root
        return root

    async def check(self, connection: Connection) -> None:
        """Asks the custodian again. Raises ERR-CUSTODY when it has lost the active root key or holds another."""
        root = await self.active_root(connection)
        if root is None:
            raise VaultError("ERR-CUSTODY", "there is no active root key")
        held = RootKey(root.id, self._custodian.read(root.id))
        if not same(held.check_value(), root.check_value()):
            raise VaultError("ERR-CUSTODY", f"{self._custodian.name} holds another key under the name {root.id}")

    async def create_first_root(self, connection: Connection, now: datetime) -> None:
        """The first start: takes the newest key that the custodian offers, or makes one. Exactly one process wins."""
        if await self.active_root(connection) is not None:
            return
        root = self.new_root()
        # When another process was first, ours stays unused in the custodian.
        await insert_if_absent(connection, root_table, id=root.id, active=1, check=root.check_value(), created_at=now)

    def has_new_root(self, *, known: frozenset[str]) -> bool:
        """True where `new_root` would give one."""
        return self._custodian.writable or bool(self._offered(known))

    def _offered(self, known: frozenset[str]) -> list[str]:
        return [key_id for key_id in self._custodian.offered() if key_id not in known]

    def new_root(self, *, known: frozenset[str] = frozenset()) -> RootKey:
        """A root key not in `known`: offered by a read-only custodian, or new and written to the custodian."""
        if not self._custodian.writable:
            fresh = self._offered(known)
            if not fresh:
                raise VaultError(
                    "ERR-CUSTODY",
                    f"{self._custodian.name} offers no new root key: put a file there, "
                    "e.g. `openssl rand -base64 32 > root-2026-01-01`",
                )
            return RootKey(fresh[-1], self._custodian.read(fresh[-1]))
        key_id = f"root-{new_id()}"
        secret = bytearray(secrets.token_bytes(ROOT_KEY_BYTES))
        self._custodian.write(key_id, secret)
        return RootKey(key_id, secret)

    async def owner_key(self, connection: Connection, owner: str, now: datetime) -> OwnerKey:
        """The owner's newest key; made on first use."""
        query = select(owner_key_table).where(owner_key_table.c.owner == owner)
        query = query.order_by(owner_key_table.c.generation.desc()).limit(1)
        row = (await connection.execute(query)).one_or_none()
        return await self.add_generation(connection, owner, 1, now) if row is None else _owner_key(row)

    async def add_generation(self, connection: Connection, owner: str, generation: int, now: datetime) -> OwnerKey:
        """The owner's key of that generation: a new one, or the one of a process that was first."""
        root = await self.active_root(connection)
        if root is None:
            raise VaultError("ERR-CUSTODY", "there is no active root key: has `yimen serve` ever started?")
        key = OwnerKey.create(root, owner, generation, self._suite)
        written = await insert_if_absent(
            connection,
            owner_key_table,
            id=key.id,
            owner=owner,
            generation=generation,
            suite=key.suite.name.value,
            root_id=root.id,
            wrapped=key.wrapped,
            created_at=now,
        )
        if written:
            return key
        query = select(owner_key_table).where(owner_key_table.c.owner == owner)
        return _owner_key((await connection.execute(query.where(owner_key_table.c.generation == generation))).one())

    async def owner_key_by_id(self, connection: Connection, key_id: str) -> OwnerKey:
        """A key by the id that an envelope names. What is cached is the wrapped form: never a key in the clear."""
        cached = self._owner_keys.get(key_id)
        if cached is not None:
            return cached
        row = (await connection.execute(select(owner_key_table).where(owner_key_table.c.id == key_id))).one_or_none()
        if row is None:
            raise VaultError("ERR-SEAL", "a sealed value names a key that does not exist")
        key = _owner_key(row)
        if len(self._owner_keys) >= _CACHE_SIZE:
            self._owner_keys.clear()
        self._owner_keys[key_id] = key
        return key

    async def generations(self, connection: Connection, owner: str) -> list[OwnerKey]:
        """Every key of the owner that there is, oldest first."""
        query = select(owner_key_table).where(owner_key_table.c.owner == owner)
        return [_owner_key(row) for row in await connection.execute(query.order_by(owner_key_table.c.generation))]

    async def remove_before(self, connection: Connection, owner: str, generation: int) -> int:
        """Removes older keys of the owner, under which nothing stands any more; gives how many."""
        old = (owner_key_table.c.owner == owner, owner_key_table.c.generation < generation)
        return (await connection.execute(delete(owner_key_table).where(*old))).rowcount

    async def rewrap(self, connection: Connection, key: OwnerKey, new: RootKey) -> None:
        """Wraps one owner key under another root key; harmless when somebody else just did."""
        old = await self.root(connection, key.root_id)
        secret = key.unwrap(old)
        try:
            wrapped = new.wrap(key.suite, secret, key.binding)
        finally:
            wipe(secret)
        await connection.execute(
            update(owner_key_table)
            .where(owner_key_table.c.id == key.id, owner_key_table.c.root_id == key.root_id)
            .values(wrapped=wrapped, root_id=new.id)
        )
        self._owner_keys.pop(key.id, None)

    async def unusable(self, connection: Connection) -> dict[str, str]:
        """The owners of keys that do not open in their place, and why. A missing one shows where it is needed."""
        refused: dict[str, str] = {}
        for row in (await connection.execute(select(owner_key_table).order_by(owner_key_table.c.id))).all():
            try:
                key = _owner_key(row)
                wipe(key.unwrap(await self.root(connection, key.root_id)))
            except VaultError as error:
                if error.code != "ERR-SEAL":
                    raise
                refused[row.owner] = f"{row.owner}: the owner's key {row.id} was changed: {error.detail}"
        return refused

    async def wrapped_by_others(self, connection: Connection, root_id: str, limit: int) -> list[OwnerKey]:
        """Owner keys that another root key still wraps."""
        query = select(owner_key_table).where(owner_key_table.c.root_id != root_id).limit(limit)
        return [_owner_key(row) for row in await connection.execute(query)]


_CACHE_SIZE = 10_000


def _owner_key(row: Row[Any]) -> OwnerKey:
    """Raises ERR-SEAL for a suite that there is not."""
    if row.suite not in list(SuiteName):
        raise VaultError("ERR-SEAL", f"key {row.id} names no suite that there is")
    return OwnerKey(row.id, row.owner, row.generation, SUITES[SuiteName(row.suite)], row.root_id, row.wrapped)
