"""Grants: what one authorization gave a client. Codes, refresh tokens and access tokens all hang on one grant, so
revoking it ends them all. Every single-use thing is consumed by one conditional statement (DESIGN §4.2)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Boolean, Column, Index, LargeBinary, Row, String, Table, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock
from core.database import Json, UtcDateTime, metadata
from core.identifiers import new_id, new_token, token_digest
from sso.authentication.sessions import Session
from sso.oidc.authorization_request import AuthorizationRequest

CODE_LIFETIME = timedelta(seconds=60)
REFRESH_IDLE = timedelta(days=14)
OFFLINE_LIFETIME = timedelta(days=90)

grant_table = Table(
    "sso_grant",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("client_id", String(255), nullable=False),
    Column("user_id", String(26), nullable=False),
    Column("session_id", String(64), nullable=False),
    Column("scopes", Json, nullable=False),
    Column("claims", Json, nullable=False),
    Column("nonce", String(1024)),
    Column("amr", Json, nullable=False),
    Column("acr", String(64), nullable=False),
    Column("auth_time", UtcDateTime, nullable=False),
    # An offline grant outlives the session it was given in (OIDC Core §11).
    Column("offline", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    Index("ix_sso_grant_user", "user_id", "revoked_at"),
    Index("ix_sso_grant_session", "session_id"),
)

code_table = Table(
    "sso_code",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("grant_id", String(26), nullable=False),
    Column("client_id", String(255), nullable=False),
    Column("redirect_uri", String(2000), nullable=False),
    Column("redirect_uri_sent", Boolean, nullable=False),
    Column("code_challenge", String(43)),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("used_at", UtcDateTime),
)

refresh_table = Table(
    "sso_refresh_token",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("grant_id", String(26), nullable=False, index=True),
    Column("client_id", String(255), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("used_at", UtcDateTime),
)


@dataclass(frozen=True)
class Grant:
    id: str
    client_id: str
    user_id: str
    session_id: str
    scopes: tuple[str, ...]
    claims: dict[str, Any]
    nonce: str | None
    amr: tuple[str, ...]
    acr: str
    auth_time: datetime
    offline: bool
    expires_at: datetime
    is_revoked: bool


class Grants:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def create(self, connection: AsyncConnection, request: AuthorizationRequest, session: Session) -> str:
        """A grant and its authorization code; gives the code."""
        now, code, grant_id = self._clock.now(), new_token(), new_id()
        offline = "offline_access" in request.scopes
        await connection.execute(
            insert(grant_table).values(
                id=grant_id,
                client_id=request.client.client_id,
                user_id=session.user.id,
                session_id=session.id,
                scopes=list(request.scopes),
                claims=dict(request.claims),
                nonce=request.nonce,
                amr=list(session.amr),
                acr=session.acr,
                auth_time=session.auth_time,
                offline=offline,
                created_at=now,
                expires_at=now + OFFLINE_LIFETIME if offline else session.expires_at,
            )
        )
        await connection.execute(
            insert(code_table).values(
                digest=token_digest(code),
                grant_id=grant_id,
                client_id=request.client.client_id,
                redirect_uri=request.redirect_uri,
                redirect_uri_sent=request.redirect_uri_sent,
                code_challenge=request.code_challenge,
                expires_at=now + CODE_LIFETIME,
            )
        )
        return code

    async def code(self, connection: AsyncConnection, code: str) -> Row[Any] | None:
        """The code's row, used or not."""
        query = select(code_table).where(code_table.c.digest == token_digest(code))
        return (await connection.execute(query)).one_or_none()

    async def consume_code(self, connection: AsyncConnection, code: str) -> bool:
        """True for exactly one caller, within the code's life."""
        now = self._clock.now()
        consumed = await connection.execute(
            update(code_table)
            .where(
                code_table.c.digest == token_digest(code),
                code_table.c.used_at.is_(None),
                code_table.c.expires_at > now,
            )
            .values(used_at=now)
        )
        return consumed.rowcount == 1

    async def issue_refresh(self, connection: AsyncConnection, grant: Grant) -> str:
        token = new_token()
        await connection.execute(
            insert(refresh_table).values(
                digest=token_digest(token),
                grant_id=grant.id,
                client_id=grant.client_id,
                expires_at=min(self._clock.now() + REFRESH_IDLE, grant.expires_at),
            )
        )
        return token

    async def refresh(self, connection: AsyncConnection, token: str) -> Row[Any] | None:
        query = select(refresh_table).where(refresh_table.c.digest == token_digest(token))
        return (await connection.execute(query)).one_or_none()

    async def consume_refresh(self, connection: AsyncConnection, token: str) -> bool:
        now = self._clock.now()
        consumed = await connection.execute(
            update(refresh_table)
            .where(
                refresh_table.c.digest == token_digest(token),
                refresh_table.c.used_at.is_(None),
                refresh_table.c.expires_at > now,
            )
            .values(used_at=now)
        )
        return consumed.rowcount == 1

    async def find(self, connection: AsyncConnection, grant_id: str) -> Grant | None:
        row = (await connection.execute(select(grant_table).where(grant_table.c.id == grant_id))).one_or_none()
        return None if row is None else _grant(row)

    def is_live(self, grant: Grant) -> bool:
        return not grant.is_revoked and grant.expires_at > self._clock.now()

    async def revoke(self, connection: AsyncConnection, grant_id: str) -> bool:
        revoked = await connection.execute(
            update(grant_table)
            .where(grant_table.c.id == grant_id, grant_table.c.revoked_at.is_(None))
            .values(revoked_at=self._clock.now())
        )
        return revoked.rowcount == 1

    async def revoke_for(self, connection: AsyncConnection, user_id: str, client_id: str) -> None:
        """Ends every grant of a person to one client: the consent was withdrawn."""
        await connection.execute(
            update(grant_table)
            .where(
                grant_table.c.user_id == user_id,
                grant_table.c.client_id == client_id,
                grant_table.c.revoked_at.is_(None),
            )
            .values(revoked_at=self._clock.now())
        )

    async def revoke_all(self, connection: AsyncConnection, user_id: str) -> None:
        """Ends every grant of a person, offline ones too: the password changed, or the account was closed."""
        await connection.execute(
            update(grant_table)
            .where(grant_table.c.user_id == user_id, grant_table.c.revoked_at.is_(None))
            .values(revoked_at=self._clock.now())
        )

    async def forget_expired(self, connection: AsyncConnection) -> None:
        """Codes and refresh tokens are kept a day longer, so that a late replay is still recognised."""
        before = self._clock.now() - timedelta(days=1)
        for table in (code_table, refresh_table):
            await connection.execute(delete(table).where(table.c.expires_at <= before))


def _grant(row: Row[Any]) -> Grant:
    return Grant(
        id=row.id,
        client_id=row.client_id,
        user_id=row.user_id,
        session_id=row.session_id,
        scopes=tuple(row.scopes),
        claims=row.claims,
        nonce=row.nonce,
        amr=tuple(row.amr),
        acr=row.acr,
        auth_time=row.auth_time,
        offline=row.offline,
        expires_at=row.expires_at,
        is_revoked=row.revoked_at is not None,
    )
