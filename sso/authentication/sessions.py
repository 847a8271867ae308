"""Sessions: who is signed in, since when, how strongly. State is in the database; the browser has a random token."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Index, LargeBinary, Row, String, Table, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock
from core.database import Json, UtcDateTime, metadata
from core.identifiers import new_token, token_digest
from core.settings import Settings
from sso.authentication.devices import device_label
from sso.directory.users import User, user_of_row, user_table
from vault.ledger import Event, Ledger

SEEN_INTERVAL = timedelta(minutes=1)
STEP_UP_LIFETIME = timedelta(minutes=5)

# Authentication context classes: one factor, two factors.
ACR_ONE = "urn:yimen:acr:1"
ACR_TWO = "urn:yimen:acr:2"

session_table = Table(
    "sso_session",
    metadata,
    # The OIDC `sid`: random, so that it can be told to clients and guesses nothing.
    Column("id", String(64), primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("user_id", String(26), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("amr", Json, nullable=False),
    Column("auth_time", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("address", String(64), nullable=False),
    Column("device", String(80), nullable=False),
    Column("ended_at", UtcDateTime),
    Column("end_reason", String(32)),
    Index("ix_sso_session_user", "user_id", "ended_at"),
)


@dataclass(frozen=True)
class Session:
    """A live session. `id` is the OIDC `sid`; `csrf` belongs in every form of this session."""

    id: str
    user: User
    amr: tuple[str, ...]
    auth_time: datetime
    started_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    address: str
    device: str
    csrf: str = field(repr=False, default="")

    @property
    def acr(self) -> str:
        return ACR_TWO if "mfa" in self.amr else ACR_ONE

    def is_fresh(self, now: datetime) -> bool:
        """True when the person proved themselves within the last minutes: enough for a reveal."""
        return now - self.auth_time < STEP_UP_LIFETIME


class Sessions:
    def __init__(self, clock: Clock, settings: Settings, ledger: Ledger) -> None:
        self._clock = clock
        self._idle = timedelta(minutes=settings.session_idle_minutes)
        self._admin_idle = timedelta(minutes=settings.admin_session_idle_minutes)
        self._absolute = timedelta(hours=settings.session_absolute_hours)
        self._ledger = ledger

    async def start(
        self, connection: AsyncConnection, user: User, *, amr: tuple[str, ...], address: str, user_agent: str
    ) -> tuple[Session, str]:
        """A new session and its token, which is told once. Always a new token: no fixation (CVE-2026-7507)."""
        now, token = self._clock.now(), new_token()
        session = Session(
            id=secrets.token_urlsafe(24),
            user=user,
            amr=amr,
            auth_time=now,
            started_at=now,
            last_seen_at=now,
            expires_at=now + self._absolute,
            address=address,
            device=device_label(user_agent),
            csrf=new_token(),
        )
        await connection.execute(
            insert(session_table).values(
                id=session.id,
                digest=token_digest(token),
                user_id=user.id,
                csrf=session.csrf,
                amr=list(amr),
                auth_time=now,
                started_at=now,
                last_seen_at=now,
                expires_at=session.expires_at,
                address=address,
                device=session.device,
            )
        )
        await self._record(connection, "session.start", session.id, user.id, address)
        return session, token

    async def find(self, connection: AsyncConnection, token: str) -> Session | None:
        """The live session of a token: not ended, within both limits, its user active."""
        return await self._one(connection, session_table.c.digest == token_digest(token))

    async def find_by_id(self, connection: AsyncConnection, session_id: str) -> Session | None:
        return await self._one(connection, session_table.c.id == session_id)

    async def touch(self, connection: AsyncConnection, session: Session) -> None:
        """Notes that the person is here; written at most once a minute (see `is_due`)."""
        await connection.execute(
            update(session_table).where(session_table.c.id == session.id).values(last_seen_at=self._clock.now())
        )

    def is_due(self, session: Session) -> bool:
        return self._clock.now() - session.last_seen_at >= SEEN_INTERVAL

    async def list(self, connection: AsyncConnection, user_id: str) -> list[Session]:
        """The person's live sessions, newest first."""
        query = _joined().where(session_table.c.user_id == user_id, session_table.c.ended_at.is_(None))
        rows = (await connection.execute(query.order_by(session_table.c.started_at.desc()))).all()
        return [await self._session(connection, row) for row in rows if self._is_live(row)]

    async def revoke(self, connection: AsyncConnection, session_id: str, *, actor: str, reason: str) -> bool:
        """Ends a session at once; False when it had ended."""
        ended = await connection.execute(
            update(session_table)
            .where(session_table.c.id == session_id, session_table.c.ended_at.is_(None))
            .values(ended_at=self._clock.now(), end_reason=reason)
            .returning(session_table.c.user_id)
        )
        row = ended.one_or_none()
        if row is not None:
            action = "session.end" if reason == "sign_out" else "session.revoke"
            await self._record(connection, action, session_id, row.user_id, None, actor=actor, reason=reason)
        return row is not None

    async def revoke_all(
        self, connection: AsyncConnection, user_id: str, *, actor: str, reason: str, keep: str | None = None
    ) -> int:
        """Ends all sessions of a person, but for `keep`; gives how many."""
        query = select(session_table.c.id).where(
            session_table.c.user_id == user_id, session_table.c.ended_at.is_(None), session_table.c.id != (keep or "")
        )
        ids = (await connection.scalars(query)).all()
        for session_id in ids:
            await self.revoke(connection, session_id, actor=actor, reason=reason)
        return len(ids)

    async def step_up(self, connection: AsyncConnection, session: Session, amr: tuple[str, ...]) -> str:
        """After the person proved themselves again: a new token, a new time. Gives the token."""
        token = new_token()
        await connection.execute(
            update(session_table)
            .where(session_table.c.id == session.id)
            .values(
                digest=token_digest(token),
                auth_time=self._clock.now(),
                amr=sorted({*session.amr, *amr}),
            )
        )
        return token

    async def _one(self, connection: AsyncConnection, condition: Any) -> Session | None:
        row = (await connection.execute(_joined().where(condition))).one_or_none()
        if row is None or not self._is_live(row):
            return None
        return await self._session(connection, row)

    def _is_live(self, row: Row[Any]) -> bool:
        administrator = any(role.endswith("_admin") for role in row.roles)
        idle = self._admin_idle if administrator else self._idle
        now = self._clock.now()
        return (
            row.ended_at is None and row.status == "active" and now < row.expires_at and now < row.last_seen_at + idle
        )

    async def _session(self, connection: AsyncConnection, row: Row[Any]) -> Session:
        return Session(
            id=row.session_id,
            user=await user_of_row(connection, row, self._clock.now().date()),
            amr=tuple(row.amr),
            auth_time=row.auth_time,
            started_at=row.started_at,
            last_seen_at=row.last_seen_at,
            expires_at=row.expires_at,
            address=row.address,
            device=row.device,
            csrf=row.csrf,
        )

    async def _record(
        self,
        connection: AsyncConnection,
        action: str,
        session_id: str,
        user_id: str,
        address: str | None,
        *,
        actor: str | None = None,
        reason: str | None = None,
    ) -> None:
        await self._ledger.record(
            connection,
            Event(
                action=action,
                result="success",
                actor=actor or f"user:{user_id}",
                subject=f"user:{user_id}",
                session=session_id,
                address=address,
                reason=reason,
            ),
        )


def _joined() -> Any:
    """A session with its user, in one round trip."""
    columns = [column for column in session_table.c if column.name not in ("id", "user_id")]
    return select(session_table.c.id.label("session_id"), *columns, *user_table.c).join_from(
        session_table, user_table, session_table.c.user_id == user_table.c.id
    )
