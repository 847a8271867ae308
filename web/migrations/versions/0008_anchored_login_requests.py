"""Login requests are tied to the ledger, and one that is over stays as a row that counts for nothing.

The anchors come empty. The first process that starts with the keys gives them, once: `vault.adoption`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TABLE = "connectors_login_request"
_INDEX = "ix_connectors_login_request_system"
_COLUMNS = ["system_id", "user_id"]


def upgrade() -> None:
    op.add_column(_TABLE, sa.Column("withdrawn_at", sa.DateTime(timezone=True)))
    op.add_column(_TABLE, sa.Column("anchor", sa.String(26)))
    counts = sa.text("withdrawn_at IS NULL")
    op.drop_index(_INDEX, _TABLE)
    op.create_index(_INDEX, _TABLE, _COLUMNS, sqlite_where=counts, postgresql_where=counts)


def downgrade() -> None:
    # An older Yimen believes none of these rows, and would not know which of them are over.
    op.execute("DELETE FROM connectors_login_request")
    op.drop_index(_INDEX, _TABLE)
    op.create_index(_INDEX, _TABLE, _COLUMNS)
    op.drop_column(_TABLE, "anchor")
    op.drop_column(_TABLE, "withdrawn_at")
