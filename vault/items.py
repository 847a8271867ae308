"""Items: the credentials that the vault keeps, and the one way to a password - a Ticket, redeemed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock
from core.database import Database
from core.identifiers import new_id
from vault.errors import VaultError
from vault.heads import Head, Heads, item_table
from vault.item_content import open_login, open_secret, seal_content
from vault.keys.sealing import Opened, Sealer
from vault.ledger import Event, Ledger
from vault.masking import mask
from vault.tickets import Leave, Tickets, Use

TAMPERED = ("ERR-ITEM_TAMPERED", "ERR-SEAL", "ERR-LEDGER_TAMPERED")

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
        self._database = database
        self._clock = clock
        self._sealer = sealer
        self._ledger = ledger
        self._heads = heads
        self._tickets = tickets

    # Keeping

    async def add(
        self,
        connection: AsyncConnection,
        *,
        owner: str,
        system: str,
        login: str,
        secret: bytearray,
        label: str = "",
        actor: str,
    ) -> Item:
        """Seals a new credential. The caller wipes `secret`."""
        head = await self._lock(connection, owner, actor)
        item_id, now = new_id(), self._clock.now()
        sealed = await seal_content(self._sealer, connection, (owner, system, item_id, 1), login.encode(), secret)
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
        connection: AsyncConnection,
        item_id: str,
        *,
        secret: bytearray,
        login: str | None = None,
        label: str | None = None,
        actor: str,
    ) -> Item:
        """A new version of the credential; a frozen Item becomes usable again."""
        row, head = await self._locked(connection, item_id, actor)
        kept = login if login is not None else await self.login_name(connection, item_id)
        version = row.version + 1
        sealed = await seal_content(
            self._sealer, connection, (row.owner, row.system, item_id, version), kept.encode(), secret
        )
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

    async def remove(self, connection: AsyncConnection, item_id: str, *, actor: str) -> None:
        row, head = await self._locked(connection, item_id, actor)
        await connection.execute(delete(item_table).where(item_table.c.id == item_id))
        await self._heads.advance(connection, head, "vault.remove", actor=actor, system=row.system, item=item_id)

    async def rotate(self, connection: AsyncConnection, owner: str, *, actor: str) -> None:
        """A new key for the owner, of the suite of the settings, and every item of theirs sealed again under it."""
        head = await self._lock(connection, owner, actor)
        await self._sealer.new_owner_key(connection, owner)
        rows = (await connection.execute(select(item_table).where(item_table.c.owner == owner))).all()
        for row in rows:
            with (
                await open_login(self._sealer, connection, row) as login,
                await open_secret(self._sealer, connection, row) as secret,
            ):
                sealed = await seal_content(
                    self._sealer, connection, (owner, row.system, row.id, row.version), login, secret
                )
            await connection.execute(update(item_table).where(item_table.c.id == row.id).values(**sealed))
        await self._heads.advance(connection, head, "vault.rotate", actor=actor, items=len(rows))

    async def freeze(self, connection: AsyncConnection, item_id: str, reason: str, *, actor: str) -> None:
        """After a refused password: nothing is tried again until the person replaces it (DESIGN §4.15)."""
        row = await self._row(connection, item_id)
        await connection.execute(
            update(item_table)
            .where(item_table.c.id == item_id)
            .values(state="frozen", frozen_reason=reason, last_result="failure")
        )
        await self._ledger.record(
            connection,
            Event(
                action="vault.freeze",
                result="success",
                actor=actor,
                subject=f"item:{item_id}",
                system=row.system,
                reason=reason,
            ),
        )

    async def note_result(self, connection: AsyncConnection, item_id: str, result: str) -> None:
        """How the last use ended, for the portal's tile."""
        await connection.execute(update(item_table).where(item_table.c.id == item_id).values(last_result=result))

    # Looking

    async def find(self, connection: AsyncConnection, item_id: str) -> Item:
        """Raises ERR-ITEM when there is none."""
        return _item(await self._row(connection, item_id))

    async def list(
        self, connection: AsyncConnection, *, owners: Sequence[str], system: str | None = None
    ) -> list[Item]:
        query = select(item_table).where(item_table.c.owner.in_(owners)).order_by(item_table.c.id)
        if system is not None:
            query = query.where(item_table.c.system == system)
        return [_item(row) for row in await connection.execute(query)]

    async def login_name(self, connection: AsyncConnection, item_id: str) -> str:
        """The account's name in the clear, for the page's user name field and for its owner."""
        row = await self._row(connection, item_id)
        with await open_login(self._sealer, connection, row) as login:
            return login.decode()

    async def matches(self, connection: AsyncConnection, item_id: str, login: str, secret: bytearray) -> bool:
        """True when the Item holds exactly this; for idempotent `apply`. Nothing leaves the vault."""
        row = await self._row(connection, item_id)
        if await self.login_name(connection, item_id) != login:
            return False
        with await open_secret(self._sealer, connection, row) as kept:
            return kept == secret

    # Releasing

    async def redeem(self, token: str, use: Use) -> Opened:
        """The password, for one use. The ledger's row is durable before this returns (DESIGN §4.12).

        Raises ERR-TICKET, ERR-ITEM_FROZEN or ERR-ITEM_TAMPERED; each refusal is in the ledger too.
        """
        opened: Opened | None = None
        try:
            async with self._database.write() as connection:
                leave = await self._tickets.redeem(connection, token, use)
                opened = await self._release(connection, leave, use)
        except VaultError as error:
            if opened is not None:
                opened.wipe()
            raise await self._refused(error, use) from None
        return opened

    async def _release(self, connection: AsyncConnection, leave: Leave, use: Use) -> Opened:
        await self._heads.verify(connection, (await self._row(connection, leave.item_id)).owner)
        row = await self._row(connection, leave.item_id)
        if row.state == "frozen" and leave.purpose != "reveal":
            raise VaultError("ERR-ITEM_FROZEN", f"item {row.id} is frozen", status=409)
        opened = await open_secret(self._sealer, connection, row)
        await connection.execute(
            update(item_table).where(item_table.c.id == row.id).values(last_used_at=self._clock.now())
        )
        await self._ledger.record(
            connection,
            Event(
                action="vault.reveal" if leave.purpose == "reveal" else "vault.release",
                result="success",
                actor=leave.actor,
                subject=f"item:{row.id}",
                system=row.system,
                session=use.holder.removeprefix("session:"),
                detail={
                    "purpose": leave.purpose,
                    "origin": use.origin,
                    "version": row.version,
                    "owner": row.owner,
                    **({"reason": leave.reason} if leave.reason else {}),
                },
            ),
        )
        return opened

    async def _refused(self, error: VaultError, use: Use) -> VaultError:
        subject = f"origin:{use.origin}"
        if error.code in TAMPERED:
            await self._ledger.append(_tamper(error, use.holder, subject))
            return VaultError("ERR-ITEM_TAMPERED", error.detail, status=409)
        await self._ledger.append(
            Event(
                action="vault.release",
                result="refused",
                actor=use.holder,
                subject=subject,
                reason=error.code,
                detail={"detail": error.detail},
            )
        )
        return error

    async def _lock(self, connection: AsyncConnection, owner: str, actor: str) -> Head:
        """The owner's head for a write. Raises ERR-ITEM_TAMPERED; the refusal is in the ledger too."""
        try:
            return await self._heads.lock(connection, owner)
        except VaultError as error:
            self._ledger.report(_tamper(error, actor, owner))
            raise VaultError("ERR-ITEM_TAMPERED", error.detail, status=409) from None

    async def _locked(self, connection: AsyncConnection, item_id: str, actor: str) -> tuple[Row[Any], Head]:
        """The item as it stands now that nobody else can write to its owner's items."""
        head = await self._lock(connection, (await self._row(connection, item_id)).owner, actor)
        return await self._row(connection, item_id), head

    async def _row(self, connection: AsyncConnection, item_id: str) -> Row[Any]:
        row = (await connection.execute(select(item_table).where(item_table.c.id == item_id))).one_or_none()
        if row is None:
            raise VaultError("ERR-ITEM", f"no item {item_id}", status=404)
        return row


def _tamper(error: VaultError, actor: str, subject: str) -> Event:
    return Event(
        action="vault.tamper",
        result="failure",
        actor=actor,
        subject=subject,
        reason=error.code,
        detail={"detail": error.detail},
    )


def _item(row: Row[Any]) -> Item:
    return Item(
        id=row.id,
        owner=row.owner,
        system=row.system,
        label=row.label,
        login=row.masked_login,
        version=row.version,
        state=row.state,
        frozen_reason=row.frozen_reason,
        created_at=row.created_at,
        updated_at=row.updated_at,
        last_used_at=row.last_used_at,
        last_result=row.last_result,
    )
