"""What must not be shown again counts for every visit of its person at the system.

Visits are made anew: their rows would need another signature, and what they keep another seal.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_VISIT = "connectors_gateway_visit"
_PERSON = "ix_connectors_gateway_visit_person"


def upgrade() -> None:
    _forget_visits()
    with op.batch_alter_table(_VISIT) as visit:
        visit.add_column(sa.Column("user_id", sa.String(26), nullable=False))
        visit.create_index(_PERSON, ["user_id", "system_id"])


def downgrade() -> None:
    _forget_visits()
    with op.batch_alter_table(_VISIT) as visit:
        visit.drop_index(_PERSON)
        visit.drop_column("user_id")


def _forget_visits() -> None:
    for table in ("connectors_gateway_session", "connectors_gateway_basic", "connectors_fill", _VISIT):
        op.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608 - names of our own
