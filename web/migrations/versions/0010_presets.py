"""A fill knows what the form of its page presets.

Fills live for minutes and are signed as a whole: they are made anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM connectors_fill")
    op.add_column("connectors_fill", sa.Column("presets", sa.JSON(), server_default="{}", nullable=False))


def downgrade() -> None:
    op.execute("DELETE FROM connectors_fill")
    op.drop_column("connectors_fill", "presets")
