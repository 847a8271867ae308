"""What an operator does after somebody wrote to the database past Yimen: find whose items it hit, and start afresh."""

from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy import delete, select

from core.database import Connection, Database
from vault.errors import VaultError
from vault.heads import TAMPERED, Heads, item_table
from vault.item_content import open_login, open_secret
from vault.keys.sealing import Sealer
from vault.ledger.watch import LedgerWatch
from vault.row_watch import UNREADABLE, RowWatch

Findings = Callable[[], Awaitable[dict[str, str]]]


class Recovery:
    """`further` finds what is wrong with what the floors above keep and sign in their own way."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        heads: Heads,
        watch: LedgerWatch,
        rows: RowWatch,
        further: Sequence[Findings] = (),
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._heads = heads
        self._watch = watch
        self._rows = rows
        self._further = further

    async def check(self) -> dict[str, str]:
        """Each owner whose items are refused (ERR-ITEM_TAMPERED) or whose keys do not open, and why; what of the
        ledger was changed, deleted or moved: an owner's newest write may be what is missing; and each signed row that
        was changed, planted, put back or deleted, by table and key."""
        async with self._database.scan() as connection:
            owners = await self._heads.owners(connection)
        refused = await self._watch.findings() | await self._rows.findings()
        for findings in self._further:
            refused |= await findings()
        async with self._database.scan() as connection:
            refused.update(await self._sealer.keys.unusable(connection))
        for owner in owners:
            try:
                async with self._database.write() as connection:
                    await self._heads.verify(connection, owner)
                    await self._open_all(connection, owner)
            except VaultError as error:
                if error.code not in TAMPERED:
                    raise
                refused[owner] = error.detail
            except UNREADABLE as error:
                refused[owner] = f"{owner}: a row cannot be read: {type(error).__name__}"
        return refused

    async def _open_all(self, connection: Connection, owner: str) -> None:
        """Raises ERR-ITEM_TAMPERED unless everything of the owner opens."""
        for row in (await connection.execute(select(item_table).where(item_table.c.owner == owner))).all():
            (await open_login(self._sealer, connection, row)).wipe()
            (await open_secret(self._sealer, connection, row, row.destination)).wipe()

    async def reset(self, owner: str, *, actor: str, reason: str) -> int:
        """Removes every item of the owner and starts a good head; gives how many.

        Which of them were changed cannot be told, so none is kept: people enter their passwords again. Raises ERR-ITEM
        for an owner who never had one.
        """
        async with self._database.write() as connection:
            if owner not in await self._heads.owners(connection):
                raise VaultError("ERR-ITEM", f"{owner} keeps nothing in the vault", status=404)
            head = await self._heads.lock_unverified(connection, owner)
            removed = (await connection.execute(delete(item_table).where(item_table.c.owner == owner))).rowcount
            await self._heads.advance(connection, head, "vault.reset", actor=actor, items=removed, reason=reason)
        return removed
