"""The login requests that are known of each system, and the acts by which they come and go.

A row of no user is the system's: read from its form, or signed by a security administrator. A row of a user was learned
at that person's first sign-in and counts for them alone, so that nobody teaches the gateway where another person's
password goes. A row of a user without a document says that they may learn again although the system's is confirmed.

A row that was withdrawn or replaced counts for nothing, and stays: its last version stands in the ledger, so an older
one that somebody puts back is told from it. So does one of an older generation of the system's login (`generation.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Index, Row, String, Table

from connectors.errors import ConnectorError
from connectors.login_requests.generation import Login
from connectors.login_requests.request import LoginRequest, Source
from core.clock import Clock
from core.database import Connection, Json, UtcDateTime, metadata
from core.identifiers import new_id
from core.integrity import Anchor, anchor_column, mac_column, signed
from vault.ledger import Event
from vault.row_tables import batches
from vault.rows import SignedRows, read

_SUBJECT = "login_request:"
_ACTIONS = ("pin", "confirm", "sign", "relearn", "replace", "withdraw", "bind")

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
    # Since when it counts for nothing: it was withdrawn, or another took its place.
    Column("withdrawn_at", UtcDateTime),
    # The generation of the system's login that it was made in. NULL only before an upgrade has given it one.
    Column("login_generation", String(26)),
    anchor_column(),
    mac_column(),
    info=signed(anchor=Anchor(_SUBJECT, tuple(f"login_request.{action}" for action in _ACTIONS), later=True)),
)
_login = login_request_table.c
_COUNTS = _login.withdrawn_at.is_(None)
Index(
    "ix_connectors_login_request_system",
    _login.system_id,
    _login.user_id,
    sqlite_where=_COUNTS,
    postgresql_where=_COUNTS,
)


@dataclass(frozen=True)
class Known:
    """A login request of a system. `user_id` is None for one that counts for everybody."""

    id: str
    login: Login
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
    def __init__(self, clock: Clock, rows: SignedRows) -> None:
        self._clock = clock
        self._signed = rows

    async def known_for(self, connection: Connection, login: Login, user_id: str) -> Knowledge:
        mine = _login.user_id.is_(None) | (_login.user_id == user_id)
        rows = await self._rows(connection, *_of(login), mine)
        known = [_known(row) for row in rows if row.document is not None]
        asked = any(row.document is None for row in rows)
        return Knowledge(known, may_learn=asked or not any(one.is_confirmed for one in known))

    async def list(self, connection: Connection, *, after: str = "", limit: int = 50) -> list[Known]:
        """Newest first, a page at a time: what was learned and is not signed, and what counts for everybody."""
        conditions: list[ColumnElement[bool]] = [_login.document.is_not(None)]
        if after:
            conditions.append(_login.id < after)
        rows = await self._rows(connection, *conditions, limit=limit)
        return [_known(row) for row in rows]

    async def keep_form(self, connection: Connection, login: Login, request: LoginRequest) -> None:
        """The form that the server gives to a visitor who is not signed in, in place of the one before."""
        forms = await self._rows(connection, _login.system_id == login.system_id, _login.source == Source.FORM.value)
        others = [row for row in forms if (_known(row).login, _known(row).request) != (login, request)]
        for row in others:
            await self._end(connection, row, "login_request.replace", "system")
        if len(others) == len(forms):
            await self._pin(connection, login, None, Source.FORM, request, confirmed=False, actor="system")

    async def learn(self, connection: Connection, login: Login, user_id: str, requests: Sequence[LoginRequest]) -> None:
        """What a supervised sign-in that succeeded has shown, in place of what this person had learned before."""
        actor = f"user:{user_id}"
        await self._end_all_of(connection, login.system_id, user_id)
        for request in requests:
            await self._pin(connection, login, user_id, Source.LEARNED, request, confirmed=True, actor=actor)

    async def propose(self, connection: Connection, login: Login, user_id: str, request: LoginRequest) -> None:
        """What a sign-in would have taught, where a signature comes first."""
        rows = await self._rows(connection, *_of(login))
        if any(row.document is not None and _known(row).request == request for row in rows):
            return
        actor = f"user:{user_id}"
        await self._pin(connection, login, user_id, Source.LEARNED, request, confirmed=False, actor=actor)

    async def confirm(self, connection: Connection, known_id: str, *, actor: str) -> None:
        """A sign-in by it was seen to succeed."""
        row = await self._find(connection, known_id)
        if row is not None and row.confirmed_at is None:
            await self._change(connection, row, "login_request.confirm", actor, confirmed_at=self._clock.now())

    async def learn_again(self, connection: Connection, login: Login, user_id: str) -> None:
        """The person says that the system's sign-in has changed: the next one is supervised."""
        await self._end_all_of(connection, login.system_id, user_id)
        values = {"user_id": user_id, "source": Source.LEARNED.value}
        await self._insert(connection, "login_request.relearn", f"user:{user_id}", login, values)

    async def sign(self, connection: Connection, known_id: str, *, actor: str) -> Known:
        """What one person's sign-in taught counts for everybody from now on. Raises ERR-LOGIN_REQUEST, and
        ERR-SAME_PERSON where the one who taught it signs."""
        row = await self._require(connection, known_id)
        if row.user_id is not None and actor == f"user:{row.user_id}":
            raise ConnectorError("ERR-SAME_PERSON", "nobody signs what he taught", status=403)
        signed_by = actor.removeprefix("user:")
        to = {"user_id": None, "source": Source.SIGNED.value, "signed_by": signed_by, "confirmed_at": self._clock.now()}
        if not await self._change(connection, row, "login_request.sign", actor, **to):
            raise _not_there()
        return _known(row)

    async def withdraw(self, connection: Connection, known_id: str, *, actor: str) -> Known:
        """It counts no more; the next sign-in reads the form, or is supervised, again. Raises ERR-LOGIN_REQUEST."""
        row = await self._require(connection, known_id)
        await self._end(connection, row, "login_request.withdraw", actor)
        return _known(row)

    async def begin_generations(self, connection: Connection, logins: Sequence[Login]) -> None:
        """Once, at the upgrade that brought them: what counts at these systems is of their generation of today."""
        for login in logins:
            unbound = _login.system_id == login.system_id, _login.login_generation.is_(None), _COUNTS
            async for rows in batches(connection, login_request_table, *unbound):
                for row in rows:
                    if self._signed.is_genuine(login_request_table, row):
                        to = {"login_generation": login.generation}
                        await self._change(connection, row, "login_request.bind", "system", **to)

    async def _require(self, connection: Connection, known_id: str) -> Row[Any]:
        row = await self._find(connection, known_id)
        if row is None or row.document is None:
            raise _not_there()
        return row

    async def _find(self, connection: Connection, known_id: str) -> Row[Any] | None:
        rows = await self._rows(connection, _login.id == known_id)
        return rows[0] if rows else None

    async def _rows(
        self, connection: Connection, *conditions: ColumnElement[bool], limit: int = 200
    ) -> Sequence[Row[Any]]:
        query = read(login_request_table).where(_COUNTS, *conditions).order_by(_login.id.desc()).limit(limit)
        rows = (await connection.execute(query)).all()
        return [row for row in rows if self._signed.is_genuine(login_request_table, row)]

    async def _end_all_of(self, connection: Connection, system_id: str, user_id: str) -> None:
        """Whatever this person had learned, or asked to learn, at the system."""
        for row in await self._rows(connection, _login.system_id == system_id, _login.user_id == user_id):
            await self._end(connection, row, "login_request.replace", f"user:{user_id}")

    async def _end(self, connection: Connection, row: Row[Any], action: str, actor: str) -> None:
        await self._change(connection, row, action, actor, withdrawn_at=self._clock.now())

    async def _change(self, connection: Connection, row: Row[Any], action: str, actor: str, **to: Any) -> bool:
        """False, and nothing done, where the row was ended since it was read."""
        event, key = _event(action, actor, dict(row._mapping)), {"id": row.id}
        return await self._signed.change_told(connection, login_request_table, key, event, _COUNTS, **to) is not None

    async def _pin(
        self,
        connection: Connection,
        login: Login,
        user_id: str | None,
        source: Source,
        request: LoginRequest,
        *,
        confirmed: bool,
        actor: str,
    ) -> None:
        values = {
            "user_id": user_id,
            "source": source.value,
            "document": request.model_dump(mode="json"),
            "confirmed_at": self._clock.now() if confirmed else None,
        }
        await self._insert(connection, "login_request.pin", actor, login, values)

    async def _insert(
        self, connection: Connection, action: str, actor: str, login: Login, values: Mapping[str, Any]
    ) -> None:
        place = {"system_id": login.system_id, "login_generation": login.generation}
        made = {"id": new_id(), "created_at": self._clock.now()}
        values = {"document": None, "confirmed_at": None, **values, **place, **made}
        event = _event(action, actor, values)
        await self._signed.insert_told(connection, login_request_table, event, **values)


def _of(login: Login) -> tuple[ColumnElement[bool], ...]:
    return _login.system_id == login.system_id, _login.login_generation == login.generation


def _not_there() -> ConnectorError:
    return ConnectorError("ERR-LOGIN_REQUEST", "no such login request", status=404)


def _event(action: str, actor: str, row: Mapping[str, Any]) -> Event:
    """What the ledger tells of a row as it was before the act, or as it is made."""
    detail: dict[str, str | int | bool] = {"source": row["source"]}
    if row["document"] is not None:
        request = LoginRequest.model_validate(row["document"])
        detail |= {
            "request": request.hash,
            "method": request.method,
            "path": request.path[:200],
            "kind": request.kind or "any",
        }
    return Event(
        action=action,
        result="success",
        actor=actor,
        subject=f"{_SUBJECT}{row['id']}",
        system=row["system_id"],
        detail=detail,
    )


def _known(row: Row[Any]) -> Known:
    return Known(
        row.id,
        Login(row.system_id, row.login_generation),
        row.user_id,
        Source(row.source),
        LoginRequest.model_validate(row.document),
        row.created_at,
        row.confirmed_at is not None,
        row.signed_by,
    )
