"""The login request of a system is known beforehand; what the gateway keeps of a visit is signed.

Gateway sessions, fills and offers live for hours at most: they are made anew, and people open their systems again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_SHORT_LIVED = ("connectors_gateway_session", "connectors_gateway_basic", "connectors_fill", "connectors_capture")


def upgrade() -> None:
    for table in _SHORT_LIVED:
        op.drop_table(table)
    op.create_table(
        "connectors_login_request",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("system_id", sa.String(26), nullable=False),
        sa.Column("user_id", sa.String(26)),
        sa.Column("source", sa.String(8), nullable=False),
        sa.Column("document", sa.JSON()),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("confirmed_at", _TIME),
        sa.Column("signed_by", sa.String(26)),
        sa.Column("row_mac", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connectors_login_request")),
    )
    op.create_index("ix_connectors_login_request_system", "connectors_login_request", ["system_id", "user_id"])
    op.create_table(
        "connectors_gateway_session",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("visit_id", sa.String(26), nullable=False),
        sa.Column("host", sa.String(80), nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("row_mac", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_connectors_gateway_session")),
    )
    _index("connectors_gateway_session", "visit_id", "expires_at")
    op.create_table(
        "connectors_gateway_visit",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("session_id", sa.String(64), nullable=False),
        sa.Column("system_id", sa.String(26), nullable=False),
        sa.Column("supervision", sa.JSON()),
        sa.Column("sealed_echoes", sa.JSON(), nullable=False),
        sa.Column("filling_until", _TIME),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("row_mac", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connectors_gateway_visit")),
        sa.UniqueConstraint("session_id", "system_id", name=op.f("uq_connectors_gateway_visit_session_id_system_id")),
    )
    _index("connectors_gateway_visit", "expires_at")
    op.create_table(
        "connectors_gateway_basic",
        sa.Column("visit_id", sa.String(26), nullable=False),
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("item_id", sa.String(26), nullable=False),
        sa.Column("item_version", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("pk_connectors_gateway_basic")),
    )
    _index("connectors_gateway_basic", "expires_at")
    op.create_table(
        "connectors_fill",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("visit_id", sa.String(26), nullable=False),
        sa.Column("item_id", sa.String(26)),
        sa.Column("dummy", sa.String(32), nullable=False),
        sa.Column("asks_username", sa.Boolean(), nullable=False),
        sa.Column("username_names", sa.JSON(), nullable=False),
        sa.Column("password_names", sa.JSON(), nullable=False),
        sa.Column("charset", sa.String(40), nullable=False),
        sa.Column("login_url", sa.String(2000), nullable=False),
        sa.Column("variables", sa.JSON(), nullable=False),
        sa.Column("supervised", sa.Boolean(), nullable=False),
        sa.Column("taught", sa.JSON(), nullable=False),
        sa.Column("known_id", sa.String(26)),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("used_at", _TIME),
        sa.Column("reusable_until", _TIME),
        sa.Column("undecided", sa.String(8)),
        sa.Column("row_mac", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connectors_fill")),
    )
    _index("connectors_fill", "visit_id", "expires_at")
    op.create_table(
        "connectors_capture",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("user_id", sa.String(26), nullable=False),
        sa.Column("visit_id", sa.String(26), nullable=False),
        sa.Column("system_id", sa.String(26), nullable=False),
        sa.Column("masked_login", sa.String(200), nullable=False),
        sa.Column("sealed_login", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("offered", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connectors_capture")),
    )
    _index("connectors_capture", "visit_id", "expires_at")


def downgrade() -> None:
    raise NotImplementedError("an older Yimen would put passwords where this one does not: restore a backup instead")


def _index(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
