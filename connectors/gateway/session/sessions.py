"""The gateway's sessions and visits.

A visit is one sign-in of the portal at one system: all that the gateway remembers of it. A session is a cookie of one
gateway host that belongs to a visit; a system with several origins has a host for each.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Index, Row, String, Table, UniqueConstraint, bindparam, delete, select

from connectors.gateway.session.supervision import Supervision
from core.clock import Clock
from core.database import Bytes, Connection, Database, Json, Prepared, UtcDateTime, metadata
from core.expiry import forgotten
from core.identifiers import new_id, new_token, token_digest
from core.integrity import mac_column, signed
from sso.authentication.sessions import Session, Sessions
from vault.rows import SignedRows, columns_of

# How long an ended session may still pass in a process that has just seen it alive (DESIGN §5).
FRESH_SECONDS = 1.0
_MOST_CACHED = 10_000
# As long as a dummy lives.
FILLING = timedelta(minutes=10)
# A legacy system may know a browser again for longer than any sign-in at the portal lives, and show then what it was
# given on an earlier visit.
REMEMBERED = timedelta(days=90)
# Visits of one person at one system whose secrets are still hidden, the newest.
_MOST_VISITS = 50

gateway_session_table = Table(
    "connectors_gateway_session",
    metadata,
    Column("digest", Bytes, primary_key=True),
    Column("visit_id", String(26), nullable=False, index=True),
    Column("host", String(80), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    mac_column(),
    info=signed() | forgotten("expires_at"),
)
gateway_visit_table = Table(
    "connectors_gateway_visit",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("session_id", String(64), nullable=False),
    Column("user_id", String(26), nullable=False),
    Column("system_id", String(26), nullable=False),
    # The cookies that the legacy server has set since the supervised sign-in began; null when none is under way.
    Column("supervision", Json),
    # The passwords that were put in on this visit, sealed, so that no answer shows them.
    Column("sealed_echoes", Json, nullable=False),
    # Until then a dummy may be exchanged, so no process trusts what it remembers of this visit.
    Column("filling_until", UtcDateTime),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    mac_column(),
    UniqueConstraint("session_id", "system_id"),
    Index("ix_connectors_gateway_visit_person", "user_id", "system_id"),
    info=signed() | forgotten("expires_at", kept=REMEMBERED),
)

_FOUND = Prepared(
    select(*columns_of(gateway_session_table, "host_"), *columns_of(gateway_visit_table, "visit_"))
    .join(gateway_visit_table, gateway_visit_table.c.id == gateway_session_table.c.visit_id)
    .where(gateway_session_table.c.digest == bindparam("digest"))
)
_VISITS = Prepared(
    select(gateway_visit_table)
    .where(
        gateway_visit_table.c.user_id == bindparam("user"),
        gateway_visit_table.c.system_id == bindparam("system"),
    )
    .order_by(gateway_visit_table.c.id.desc())
    .limit(_MOST_VISITS)
)


@dataclass(frozen=True)
class GatewaySession:
    """`id` is the visit's; `session` is the live sign-in at the provider, looked at again on every request.
    `is_read_anew`: no process remembers this visit, so what is kept with it now counts at once, everywhere."""

    id: str
    system_id: str
    session: Session
    supervision: Supervision | None = None
    is_read_anew: bool = False


class GatewaySessions:
    def __init__(self, database: Database, clock: Clock, sessions: Sessions, rows: SignedRows) -> None:
        self._database = database
        self._clock = clock
        self._sessions = sessions
        self._rows = rows
        self._seen: dict[bytes, tuple[GatewaySession, float]] = {}

    async def start(self, connection: Connection, session: Session, system_id: str, host: str) -> str:
        """A new session of that gateway host; gives its token, which is told once."""
        token = new_token()
        await self._rows.insert_if_absent(
            connection,
            gateway_visit_table,
            id=new_id(),
            session_id=session.id,
            user_id=session.user.id,
            system_id=system_id,
            supervision=None,
            sealed_echoes=[],
            # A new visit mostly opens a login page next.
            filling_until=self._clock.now() + FILLING,
            expires_at=session.expires_at,
        )
        query = select(gateway_visit_table.c.id).where(
            gateway_visit_table.c.session_id == session.id, gateway_visit_table.c.system_id == system_id
        )
        visit_id = (await connection.scalars(query)).one()
        await self._rows.insert(
            connection,
            gateway_session_table,
            digest=token_digest(token),
            visit_id=visit_id,
            host=host,
            expires_at=session.expires_at,
        )
        return token

    async def find(self, token: str | None, system_id: str, host: str) -> GatewaySession | None:
        """The live session of this browser for this host of the system; at most a second old."""
        if not token:
            return None
        digest = token_digest(token)
        known = self._seen.get(digest)
        if known is not None and time.monotonic() - known[1] < FRESH_SECONDS:
            return known[0] if known[0].system_id == system_id else None
        self._seen.pop(digest, None)
        row = await self._row(digest)
        if row is None or (row.visit_system_id, row.host_host) != (system_id, host):
            return None
        found = await self._alive(row)
        if found is not None and not found.is_read_anew:
            self._remember(digest, found)
        return found

    async def look_again(self, gateway_session: GatewaySession) -> Session | None:
        """The sign-in behind a visit as it stands now; None when either has ended."""
        async with self._database.read() as connection:
            alive = gateway_session_table.join(
                gateway_visit_table, gateway_visit_table.c.id == gateway_session_table.c.visit_id
            )
            query = select(gateway_visit_table.c.session_id).select_from(alive)
            session_id = await connection.scalar(query.where(gateway_visit_table.c.id == gateway_session.id).limit(1))
            return await self._sessions.find_by_id(connection, session_id) if session_id is not None else None

    async def end(self, connection: Connection, token: str) -> None:
        """Ends the visit that the token belongs to, at all hosts of the system. What it knows is not forgotten: a page
        could end it itself, to see in the next what this one hides."""
        digest = token_digest(token)
        self._seen.pop(digest, None)
        visit = select(gateway_session_table.c.visit_id).where(gateway_session_table.c.digest == digest)
        visit_id = await connection.scalar(visit)
        if visit_id is not None:
            await connection.execute(delete(gateway_session_table).where(gateway_session_table.c.visit_id == visit_id))

    # What a visit knows

    async def supervise(self, connection: Connection, visit_id: str, supervision: Supervision | None) -> None:
        """A supervised sign-in begins, goes on, or is over (None)."""
        document = supervision.to_json() if supervision is not None else None
        await self._change(connection, visit_id, supervision=document)

    async def note_cookies(self, connection: Connection, visit_id: str, set_cookies: Sequence[str]) -> None:
        """What the server has set in a supervised sign-in; nothing where that is over by now."""
        query = select(gateway_visit_table).where(gateway_visit_table.c.id == visit_id).with_for_update()
        row = (await connection.execute(query)).one_or_none()
        if row is None or row.supervision is None:
            return
        self._rows.require(gateway_visit_table, row)
        before = Supervision.from_json(row.supervision)
        if (after := before.with_cookies(set_cookies)) != before:
            await self._change(connection, visit_id, supervision=after.to_json())

    async def begin_filling(self, connection: Connection, visit_id: str) -> None:
        """From now on every process reads the visit anew, so that none shows an answer without what it learns next."""
        await self._change(connection, visit_id, filling_until=self._clock.now() + FILLING)

    async def echoes_of(self, connection: Connection, who: GatewaySession) -> tuple[tuple[str, ...], bool]:
        """What the system must not show to this person, of this visit, of those before and of those beside it, the
        oldest first; and whether it may be more in a moment, because one of them is being filled."""
        mine = {"user": who.session.user.id, "system": who.system_id}
        by_mark: dict[str, str] = {}
        is_filling = False
        for row in reversed((await connection.execute(_VISITS, mine)).all()):
            self._rows.require(gateway_visit_table, row)
            by_mark |= {one.partition(".")[0]: one for one in row.sealed_echoes}
            is_filling |= self._is_filling(row.filling_until)
        return tuple(by_mark.values()), is_filling

    async def keep_echo(self, connection: Connection, visit_id: str, mark: str, sealed: str, *, most: int) -> None:
        """One more, unless the visit has one of that mark; of more than `most` the oldest is forgotten."""
        query = select(gateway_visit_table.c.sealed_echoes).where(gateway_visit_table.c.id == visit_id)
        kept = await connection.scalar(query.with_for_update()) or []
        if not any(one.startswith(f"{mark}.") for one in kept):
            await self._change(connection, visit_id, sealed_echoes=[*kept, f"{mark}.{sealed}"][-most:])

    async def _change(self, connection: Connection, visit_id: str, **values: Any) -> None:
        await self._rows.change(connection, gateway_visit_table, {"id": visit_id}, **values)
        self._seen = {digest: known for digest, known in self._seen.items() if known[0].id != visit_id}

    def _remember(self, digest: bytes, found: GatewaySession) -> None:
        if len(self._seen) >= _MOST_CACHED:
            self._seen.clear()
        self._seen[digest] = (found, time.monotonic())

    async def _row(self, digest: bytes) -> Row[Any] | None:
        async with self._database.read() as connection:
            row: Row[Any] | None = (await connection.execute(_FOUND, {"digest": digest})).one_or_none()
        if row is not None:
            self._rows.require(gateway_session_table, row, "host_")
            self._rows.require(gateway_visit_table, row, "visit_")
        return row

    async def _alive(self, row: Row[Any]) -> GatewaySession | None:
        async with self._database.read() as connection:
            session = await self._sessions.find_by_id(connection, row.visit_session_id)
        if session is None:
            return None
        # Working in a legacy system is being present: the sign-in does not idle out meanwhile.
        if self._sessions.is_due(session):
            async with self._database.write() as connection:
                await self._sessions.touch(connection, session)
        kept = row.visit_supervision
        return GatewaySession(
            row.visit_id,
            row.visit_system_id,
            session,
            Supervision.from_json(kept) if kept is not None else None,
            is_read_anew=self._is_filling(row.visit_filling_until),
        )

    def _is_filling(self, until: datetime | None) -> bool:
        return until is not None and until > self._clock.now()
