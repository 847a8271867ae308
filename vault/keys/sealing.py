"""Sealing: one envelope for everything that must be kept secret.

An envelope is `schema suite owner-key-id | nonce wrapped-content-key | nonce ciphertext`. Its associated data binds
owner, system, item, version, schema, suite and key id (DESIGN §4.10), so it opens in its own place and nowhere else.
A fresh content key is made for every write and dies with it.
"""

import secrets
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives.hmac import HMAC

from core.clock import Clock
from core.database import Connection, Database
from vault.errors import VaultError
from vault.keys.custody import Custodian
from vault.keys.row_keys import RowKeys
from vault.keys.store import KeyStore, OwnerKey, encode_fields
from vault.keys.suites import NONCE_BYTES, SUITES, SUITES_BY_CODE, TAG_BYTES, Suite, SuiteName, new_nonce, wipe

ENVELOPE_SCHEMA = 1
_KEY_ID_BYTES = 26
_MAC_OWNER = "vault:mac"


@dataclass(frozen=True)
class Binding:
    """Where a sealed value belongs. Opened with any other binding, it is refused."""

    owner: str
    system: str
    item: str
    version: int
    schema: str
    # Where the value may go when it is opened; None for one that goes nowhere.
    destination: str | None = None

    def associated_data(self, suite: Suite, key_id: str) -> bytes:
        place = ("seal/1", self.owner, self.system, self.item, self.version, self.schema, suite.name, key_id)
        # The number of fields tells the two forms apart: each field is preceded by its length.
        return encode_fields(*place) if self.destination is None else encode_fields(*place, self.destination)


class Opened:
    """A secret in the clear, for the length of a `with` block; wiped at its end. Never shown."""

    def __init__(self, plaintext: bytearray) -> None:
        self._plaintext = plaintext

    def __enter__(self) -> bytearray:
        return self._plaintext

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wipe()

    def __del__(self) -> None:
        self.wipe()

    def wipe(self) -> None:
        wipe(self._plaintext)

    def __repr__(self) -> str:
        return "Opened(…)"


@dataclass(frozen=True)
class _Envelope:
    suite: Suite
    key_id: str
    wrapped: bytes
    ciphertext: bytes

    def to_bytes(self) -> bytes:
        return bytes([ENVELOPE_SCHEMA, self.suite.code]) + self.key_id.encode() + self.wrapped + self.ciphertext

    @classmethod
    def parse(cls, sealed: bytes) -> Self:
        suite = SUITES_BY_CODE.get(sealed[1]) if len(sealed) > 2 and sealed[0] == ENVELOPE_SCHEMA else None
        if suite is None:
            raise VaultError("ERR-SEAL", "a sealed value has an unknown form")
        key_end = 2 + _KEY_ID_BYTES
        wrapped_end = key_end + NONCE_BYTES + suite.key_bytes + TAG_BYTES
        key_id = sealed[2:key_end]
        if len(sealed) < wrapped_end + NONCE_BYTES + TAG_BYTES or not key_id.isalnum():
            raise VaultError("ERR-SEAL", "a sealed value is truncated")
        return cls(suite, key_id.decode("ascii"), sealed[key_end:wrapped_end], sealed[wrapped_end:])


class Sealer:
    """Seals and opens. Any process with the same custodian and database can open what another sealed."""

    def __init__(self, database: Database, custodian: Custodian, suite: str, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._suite = SUITES[SuiteName(suite)]
        self.keys = KeyStore(custodian, self._suite)
        self._mac_key: OwnerKey | None = None
        self._mac_secret = bytearray()
        self._keyed: dict[str, HMAC] = {}
        self.row_keys = RowKeys(self.keys)

    async def prepare(self) -> None:
        """Makes sure of the root key and loads the MAC key. Raises ERR-CUSTODY when the custodian lost the root key."""
        async with self._database.write() as connection:
            await self.keys.create_first_root(connection, self._clock.now())
        async with self._database.write() as connection:
            self._mac_key = await self.keys.owner_key(connection, _MAC_OWNER, self._clock.now())
            self._mac_secret = self._mac_key.unwrap(await self.keys.root(connection, self._mac_key.root_id))
            await self.row_keys.prepare(connection, self._clock.now())

    def wipe(self) -> None:
        wipe(self._mac_secret)
        self._keyed.clear()
        self.row_keys.forget()

    async def seal(self, connection: Connection, binding: Binding, plaintext: bytes | bytearray) -> bytes:
        """The envelope of `plaintext`, under the owner's newest key."""
        owner_key = await self.keys.owner_key(connection, binding.owner, self._clock.now())
        if owner_key.suite is not self._suite:
            owner_key = await self.new_owner_key(connection, binding.owner)
        root = await self.keys.root(connection, owner_key.root_id)
        suite = owner_key.suite
        about = binding.associated_data(suite, owner_key.id)
        content_key = bytearray(secrets.token_bytes(suite.key_bytes))
        secret = owner_key.unwrap(root)
        try:
            wrap_nonce, nonce = new_nonce(), new_nonce()
            wrapped = wrap_nonce + suite.encrypt(secret, wrap_nonce, content_key, b"content-key" + about)
            ciphertext = nonce + suite.encrypt(content_key, nonce, plaintext, about)
        finally:
            wipe(secret)
            wipe(content_key)
        return _Envelope(suite, owner_key.id, wrapped, ciphertext).to_bytes()

    async def new_owner_key(self, connection: Connection, owner: str) -> OwnerKey:
        """A further key for the owner; what is sealed from now on is under it."""
        now = self._clock.now()
        current = await self.keys.owner_key(connection, owner, now)
        return await self.keys.add_generation(connection, owner, current.generation + 1, now)

    async def open(self, connection: Connection, binding: Binding, sealed: bytes) -> Opened:
        """The plaintext. Raises ERR-SEAL when a byte differs, or when it belongs to another place."""
        envelope = _Envelope.parse(sealed)
        owner_key = await self.keys.owner_key_by_id(connection, envelope.key_id)
        if owner_key.owner != binding.owner or owner_key.suite is not envelope.suite:
            raise VaultError("ERR-SEAL", "a sealed value belongs to another owner")
        root = await self.keys.root(connection, owner_key.root_id)
        suite, about = envelope.suite, binding.associated_data(envelope.suite, owner_key.id)
        secret = owner_key.unwrap(root)
        content_key = bytearray()
        try:
            content_key = suite.decrypt(
                secret, envelope.wrapped[:NONCE_BYTES], envelope.wrapped[NONCE_BYTES:], b"content-key" + about
            )
            ciphertext = envelope.ciphertext
            return Opened(suite.decrypt(content_key, ciphertext[:NONCE_BYTES], ciphertext[NONCE_BYTES:], about))
        finally:
            wipe(secret)
            wipe(content_key)

    def mac(self, purpose: str, message: bytes) -> bytes:
        """A keyed digest of 32 bytes, the same for ever: blind indexes, row MACs. `purpose` separates the uses."""
        keyed = self._keyed.get(purpose)
        if keyed is None:
            keyed = self._keyed[purpose] = self._derived(purpose)
        own = keyed.copy()
        own.update(message)
        return own.finalize()

    def _derived(self, purpose: str) -> HMAC:
        if self._mac_key is None:
            raise VaultError("ERR-CUSTODY", "the vault is not prepared")
        suite = self._mac_key.suite
        key = suite.derive(self._mac_secret, f"mac/{purpose}/1")
        try:
            return suite.keyed(key)
        finally:
            wipe(key)
