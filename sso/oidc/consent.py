"""Consent: what a person has allowed a client to learn, remembered until withdrawn."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, String, Table, bindparam, delete, select

from core.clock import Clock
from core.database import Connection, Json, Prepared, UtcDateTime, metadata
from core.integrity import mac_column, signed
from vault.ledger import Event, Ledger
from vault.ledger.events import Result
from vault.rows import SignedRows

consent_table = Table(
    "sso_consent",
    metadata,
    Column("user_id", String(26), primary_key=True),
    Column("client_id", String(255), primary_key=True),
    Column("scopes", Json, nullable=False),
    Column("granted_at", UtcDateTime, nullable=False),
    mac_column(),
    info=signed(),
)

_OF_CLIENT = Prepared(
    select(consent_table).where(
        consent_table.c.user_id == bindparam("user"), consent_table.c.client_id == bindparam("client")
    )
)


@dataclass(frozen=True)
class Consent:
    client_id: str
    scopes: frozenset[str]
    granted_at: datetime


class Consents:
    def __init__(self, clock: Clock, ledger: Ledger, rows: SignedRows) -> None:
        self._clock = clock
        self._ledger = ledger
        self._rows = rows

    async def find(self, connection: Connection, user_id: str, client_id: str) -> frozenset[str]:
        """The scopes allowed so far; empty when never asked."""
        row = (await connection.execute(_OF_CLIENT, {"user": user_id, "client": client_id})).one_or_none()
        if row is None:
            return frozenset()
        self._rows.require(consent_table, row)
        return frozenset(row.scopes)

    async def list(self, connection: Connection, user_id: str) -> list[Consent]:
        query = select(consent_table).where(consent_table.c.user_id == user_id).order_by(consent_table.c.client_id)
        rows = await connection.execute(query)
        return [
            Consent(row.client_id, frozenset(row.scopes), row.granted_at)
            for row in rows
            if self._rows.is_genuine(consent_table, row)
        ]

    async def grant(self, connection: Connection, user_id: str, client_id: str, scopes: Iterable[str]) -> None:
        """Adds to what was allowed before."""
        known = await self.find(connection, user_id, client_id)
        key = {"user_id": user_id, "client_id": client_id}
        values: dict[str, Any] = {"scopes": sorted(known | set(scopes)), "granted_at": self._clock.now()}
        if not await self._rows.insert_if_absent(connection, consent_table, **key, **values):
            await self._rows.change(connection, consent_table, key, **values)
        await self._record(connection, user_id, client_id, "success")

    async def withdraw(self, connection: Connection, user_id: str, client_id: str) -> None:
        await connection.execute(
            delete(consent_table).where(consent_table.c.user_id == user_id, consent_table.c.client_id == client_id)
        )
        await self._record(connection, user_id, client_id, "success", action="oidc.consent_withdrawn")

    async def refuse(self, connection: Connection, user_id: str, client_id: str) -> None:
        await self._record(connection, user_id, client_id, "refused")

    async def _record(
        self,
        connection: Connection,
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
