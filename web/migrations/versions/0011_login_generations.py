"""Items are sealed for a generation of their system's login, and login requests belong to one.

The generations come empty. The first process that starts with the keys gives them, once: `vault.adoption`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_OF_GENERATION = ("connectors_system", "connectors_login_request")
_SEALED = ("vault_item", "vault_ticket")


def upgrade() -> None:
    for table in _OF_GENERATION:
        op.add_column(table, sa.Column("login_generation", sa.String(26)))
    op.add_column("connectors_system", sa.Column("recipe_version", sa.Integer()))
    _widen()
    # What is held for ten minutes is sealed for another destination now.
    op.execute("DELETE FROM connectors_capture")


def downgrade() -> None:
    # An older Yimen believes no row that was signed with a generation, and opens no item that was sealed for one:
    # systems have to be accepted (`yimen vault accept`), passwords to be entered again.
    op.execute("DELETE FROM connectors_capture")
    op.execute("DELETE FROM connectors_login_request")
    op.drop_column("connectors_system", "recipe_version")
    for table in _OF_GENERATION:
        op.drop_column(table, "login_generation")


def _widen() -> None:
    """SQLite keeps texts of any length. An older Yimen works with the wider columns, so they stay."""
    if op.get_bind().dialect.name == "postgresql":
        for table in _SEALED:
            op.alter_column(table, "destination", type_=sa.String(1500))
