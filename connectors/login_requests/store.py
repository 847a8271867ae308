"""The login requests that are known of each system, and the acts by which they come and go.

A row of no user is the system's: read from its form, or signed by a security administrator. A row of a user was learned
at that person's first sign-in and counts for them alone, so that nobody teaches the gateway where another person's
password goes. A row of a user without a document says that they may learn again although the system's is confirmed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Index, Row, String, Table, delete, select

from connectors.errors import ConnectorError
from connectors.login_requests.request import LoginRequest, Source
from core.clock import Clock
from core.database import Connection, Json, UtcDateTime, metadata
from core.identifiers import new_id
from core.integrity import mac_column, signed
from vault.ledger import Event, Ledger
from vault.rows import SignedRows

login_request_table = Table(
    "connectors_login_request",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("system_id", String(26), nullable=False),
    Column("user_id", String(26)),
    Column("source", String(8), nullable=False),
    Column("document", Json),
    Column("created_at", UtcDateTime, nullable=False),
    # The first time that a sign-in by it was seen to succeed.
    Column("confirmed_at", UtcDateTime),
    Column("signed_by", String(26)),
    mac_column(),
    Index("ix_connectors_login_request_system", "system_id", "user_id"),
    info=signed(),
)


@dataclass(frozen=True)
class Known:
    """A login request of a system. `user_id` is None for one that counts for everybody."""

    id: str
    system_id: str
    user_id: str | None
    source: Source
    request: LoginRequest
    created_at: datetime
    is_confirmed: bool
    signed_by: str | None = None


@dataclass(frozen=True)
class Knowledge:
    """What counts for one person at one system.

    `may_learn`: nothing is confirmed yet, or the person asked to learn again: a supervised sign-in may teach.
    """

    requests: Sequence[Known]
    may_learn: bool

    @property
    def has_form(self) -> bool:
        return any(one.source in (Source.FORM, Source.SIGNED) for one in self.requests)


class LoginRequests:
    def __init__(self, clock: Clock, ledger: Ledger, rows: SignedRows) -> None:
        self._clock = clock
        self._ledger = ledger
        self._signed = rows

    async def known_for(self, connection: Connection, system_id: str, user_id: str) -> Knowledge:
        mine = login_request_table.c.user_id.is_(None) | (login_request_table.c.user_id == user_id)
        rows = await self._rows(connection, login_request_table.c.system_id == system_id, mine)
        known = [_known(row) for row in rows if row.document is not None]
        asked = any(row.document is None for row in rows)
        return Knowledge(known, may_learn=asked or not any(one.is_confirmed for one in known))

    async def list(self, connection: Connection, *, after: str = "", limit: int = 50) -> list[Known]:
        """Newest first, a page at a time: what was learned and is not signed, and what counts for everybody."""
        conditions: list[ColumnElement[bool]] = [login_request_table.c.document.is_not(None)]
        if after:
            conditions.append(login_request_table.c.id < after)
        rows = await self._rows(connection, *conditions, limit=limit)
        return [_known(row) for row in rows]

    async def keep_form(self, connection: Connection, system_id: str, request: LoginRequest) -> None:
        """The form that the server gives to a visitor who is not signed in, in place of the one before."""
        query = select(login_request_table).where(
            login_request_table.c.system_id == system_id, login_request_table.c.source == Source.FORM.value
        )
        row = (await connection.execute(query)).one_or_none()
        if row is not None and self._signed.is_genuine(login_request_table, row) and _known(row).request == request:
            return
        if row is not None:
            await connection.execute(delete(login_request_table).where(login_request_table.c.id == row.id))
        await self._insert(connection, system_id, None, Source.FORM, request, confirmed=False, actor="system")

    async def learn(
        self, connection: Connection, system_id: str, user_id: str, requests: Sequence[LoginRequest]
    ) -> None:
        """What a supervised sign-in that succeeded has shown, in place of what this person had learned before."""
        await self._forget_of(connection, system_id, user_id)
        for request in requests:
            await self._insert(
                connection, system_id, user_id, Source.LEARNED, request, confirmed=True, actor=f"user:{user_id}"
            )

    async def propose(self, connection: Connection, system_id: str, user_id: str, request: LoginRequest) -> None:
        """What a sign-in would have taught, where a signature comes first."""
        rows = await self._rows(connection, login_request_table.c.system_id == system_id)
        if any(row.document is not None and _known(row).request == request for row in rows):
            return
        await self._insert(
            connection, system_id, user_id, Source.LEARNED, request, confirmed=False, actor=f"user:{user_id}"
        )

    async def confirm(self, connection: Connection, known_id: str) -> None:
        """A sign-in by it was seen to succeed."""
        unconfirmed = login_request_table.c.confirmed_at.is_(None)
        await self._signed.change(
            connection, login_request_table, {"id": known_id}, unconfirmed, confirmed_at=self._clock.now()
        )

    async def learn_again(self, connection: Connection, system_id: str, user_id: str) -> None:
        """The person says that the system's sign-in has changed: the next one is supervised."""
        await self._forget_of(connection, system_id, user_id)
        await self._signed.insert(
            connection,
            login_request_table,
            id=new_id(),
            system_id=system_id,
            user_id=user_id,
            source=Source.LEARNED.value,
            document=None,
            created_at=self._clock.now(),
            confirmed_at=None,
            signed_by=None,
        )
        await self._record(connection, "login_request.relearn", system_id, f"user:{user_id}")

    async def sign(self, connection: Connection, known_id: str, *, actor: str) -> Known:
        """What one person's sign-in taught counts for everybody from now on. Raises ERR-LOGIN_REQUEST, and
        ERR-SAME_PERSON where the one who taught it signs."""
        known = await self.find(connection, known_id)
        if known.user_id is not None and actor == f"user:{known.user_id}":
            raise ConnectorError("ERR-SAME_PERSON", "nobody signs what he taught", status=403)
        await self._signed.change(
            connection,
            login_request_table,
            {"id": known_id},
            user_id=None,
            source=Source.SIGNED.value,
            signed_by=actor.removeprefix("user:"),
            confirmed_at=self._clock.now(),
        )
        await self._record(connection, "login_request.sign", known.system_id, actor, known.request, known.source)
        return known

    async def withdraw(self, connection: Connection, known_id: str, *, actor: str) -> Known:
        """It counts no more; the next sign-in reads the form, or is supervised, again."""
        known = await self.find(connection, known_id)
        await connection.execute(delete(login_request_table).where(login_request_table.c.id == known_id))
        await self._record(connection, "login_request.withdraw", known.system_id, actor, known.request, known.source)
        return known

    async def find(self, connection: Connection, known_id: str) -> Known:
        rows = await self._rows(connection, login_request_table.c.id == known_id)
        if not rows or rows[0].document is None:
            raise ConnectorError("ERR-LOGIN_REQUEST", "no such login request", status=404)
        return _known(rows[0])

    async def _rows(
        self, connection: Connection, *conditions: ColumnElement[bool], limit: int = 200
    ) -> Sequence[Row[Any]]:
        query = select(login_request_table).where(*conditions).order_by(login_request_table.c.id.desc()).limit(limit)
        rows = (await connection.execute(query)).all()
        return [row for row in rows if self._signed.is_genuine(login_request_table, row)]

    async def _forget_of(self, connection: Connection, system_id: str, user_id: str) -> None:
        await connection.execute(
            delete(login_request_table).where(
                login_request_table.c.system_id == system_id, login_request_table.c.user_id == user_id
            )
        )

    async def _insert(
        self,
        connection: Connection,
        system_id: str,
        user_id: str | None,
        source: Source,
        request: LoginRequest,
        *,
        confirmed: bool,
        actor: str,
    ) -> None:
        now = self._clock.now()
        await self._signed.insert(
            connection,
            login_request_table,
            id=new_id(),
            system_id=system_id,
            user_id=user_id,
            source=source.value,
            document=request.model_dump(mode="json"),
            created_at=now,
            confirmed_at=now if confirmed else None,
            signed_by=None,
        )
        await self._record(connection, "login_request.pin", system_id, actor, request, source)

    async def _record(
        self,
        connection: Connection,
        action: str,
        system_id: str,
        actor: str,
        request: LoginRequest | None = None,
        source: Source | None = None,
    ) -> None:
        detail: dict[str, str | int | bool] = {}
        if request is not None:
            detail = {
                "request": request.hash,
                "method": request.method,
                "path": request.path[:200],
                "kind": request.kind or "any",
            }
        if source is not None:
            detail["source"] = source.value
        event = Event(
            action=action, result="success", actor=actor, subject=f"system:{system_id}", system=system_id, detail=detail
        )
        await self._ledger.record(connection, event)


def _known(row: Row[Any]) -> Known:
    return Known(
        row.id,
        row.system_id,
        row.user_id,
        Source(row.source),
        LoginRequest.model_validate(row.document),
        row.created_at,
        row.confirmed_at is not None,
        row.signed_by,
    )
