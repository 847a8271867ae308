"""How many events fell into each span of time, for the timeline. What is placed already is counted by the worker."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "vault_ledger_count",
        sa.Column("kind", sa.String(80), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("result", sa.String(8), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "seconds", "start", "result", name=op.f("pk_vault_ledger_count")),
    )
    op.create_table(
        "vault_ledger_counted",
        sa.Column("name", sa.String(16), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_vault_ledger_counted")),
    )


def downgrade() -> None:
    op.drop_table("vault_ledger_counted")
    op.drop_table("vault_ledger_count")
