"""Jobs remember how their last turns went, so that one that keeps failing is told."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("core_job", sa.Column("succeeded_at", sa.DateTime(timezone=True)))
    op.add_column("core_job", sa.Column("failed_at", sa.DateTime(timezone=True)))
    op.add_column("core_job", sa.Column("failures", sa.Integer(), server_default="0", nullable=False))
    op.add_column("core_job", sa.Column("failure", sa.String(64)))


def downgrade() -> None:
    for name in ("failure", "failures", "failed_at", "succeeded_at"):
        op.drop_column("core_job", name)
