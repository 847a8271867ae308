"""What an operator does after somebody wrote to the database past Yimen: find whose items it hit, and start afresh."""

from sqlalchemy import delete

from core.database import Database
from vault.errors import VaultError
from vault.heads import Heads, item_table
from vault.ledger_watch import LedgerWatch


class Recovery:
    def __init__(self, database: Database, heads: Heads, watch: LedgerWatch) -> None:
        self._database = database
        self._heads = heads
        self._watch = watch

    async def check(self) -> dict[str, str]:
        """Each owner whose items are refused (ERR-ITEM_TAMPERED), and why; and what of the ledger was changed, deleted
        or moved: an owner's newest write may be what is missing."""
        async with self._database.read() as connection:
            owners = await self._heads.owners(connection)
        refused = await self._watch.findings()
        for owner in owners:
            try:
                async with self._database.write() as connection:
                    await self._heads.verify(connection, owner)
            except VaultError as error:
                refused[owner] = error.detail
        return refused

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
