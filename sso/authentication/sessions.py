"""Sessions: who is signed in, since when, how strongly. State is in the database; the browser has a random token."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, bindparam, update

from core.clock import Clock
from core.database import Connection, Database, Part, Prepared
from core.identifiers import new_token, token_digest
from core.settings import Settings
from sso.authentication.devices import device_label
from sso.authentication.endings import end_sessions, session_table
from sso.directory.people import PERSON_COLUMNS, POST_ORDER, User, people, user_of_parts, user_table
from sso.errors import SsoError
from vault.ledger import Event, Ledger
from vault.rows import SignedRows, columns_of

SEEN_INTERVAL = timedelta(minutes=1)
STEP_UP_LIFETIME = timedelta(minutes=5)
# How long ended sessions are kept, so that a page can say how they ended; the ledger knows for ever.

# Authentication context classes: one factor, two factors.
ACR_ONE = "urn:yimen:acr:1"
ACR_TWO = "urn:yimen:acr:2"

_SESSION = columns_of(session_table, "session_")


def _sessions_where(*conditions: ColumnElement[bool]) -> Prepared:
    source = session_table.join(user_table, session_table.c.user_id == user_table.c.id)
    query = people(source, *_SESSION).where(*conditions, session_table.c.expires_at > bindparam("now"))
    ordered = query.order_by(session_table.c.started_at.desc(), session_table.c.id, *POST_ORDER)
    return Prepared(ordered, (len(_SESSION), PERSON_COLUMNS))


_BY_DIGEST = _sessions_where(session_table.c.digest == bindparam("wanted"))
_BY_ID = _sessions_where(session_table.c.id == bindparam("wanted"))
_BY_USER = _sessions_where(session_table.c.user_id == bindparam("wanted"), session_table.c.ended_at.is_(None))


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
    def __init__(self, clock: Clock, settings: Settings, ledger: Ledger, rows: SignedRows) -> None:
        self._clock = clock
        self._local_time = settings.local_time
        self._rows = rows
        self._idle = timedelta(minutes=settings.session_idle_minutes)
        self._admin_idle = timedelta(minutes=settings.admin_session_idle_minutes)
        self._absolute = timedelta(hours=settings.session_absolute_hours)
        self._ledger = ledger

    async def start(
        self, connection: Connection, user: User, *, amr: tuple[str, ...], address: str, user_agent: str
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
        await self._rows.insert(
            connection, session_table, **_covered(session), digest=token_digest(token), last_seen_at=now
        )
        await self._record(connection, "session.start", session.id, user.id, address)
        return session, token

    async def find(self, connection: Connection, token: str) -> Session | None:
        """The live session of a token: not ended, within both limits, its user active."""
        return next(iter(await self._several(connection, _BY_DIGEST, token_digest(token))), None)

    async def find_by_id(self, connection: Connection, session_id: str) -> Session | None:
        return next(iter(await self._several(connection, _BY_ID, session_id)), None)

    async def present(self, database: Database, token: str) -> Session | None:
        """`find`, and a note that the person is here: one read, and at most one write a minute."""
        async with database.read() as connection:
            session = await self.find(connection, token)
        if session is not None and self.is_due(session):
            async with database.write() as connection:
                await self.touch(connection, session)
        return session

    async def touch(self, connection: Connection, session: Session) -> None:
        """Notes that the person is here; written at most once a minute (see `is_due`)."""
        await connection.execute(
            update(session_table)
            .where(session_table.c.id == session.id, session_table.c.ended_at.is_(None))
            .values(last_seen_at=self._clock.now())
        )

    def is_due(self, session: Session) -> bool:
        return self._clock.now() - session.last_seen_at >= SEEN_INTERVAL

    async def list(self, connection: Connection, user_id: str) -> list[Session]:
        """The person's live sessions, newest first."""
        return [*await self._several(connection, _BY_USER, user_id)]

    async def revoke(self, connection: Connection, session_id: str, *, actor: str, reason: str) -> bool:
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
        self, connection: Connection, user_id: str, *, actor: str, reason: str, keep: str | None = None
    ) -> int:
        """Ends all sessions of a person, but for `keep`; gives how many."""
        return await end_sessions(
            connection, self._ledger, self._clock.now(), user_id, actor=actor, reason=reason, keep=keep
        )

    async def step_up(self, connection: Connection, session: Session, amr: tuple[str, ...]) -> str:
        """After the person proved themselves again: a new token, a new time. Gives the token.

        Raises ERR-SESSION when the session has ended in the meantime.
        """
        token, now = new_token(), self._clock.now()
        stepped = await self._rows.change(
            connection,
            session_table,
            {"id": session.id},
            session_table.c.ended_at.is_(None),
            digest=token_digest(token),
            auth_time=now,
            last_seen_at=now,
            amr=sorted({*session.amr, *amr}),
        )
        if stepped is None:
            raise SsoError("ERR-SESSION", "the session has ended", status=401)
        return token

    async def _several(self, connection: Connection, query: Prepared, wanted: str | bytes) -> Sequence[Session]:
        """Live sessions with their users, posts and organisations, newest first, in one round trip."""
        rows = await connection.find(query, {"wanted": wanted, "now": self._clock.now()})
        # The session's id is the first of its columns.
        found = [self._session([*group]) for _, group in groupby(rows, lambda row: row[0].raw[0])]
        return [session for session in found if session is not None]

    def _session(self, rows: Sequence[tuple[Part, Part]]) -> Session | None:
        """The session of its rows, or None when it is not live.

        A session that somebody else wrote is none: its browser signs in again. Raises ERR-ROW_TAMPERED where the
        person's own rows were tampered with.
        """
        part, now = rows[0][0], self._clock.now()
        user = user_of_parts(self._rows, [person for _, person in rows], self._local_time.day_of(now))
        session = self._rows.once(("session", part.raw[0]), (part.raw, user), lambda: self._kept(part, user))
        if session is None or not user.is_active or now >= session.expires_at:
            return None
        idle = self._admin_idle if user.is_administrator else self._idle
        return session if now < session.last_seen_at + idle else None

    def _kept(self, part: Part, user: User) -> Session | None:
        """The session as its row tells it; None when it was ended, or written by somebody else."""
        row = part.row()
        if row.session_ended_at is not None or not self._rows.is_genuine(session_table, row, "session_"):
            return None
        return Session(
            id=row.session_id,
            user=user,
            amr=tuple(row.session_amr),
            auth_time=row.session_auth_time,
            started_at=row.session_started_at,
            last_seen_at=row.session_last_seen_at,
            expires_at=row.session_expires_at,
            address=row.session_address,
            device=row.session_device,
            csrf=row.session_csrf,
        )

    async def _record(
        self,
        connection: Connection,
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


def _covered(session: Session) -> dict[str, Any]:
    """What the row's MAC covers, but for the token's digest."""
    return {
        "id": session.id,
        "user_id": session.user.id,
        "csrf": session.csrf,
        "amr": list(session.amr),
        "auth_time": session.auth_time,
        "started_at": session.started_at,
        "expires_at": session.expires_at,
        "address": session.address,
        "device": session.device,
    }
