"""The gateway's own sessions: one a system and browser, host-only, and never longer than the sign-in they came from."""

import time
from dataclasses import dataclass

from sqlalchemy import Column, Row, String, Table, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock
from core.database import Bytes, Database, UtcDateTime, metadata
from core.identifiers import new_id, new_token, token_digest
from sso.authentication.sessions import Session, Sessions

# How long an ended session may still pass in a process that has just seen it alive (DESIGN §5).
FRESH_SECONDS = 1.0
_MOST_CACHED = 10_000

gateway_session_table = Table(
    "connectors_gateway_session",
    metadata,
    Column("digest", Bytes, primary_key=True),
    Column("id", String(26), nullable=False, unique=True),
    Column("session_id", String(64), nullable=False, index=True),
    Column("system_id", String(26), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)


@dataclass(frozen=True)
class GatewaySession:
    """`session` is the live sign-in at the provider; it is looked at again on every request."""

    id: str
    system_id: str
    session: Session


class GatewaySessions:
    def __init__(self, database: Database, clock: Clock, sessions: Sessions) -> None:
        self._database = database
        self._clock = clock
        self._sessions = sessions
        self._seen: dict[bytes, tuple[GatewaySession, float]] = {}

    async def start(self, connection: AsyncConnection, session: Session, system_id: str) -> str:
        """A new session; gives its token, which is told once."""
        token = new_token()
        await connection.execute(
            insert(gateway_session_table).values(
                digest=token_digest(token),
                id=new_id(),
                session_id=session.id,
                system_id=system_id,
                expires_at=session.expires_at,
            )
        )
        return token

    async def find(self, token: str | None, system_id: str) -> GatewaySession | None:
        """The live session of this browser for this system; at most a second old."""
        if not token:
            return None
        digest = token_digest(token)
        known = self._seen.get(digest)
        if known is not None and time.monotonic() - known[1] < FRESH_SECONDS:
            return known[0] if known[0].system_id == system_id else None
        found = await self._read(digest)
        self._seen.pop(digest, None)
        if found is None or found.system_id != system_id:
            return None
        if len(self._seen) >= _MOST_CACHED:
            self._seen.clear()
        self._seen[digest] = (found, time.monotonic())
        return found

    async def look_again(self, gateway_session: GatewaySession) -> Session | None:
        """The sign-in behind a gateway session as it stands now; None when either has ended."""
        async with self._database.read() as connection:
            query = select(gateway_session_table.c.session_id).where(gateway_session_table.c.id == gateway_session.id)
            session_id = await connection.scalar(query)
            return await self._sessions.find_by_id(connection, session_id) if session_id is not None else None

    async def end(self, connection: AsyncConnection, token: str) -> None:
        self._seen.pop(token_digest(token), None)
        await connection.execute(
            delete(gateway_session_table).where(gateway_session_table.c.digest == token_digest(token))
        )

    async def _read(self, digest: bytes) -> GatewaySession | None:
        async with self._database.read() as connection:
            query = select(gateway_session_table).where(gateway_session_table.c.digest == digest)
            row: Row[tuple[object, ...]] | None = (await connection.execute(query)).one_or_none()
            if row is None:
                return None
            session = await self._sessions.find_by_id(connection, row.session_id)
        if session is None:
            return None
        # Working in a legacy system is being present: the sign-in does not idle out meanwhile.
        if self._sessions.is_due(session):
            async with self._database.write() as connection:
                await self._sessions.touch(connection, session)
        return GatewaySession(row.id, row.system_id, session)
