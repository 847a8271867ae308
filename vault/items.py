"""Items: the credentials that the vault keeps."""

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row, delete, insert, select, update

from core.clock import Clock
from core.database import Connection, Database
from core.identifiers import new_id
from vault.errors import VaultError
from vault.heads import Head, Heads, item_row, item_table, tampering
from vault.item_content import open_login, open_secret, open_unbound, seal_content
from vault.keys.sealing import Opened, Sealer
from vault.ledger import Ledger
from vault.masking import mask
from vault.releases import Releases
from vault.tickets import Leave, Tickets, Use

ItemState = Literal["active", "frozen"]


@dataclass(frozen=True)
class Item:
    """What may be shown of a credential. `login` is masked."""

    id: str
    owner: str
    system: str
    label: str
    login: str
    version: int
    destination: str | None
    state: ItemState
    frozen_reason: str | None
    created_at: datetime
    updated_at: datetime
    last_used_at: datetime | None
    last_result: str | None


class Items:
    def __init__(
        self, database: Database, clock: Clock, sealer: Sealer, ledger: Ledger, heads: Heads, tickets: Tickets
    ) -> None:
        self._clock = clock
        self._sealer = sealer
        self._ledger = ledger
        self._heads = heads
        self._releases = Releases(database, clock, sealer, ledger, heads, tickets)
        self.tickets = tickets

    # Keeping

    async def add(
        self,
        connection: Connection,
        *,
        owner: str,
        system: str,
        destination: str,
        login: str,
        secret: bytearray,
        label: str = "",
        actor: str,
    ) -> Item:
        """Seals a new credential for one destination: it opens for no other. The caller wipes `secret`."""
        head = await self._lock(connection, owner, actor)
        item_id, now = new_id(), self._clock.now()
        place = (owner, system, item_id, 1)
        sealed = await seal_content(self._sealer, connection, place, destination, login.encode(), secret)
        await connection.execute(
            insert(item_table).values(
                id=item_id,
                owner=owner,
                system=system,
                label=label,
                masked_login=mask(login),
                version=1,
                state="active",
                created_at=now,
                updated_at=now,
                **sealed,
            )
        )
        await self._heads.advance(connection, head, "vault.add", actor=actor, system=system, item=item_id)
        return await self.find(connection, item_id)

    async def replace(
        self,
        connection: Connection,
        item_id: str,
        *,
        destination: str,
        secret: bytearray,
        login: str | None = None,
        label: str | None = None,
        actor: str,
    ) -> Item:
        """A new version of the credential, for that destination; a frozen Item becomes usable again."""
        row, head = await self._locked(connection, item_id, actor)
        kept = login if login is not None else await self.login_name(connection, item_id)
        version = row.version + 1
        place = (row.owner, row.system, item_id, version)
        sealed = await seal_content(self._sealer, connection, place, destination, kept.encode(), secret)
        await connection.execute(
            update(item_table)
            .where(item_table.c.id == item_id)
            .values(
                version=version,
                masked_login=mask(kept),
                label=row.label if label is None else label,
                state="active",
                frozen_reason=None,
                updated_at=self._clock.now(),
                **sealed,
            )
        )
        await self._heads.advance(connection, head, "vault.replace", actor=actor, system=row.system, item=item_id)
        return await self.find(connection, item_id)

    async def remove(self, connection: Connection, item_id: str, *, actor: str) -> None:
        row, head = await self._locked(connection, item_id, actor)
        await connection.execute(delete(item_table).where(item_table.c.id == item_id))
        await self._heads.advance(connection, head, "vault.remove", actor=actor, system=row.system, item=item_id)

    async def rebind(self, connection: Connection, item_id: str, destination: str, *, actor: str) -> bool:
        """Seals the credential again, for another destination; False when it is sealed for that one.

        It sends a password to a new place, so its callers are the owner, or a maker and a checker.
        """
        row, head = await self._locked(connection, item_id, actor)
        if row.destination == destination:
            return False
        with await open_secret(self._sealer, connection, row, row.destination) as secret:
            await self._seal_again(connection, row, destination, secret)
        detail = {"item": item_id, "from": row.destination or "", "to": destination}
        await self._heads.advance(connection, head, "vault.rebind", actor=actor, system=row.system, **detail)
        return True

    async def rotate(self, connection: Connection, owner: str, *, actor: str) -> None:
        """A new key for the owner, of the suite of the settings, and every item of theirs sealed again under it."""
        head = await self._lock(connection, owner, actor)
        await self._sealer.new_owner_key(connection, owner)
        rows = (await connection.execute(select(item_table).where(item_table.c.owner == owner))).all()
        for row in rows:
            with await open_secret(self._sealer, connection, row, row.destination) as secret:
                await self._seal_again(connection, row, row.destination, secret)
        await self._heads.advance(connection, head, "vault.rotate", actor=actor, items=len(rows))

    async def adopt(self, connection: Connection, owner: str, destinations: Mapping[str, str]) -> int:
        """Once, at the upgrade that brought destinations: binds each item of the owner to that of its system, by
        system id; gives how many. Raises ERR-ITEM_TAMPERED where the head of before does not hold.
        """
        head = await self._heads.lock_unbound(connection, owner)
        rows = (await connection.execute(select(item_table).where(item_table.c.owner == owner))).all()
        for row in rows:
            with await open_unbound(self._sealer, connection, row) as secret:
                # A system that is gone has no destination: what is kept for it opens for nothing.
                await self._seal_again(connection, row, destinations.get(row.system, ""), secret)
        await self._heads.advance(connection, head, "vault.adopt", actor="system", items=len(rows))
        return len(rows)

    async def follow(self, connection: Connection, owner: str, moves: Mapping[tuple[str, str], str]) -> int:
        """Once, at the upgrade that brought generations of logins: seals each item of the owner that `moves` names, by
        system and destination, again for the destination that it says there; gives how many. Raises ERR-ITEM_TAMPERED.
        """
        head = await self._heads.lock(connection, owner)
        rows = (await connection.execute(select(item_table).where(item_table.c.owner == owner))).all()
        moving = [(row, moves[row.system, row.destination]) for row in rows if (row.system, row.destination) in moves]
        for row, destination in moving:
            with await open_secret(self._sealer, connection, row, row.destination) as secret:
                await self._seal_again(connection, row, destination, secret)
        if moving:
            await self._heads.advance(connection, head, "vault.adopt", actor="system", items=len(moving))
        return len(moving)

    async def _seal_again(self, connection: Connection, row: Row[Any], destination: str, secret: bytearray) -> None:
        place = (row.owner, row.system, row.id, row.version)
        with await open_login(self._sealer, connection, row) as login:
            sealed = await seal_content(self._sealer, connection, place, destination, login, secret)
        await connection.execute(update(item_table).where(item_table.c.id == row.id).values(**sealed))

    async def freeze(self, connection: Connection, item_id: str, reason: str, *, actor: str) -> None:
        """After a refused password: nothing is tried again until the person replaces it (DESIGN §4.15)."""
        await self._mark(
            connection,
            item_id,
            "vault.freeze",
            actor,
            {"state": "frozen", "frozen_reason": reason, "last_result": "failure"},
            reason=reason,
        )

    async def note_result(self, connection: Connection, item_id: str, result: str, *, actor: str = "system") -> None:
        """How the last use ended: for the portal's tile, and for whether the next page submits itself."""
        if (await item_row(connection, item_id)).last_result != result:
            await self._mark(connection, item_id, "vault.note", actor, {"last_result": result}, result=result)

    async def _mark(
        self, connection: Connection, item_id: str, action: str, actor: str, to: Mapping[str, str], **detail: str
    ) -> None:
        row, head = await self._locked(connection, item_id, actor)
        await connection.execute(update(item_table).where(item_table.c.id == item_id).values(**to))
        await self._heads.advance(connection, head, action, actor=actor, system=row.system, item=item_id, **detail)

    # Looking

    async def find(self, connection: Connection, item_id: str) -> Item:
        """Raises ERR-ITEM when there is none."""
        return _item(await item_row(connection, item_id))

    async def list(self, connection: Connection, *, owners: Sequence[str], system: str | None = None) -> list[Item]:
        query = select(item_table).where(item_table.c.owner.in_(owners)).order_by(item_table.c.id)
        if system is not None:
            query = query.where(item_table.c.system == system)
        return [_item(row) for row in await connection.execute(query)]

    async def of_system(self, connection: Connection, system: str) -> builtins.list[Item]:
        """Everybody's accounts of a system."""
        query = select(item_table).where(item_table.c.system == system).order_by(item_table.c.id)
        return [_item(row) for row in await connection.execute(query)]

    async def login_name(self, connection: Connection, item_id: str) -> str:
        """The account's name in the clear, for the page's user name field and for its owner."""
        row = await item_row(connection, item_id)
        with await open_login(self._sealer, connection, row) as login:
            return login.decode()

    async def matches(self, connection: Connection, item_id: str, login: str, secret: bytearray) -> bool:
        """True when the Item holds exactly this; for idempotent `apply`. Nothing leaves the vault."""
        row = await item_row(connection, item_id)
        if await self.login_name(connection, item_id) != login:
            return False
        with await open_secret(self._sealer, connection, row, row.destination) as kept:
            return kept == secret

    # Releasing

    async def redeem(self, token: str, use: Use) -> Opened:
        """The password, for the one use that the ticket was issued for. The ledger's row is durable before this returns
        (DESIGN §4.12).

        Raises ERR-TICKET, ERR-ITEM_FROZEN, ERR-ITEM_DESTINATION or ERR-ITEM_TAMPERED; the ledger tells of each refusal.
        """
        return await self._releases.by_ticket(token, use)

    async def release(self, leave: Leave, use: Use) -> Opened:
        """As `redeem`, where the leave is given and used in one breath: it needs no ticket to carry it."""
        return await self._releases.at_once(leave, use)

    async def _lock(self, connection: Connection, owner: str, actor: str) -> Head:
        """The owner's head for a write. Raises ERR-ITEM_TAMPERED; the refusal is in the ledger too."""
        try:
            return await self._heads.lock(connection, owner)
        except VaultError as error:
            self._ledger.report(tampering(error, actor, owner))
            raise VaultError("ERR-ITEM_TAMPERED", error.detail, status=409) from None

    async def _locked(self, connection: Connection, item_id: str, actor: str) -> tuple[Row[Any], Head]:
        """The item as it stands now that nobody else can write to its owner's items."""
        head = await self._lock(connection, (await item_row(connection, item_id)).owner, actor)
        return await item_row(connection, item_id), head


def _item(row: Row[Any]) -> Item:
    return Item(
        id=row.id,
        owner=row.owner,
        system=row.system,
        label=row.label,
        login=row.masked_login,
        version=row.version,
        destination=row.destination,
        state=row.state,
        frozen_reason=row.frozen_reason,
        created_at=row.created_at,
        updated_at=row.updated_at,
        last_used_at=row.last_used_at,
        last_result=row.last_result,
    )
