"""Sign-in attempts under way stand apart from those that failed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The statement is the same in SQLite and PostgreSQL; Alembic's own would copy the table in SQLite.
    op.execute('ALTER TABLE sso_attempt RENAME COLUMN "count" TO failures')
    op.add_column("sso_attempt", sa.Column("under_way", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("sso_attempt", "under_way")
    op.execute('ALTER TABLE sso_attempt RENAME COLUMN failures TO "count"')
