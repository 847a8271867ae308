"""Ending what a sign-in gave: live sessions, the grants made in them, and sign-ins half done.

The tables stand here, apart from the rules of starting and finding, so that the directory can end the sessions of a
person in the very transaction that disables them (DESIGN §4.4).
"""

from datetime import datetime, timedelta

from sqlalchemy import Column, Index, String, Table, delete, update

from core.database import Bytes, Connection, Json, UtcDateTime, metadata
from core.expiry import forgotten
from core.integrity import Flag, mac_column, signed
from sso.oidc.grant_table import grant_table
from vault.ledger import Event, Ledger

# A session that is over is still known for a day: for its endings, and for late questions about it.
KEPT_AFTER_END = timedelta(days=1)

session_table = Table(
    "sso_session",
    metadata,
    # The OIDC `sid`: random, so that it can be told to clients and guesses nothing.
    Column("id", String(64), primary_key=True),
    Column("digest", Bytes, nullable=False, unique=True),
    Column("user_id", String(26), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("amr", Json, nullable=False),
    Column("auth_time", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("address", String(64), nullable=False),
    Column("device", String(80), nullable=False),
    Column("ended_at", UtcDateTime),
    Column("end_reason", String(32)),
    mac_column(),
    Index("ix_sso_session_user", "user_id", "ended_at"),
    info=forgotten("expires_at", kept=KEPT_AFTER_END)
    | signed(
        left_out={
            "last_seen_at": "harmless, because it lets a session stay that is not over, to whoever holds its token",
            "ended_at": "setting it ends the session; clearing it puts the old row back, which the watch finds",
            "end_reason": "harmless, because it is only shown",
        },
        flag=Flag("ended_at", "user:", "user_id", ("session.end", "session.revoke")),
    ),
)
pending_table = Table(
    "sso_pending_sign_in",
    metadata,
    Column("digest", Bytes, primary_key=True),
    Column("user_id", String(26), nullable=False, index=True),
    Column("browser", Bytes, nullable=False),
    Column("amr", Json, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    mac_column(),
    info=signed() | forgotten("expires_at"),
)


async def end_sessions(
    connection: Connection,
    ledger: Ledger,
    now: datetime,
    user_id: str,
    *,
    actor: str,
    reason: str,
    keep: str | None = None,
) -> int:
    """Ends every session of a person but `keep`, with the grants made in them - offline ones too - and their half-done
    sign-ins; gives how many sessions."""
    await connection.execute(delete(pending_table).where(pending_table.c.user_id == user_id))
    await connection.execute(
        update(grant_table)
        .where(
            grant_table.c.user_id == user_id,
            grant_table.c.revoked_at.is_(None),
            grant_table.c.session_id != (keep or ""),
        )
        .values(revoked_at=now)
    )
    ended = await connection.scalars(
        update(session_table)
        .where(
            session_table.c.user_id == user_id, session_table.c.ended_at.is_(None), session_table.c.id != (keep or "")
        )
        .values(ended_at=now, end_reason=reason)
        .returning(session_table.c.id)
    )
    ids = ended.all()
    for session_id in ids:
        await ledger.record(
            connection,
            Event(
                action="session.revoke",
                result="success",
                actor=actor,
                subject=f"user:{user_id}",
                session=session_id,
                reason=reason,
            ),
        )
    return len(ids)
