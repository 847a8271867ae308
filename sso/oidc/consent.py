"""Consent: what a person has allowed a client to learn, remembered until withdrawn."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, String, Table, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock
from core.database import Json, UtcDateTime, insert_if_absent, metadata
from vault.ledger import Event, Ledger
from vault.ledger.events import Result

consent_table = Table(
    "sso_consent",
    metadata,
    Column("user_id", String(26), primary_key=True),
    Column("client_id", String(255), primary_key=True),
    Column("scopes", Json, nullable=False),
    Column("granted_at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True)
class Consent:
    client_id: str
    scopes: frozenset[str]
    granted_at: datetime


class Consents:
    def __init__(self, clock: Clock, ledger: Ledger) -> None:
        self._clock = clock
        self._ledger = ledger

    async def find(self, connection: AsyncConnection, user_id: str, client_id: str) -> frozenset[str]:
        """The scopes allowed so far; empty when never asked."""
        query = select(consent_table.c.scopes).where(
            consent_table.c.user_id == user_id, consent_table.c.client_id == client_id
        )
        return frozenset(await connection.scalar(query) or ())

    async def list(self, connection: AsyncConnection, user_id: str) -> list[Consent]:
        query = select(consent_table).where(consent_table.c.user_id == user_id).order_by(consent_table.c.client_id)
        rows = await connection.execute(query)
        return [Consent(row.client_id, frozenset(row.scopes), row.granted_at) for row in rows]

    async def grant(self, connection: AsyncConnection, user_id: str, client_id: str, scopes: Iterable[str]) -> None:
        """Adds to what was allowed before."""
        known = await self.find(connection, user_id, client_id)
        values = {"scopes": sorted(known | set(scopes)), "granted_at": self._clock.now()}
        if not await insert_if_absent(connection, consent_table, user_id=user_id, client_id=client_id, **values):
            await connection.execute(
                update(consent_table)
                .where(consent_table.c.user_id == user_id, consent_table.c.client_id == client_id)
                .values(**values)
            )
        await self._record(connection, user_id, client_id, "success")

    async def withdraw(self, connection: AsyncConnection, user_id: str, client_id: str) -> None:
        await connection.execute(
            delete(consent_table).where(consent_table.c.user_id == user_id, consent_table.c.client_id == client_id)
        )
        await self._record(connection, user_id, client_id, "success", action="oidc.consent_withdrawn")

    async def refuse(self, connection: AsyncConnection, user_id: str, client_id: str) -> None:
        await self._record(connection, user_id, client_id, "refused")

    async def _record(
        self,
        connection: AsyncConnection,
        user_id: str,
        client_id: str,
        result: Result,
        *,
        action: str = "oidc.consent",
    ) -> None:
        await self._ledger.record(
            connection,
            Event(
                action=action,
                result=result,
                actor=f"user:{user_id}",
                client=client_id,
            ),
        )
