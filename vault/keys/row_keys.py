"""The keys under which rows are signed, by generation, each loaded once.

The newest generation is only published; the one before it signs. So every process knows a key before the first row
under it appears, and a rotation refuses nobody: `load` is called again every few seconds.
"""

import asyncio
from datetime import datetime

from cryptography.hazmat.primitives.hmac import HMAC

from core.database import Connection, Database, StatementError
from core.errors import YimenError
from core.logs import Seldom, logger
from vault.errors import VaultError
from vault.keys.store import KeyStore, OwnerKey
from vault.keys.suites import same, wipe

ROW_KEY_OWNER = "vault:rows"
_GENERATION_BYTES = 4
MAC_BYTES = _GENERATION_BYTES + 32
# How soon every process knows of a new generation.
FOLLOW_SECONDS = 1.0

_log = logger("row_keys")


class RowKeys:
    def __init__(self, keys: KeyStore) -> None:
        self._keys = keys
        self._keyed: dict[int, HMAC] = {}
        self._signing = 0
        self._following: asyncio.Task[None] | None = None

    @property
    def signing(self) -> int:
        """The generation that signs."""
        return self._signing

    async def prepare(self, connection: Connection, now: datetime) -> None:
        """Makes the first two generations where there are none, and loads all."""
        newest = await self._keys.owner_key(connection, ROW_KEY_OWNER, now)
        if newest.generation == 1:
            await self._keys.add_generation(connection, ROW_KEY_OWNER, 2, now)
        await self.load(connection)

    async def load(self, connection: Connection) -> None:
        """Loads the generations that there are now; those that were removed are forgotten."""
        held = {key.generation: key for key in await self._keys.generations(connection, ROW_KEY_OWNER)}
        keyed = {
            generation: known
            for generation, key in held.items()
            if (known := self._keyed.get(generation) or await self._derived(connection, key)) is not None
        }
        if len(keyed) < 2:
            raise VaultError("ERR-CUSTODY", "the keys of signed rows are missing")
        self._keyed = keyed
        self._signing = sorted(keyed)[-2]

    async def _derived(self, connection: Connection, key: OwnerKey) -> HMAC | None:
        """None for a key that somebody else put there: it does not open, and signs nothing."""
        try:
            secret = key.unwrap(await self._keys.root(connection, key.root_id))
        except VaultError as error:
            if error.code != "ERR-SEAL":
                raise
            _log.error("a key of signed rows was changed by somebody else", key=key.id)
            return None
        derived = key.suite.derive(secret, "row-mac/1")
        try:
            return key.suite.keyed(derived)
        finally:
            wipe(secret)
            wipe(derived)

    def mac(self, message: bytes) -> bytes:
        """The MAC of a row's canonical bytes; it names its key's generation."""
        return self._mac(self._signing, message)

    def holds(self, message: bytes, mac: object) -> bool:
        """True when `mac` is ours over exactly this message."""
        if not isinstance(mac, bytes) or len(mac) != MAC_BYTES:
            return False
        generation = int.from_bytes(mac[:_GENERATION_BYTES], "big")
        return generation in self._keyed and same(self._mac(generation, message), mac)

    @property
    def current_prefix(self) -> bytes:
        """How every MAC under the generation that signs now begins."""
        return self._signing.to_bytes(_GENERATION_BYTES, "big")

    def follow(self, database: Database) -> None:
        """Loads new generations from now on, as other processes make them, until `unfollow`."""
        self._following = asyncio.create_task(self._follow(database), name="row keys")

    async def unfollow(self) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)

    async def _follow(self, database: Database) -> None:
        seldom = Seldom()
        while True:
            await asyncio.sleep(FOLLOW_SECONDS)
            try:
                async with database.read() as connection:
                    await self.load(connection)
            except (YimenError, StatementError) as error:
                # The next turn tries again; what is known goes on working.
                if seldom.is_due():
                    _log.warning("the keys of signed rows could not be read", error=type(error).__name__)

    def forget(self) -> None:
        self._keyed.clear()

    def _mac(self, generation: int, message: bytes) -> bytes:
        prefix = generation.to_bytes(_GENERATION_BYTES, "big")
        keyed = self._keyed[generation].copy()
        keyed.update(prefix + message)
        return prefix + keyed.finalize()
