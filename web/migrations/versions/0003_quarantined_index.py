"""Events that carry the mark of a planted row are few: health counts them by an index of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_vault_ledger_event_quarantined",
        "vault_ledger_event",
        ["id"],
        unique=False,
        sqlite_where=sa.text("quarantined IS 1"),
        postgresql_where=sa.text("quarantined IS true"),
    )


def downgrade() -> None:
    op.drop_index("ix_vault_ledger_event_quarantined", table_name="vault_ledger_event")
