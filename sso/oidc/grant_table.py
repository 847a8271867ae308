"""The table of grants. It stands apart, so that what ends a person's sessions ends their grants in the same act."""

from datetime import timedelta

from sqlalchemy import Boolean, Column, Index, String, Table

from core.database import Json, UtcDateTime, metadata
from core.expiry import forgotten
from core.integrity import mac_column, signed

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
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("revoked_at", UtcDateTime),
    mac_column(),
    Index("ix_sso_grant_user", "user_id", "revoked_at"),
    Index("ix_sso_grant_session", "session_id"),
    # A day longer, as its codes and refresh tokens, so that a late replay is still recognised.
    info=forgotten("expires_at", kept=timedelta(days=1))
    | signed(
        left_out={"revoked_at": "setting it ends the grant; clearing it puts the old row back, which no MAC can tell"}
    ),
)
