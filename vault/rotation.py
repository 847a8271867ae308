"""Rotation of every level of keys, online and resumable: kill it at any moment and run it again."""

import asyncio
from dataclasses import dataclass

from sqlalchemy import func, select, update

from core.clock import Clock
from core.database import Database, IntegrityError, wait_turn
from core.integrity import MAC_COLUMN
from vault.errors import VaultError
from vault.heads import TAMPERED, item_table
from vault.items import Items
from vault.keys.row_keys import FOLLOW_SECONDS, ROW_KEY_OWNER
from vault.keys.sealing import Sealer
from vault.keys.store import root_table
from vault.ledger import Event, Ledger
from vault.row_tables import batches, signed_tables
from vault.rows import SignedRows

_BATCH = 100
# An arbitrary constant shared by all processes: PostgreSQL's advisory lock number for this act.
_ROWS_LOCK = 0x59494D4551


@dataclass(frozen=True)
class RotatedOwners:
    """`tampered`: the owners whose items were found changed by somebody else, and were left as they are."""

    rotated: int
    tampered: tuple[str, ...]


@dataclass(frozen=True)
class RotatedRows:
    """`left`: rows that were found changed by somebody else, and were left as they are."""

    signed: int
    left: int


class Rotation:
    def __init__(
        self, database: Database, clock: Clock, sealer: Sealer, items: Items, ledger: Ledger, rows: SignedRows
    ) -> None:
        self._rows = rows
        self._row_keys = sealer.row_keys
        self._database = database
        self._clock = clock
        self._keys = sealer.keys
        self._items = items
        self._ledger = ledger

    async def has_new_root(self) -> bool:
        """False where the custodian is read-only and no new root key lies ready there."""
        async with self._database.read() as connection:
            known = frozenset((await connection.scalars(select(root_table.c.id))).all())
        return self._keys.has_new_root(known=known)

    async def rotate_root(self, *, actor: str) -> int:
        """Elects a new root key and wraps every owner key again; gives how many. Content is not touched."""
        async with self._database.read() as connection:
            known = frozenset((await connection.scalars(select(root_table.c.id))).all())
        # The custodian may be a service elsewhere: nobody's unit of work waits for it.
        fresh, now = self._keys.new_root(known=known), self._clock.now()
        async with self._database.write() as connection:
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

    async def rotate_rows(self, *, actor: str, grace: float = 2 * FOLLOW_SECONDS) -> RotatedRows:
        """A new key for signed rows, and every row signed again under it while everybody works; the old key then counts
        for nothing. A rotation that was interrupted is ended first, and is this one.

        `grace` is how long every process has to learn which key signs now.
        """
        async with self._database.write() as connection:
            await wait_turn(connection, _ROWS_LOCK)
            generations = [key.generation for key in await self._keys.generations(connection, ROW_KEY_OWNER)]
            if len(generations) == 2:
                newest = max(generations) + 1
                await self._keys.add_generation(connection, ROW_KEY_OWNER, newest, self._clock.now())
                event = Event("vault.rotate", "success", actor=actor, subject=f"rows:{newest - 1}")
                await self._ledger.record(connection, event)
        await asyncio.sleep(grace)
        async with self._database.read() as connection:
            await self._row_keys.load(connection)
        rows, left = await self._sign_again()
        # What was under way in a process that did not know yet.
        await asyncio.sleep(grace)
        late, left = await self._sign_again()
        async with self._database.write() as connection:
            await self._keys.remove_before(connection, ROW_KEY_OWNER, self._row_keys.signing)
            await self._row_keys.load(connection)
        return RotatedRows(rows + late, left)

    async def _sign_again(self) -> tuple[int, int]:
        """Gives how many rows were signed, and how many were found changed by somebody else."""
        signed, left = 0, 0
        for table in signed_tables():
            old = func.substr(table.c[MAC_COLUMN], 1, len(self._row_keys.current_prefix))
            async with self._database.read() as reading:
                async for rows in batches(reading, table, old != self._row_keys.current_prefix):
                    # A unit of work a batch: nobody waits for long.
                    async with self._database.write() as connection:
                        again = [await self._rows.sign_again(connection, table, row) for row in rows]
                    signed, left = signed + sum(again), left + len(again) - sum(again)
        return signed, left
