"""Rows that give power are signed, and sealed items are bound to a destination.

The columns come empty. What stands in the tables is signed once, by the first process that starts with the keys: `vault.adoption`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SIGNED = (
    *("sso_user", "sso_organisation", "sso_client", "connectors_system", "sso_session", "sso_pending_sign_in"),
    *("sso_grant", "sso_code", "sso_refresh_token", "sso_interaction", "sso_consent", "sso_signing_key"),
    *("sso_attempt", "vault_ticket", "connectors_launch_intent"),
)
ANCHORED = ("sso_user", "sso_organisation", "sso_client", "connectors_system")


def upgrade() -> None:
    for table in SIGNED:
        op.add_column(table, sa.Column("row_mac", sa.LargeBinary()))
    for table in ANCHORED:
        op.add_column(table, sa.Column("anchor", sa.String(26)))
    op.add_column("sso_user", sa.Column("posts_digest", sa.LargeBinary()))
    for table in ("sso_code", "sso_refresh_token"):
        op.add_column(table, sa.Column("since", sa.String(26)))
    op.create_table(
        "sso_proofs",
        sa.Column("user_id", sa.String(26), primary_key=True),
        sa.Column("password_digest", sa.LargeBinary()),
        sa.Column("totp_digest", sa.LargeBinary()),
        sa.Column("recovery_digest", sa.LargeBinary()),
        sa.Column("anchor", sa.String(26)),
        sa.Column("row_mac", sa.LargeBinary()),
    )
    # A ticket lives for half a minute: none is carried over.
    op.execute("DELETE FROM vault_ticket")
    op.execute("ALTER TABLE vault_ticket DROP COLUMN origin")
    op.add_column("vault_ticket", sa.Column("destination", sa.String(300)))
    # What is held for ten minutes is sealed in another way now.
    op.execute("DELETE FROM connectors_capture")
    op.add_column("vault_item", sa.Column("destination", sa.String(300)))


def downgrade() -> None:
    op.drop_column("vault_item", "destination")
    op.drop_column("vault_ticket", "destination")
    op.add_column("vault_ticket", sa.Column("origin", sa.String(300), server_default="", nullable=False))
    op.drop_table("sso_proofs")
    for table in ("sso_code", "sso_refresh_token"):
        op.drop_column(table, "since")
    op.drop_column("sso_user", "posts_digest")
    for table in ANCHORED:
        op.drop_column(table, "anchor")
    for table in SIGNED:
        op.drop_column(table, "row_mac")
