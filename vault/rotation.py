"""Rotation of every level of keys, online and resumable: kill it at any moment and run it again."""

from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from core.clock import Clock
from core.database import Database
from vault.errors import VaultError
from vault.heads import item_table
from vault.items import TAMPERED, Items
from vault.keys.sealing import Sealer
from vault.keys.store import root_table
from vault.ledger import Event, Ledger

_BATCH = 100


@dataclass(frozen=True)
class RotatedOwners:
    """`tampered`: the owners whose items were found changed by somebody else, and were left as they are."""

    rotated: int
    tampered: tuple[str, ...]


class Rotation:
    def __init__(self, database: Database, clock: Clock, sealer: Sealer, items: Items, ledger: Ledger) -> None:
        self._database = database
        self._clock = clock
        self._keys = sealer.keys
        self._items = items
        self._ledger = ledger

    async def rotate_root(self, *, actor: str) -> int:
        """Elects a new root key and wraps every owner key again; gives how many. Content is not touched."""
        async with self._database.write() as connection:
            known = frozenset((await connection.scalars(select(root_table.c.id))).all())
            fresh = self._keys.new_root(known=known)
            now = self._clock.now()
            await connection.execute(
                update(root_table).where(root_table.c.active == 1).values(active=None, retired_at=now)
            )
            try:
                await connection.execute(
                    root_table.insert().values(id=fresh.id, active=1, check=fresh.check_value(), created_at=now)
                )
            except IntegrityError:
                raise VaultError("ERR-ROTATION", "another rotation is running", status=409) from None
            await self._ledger.record(
                connection,
                Event(action="vault.rotate", result="success", actor=actor, subject=f"root:{fresh.id}"),
            )
        return await self.resume()

    async def resume(self) -> int:
        """Wraps under the active root key whatever another root key still wraps; gives how many."""
        total = 0
        while True:
            async with self._database.write() as connection:
                root = await self._keys.active_root(connection)
                if root is None:
                    raise VaultError("ERR-CUSTODY", "there is no active root key")
                keys = await self._keys.wrapped_by_others(connection, root.id, _BATCH)
                for key in keys:
                    await self._keys.rewrap(connection, key, root)
            total += len(keys)
            if len(keys) < _BATCH:
                return total

    async def rotate_owners(self, *, actor: str) -> RotatedOwners:
        """Gives every owner of items a new key and seals the items again under it, one unit of work an owner."""
        async with self._database.read() as connection:
            owners = (await connection.scalars(select(item_table.c.owner).distinct())).all()
        tampered = []
        for owner in owners:
            try:
                async with self._database.write() as connection:
                    await self._items.rotate(connection, owner, actor=actor)
            except VaultError as error:
                if error.code not in TAMPERED:
                    raise
                tampered.append(owner)
        return RotatedOwners(len(owners) - len(tampered), tuple(tampered))
