"""The place of an event in the ledger's tree is a row of its own.

As a column of the event it made the database write the event, and an entry of each of its indexes, a second time. Events
that have no place yet wait in a table of theirs, which the database itself fills.
"""

import sqlalchemy as sa
from alembic import op

from core.database import UtcDateTime
from web.migrations.ledger_triggers import FIRST, NO_FIRST, NO_PLACES, PLACES

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_EVENT = "vault_ledger_event"
_INDEXES = {
    "subject": ["subject", "action", "id"],
    "actor": ["actor", "id"],
    "system": ["system", "id"],
    "action": ["action", "id"],
    "result": ["result", "id"],
    "recorded": ["recorded_at", "id"],
}


def upgrade() -> None:
    _execute(NO_FIRST)
    op.create_table(
        "vault_ledger_place",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.String(26), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_vault_ledger_place")),
        sa.UniqueConstraint("event_id", name=op.f("uq_vault_ledger_place_event_id")),
    )
    op.create_table(
        "vault_ledger_waiting",
        sa.Column("event_id", sa.String(26), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_vault_ledger_waiting")),
    )
    op.execute(
        "INSERT INTO vault_ledger_place (position, event_id) "
        "SELECT position, id FROM vault_ledger_event WHERE position IS NOT NULL ORDER BY position"
    )
    op.execute(
        "INSERT INTO vault_ledger_waiting (event_id) "
        "SELECT id FROM vault_ledger_event WHERE position IS NULL AND NOT quarantined"
    )
    op.drop_index("ix_vault_ledger_event_staged", table_name=_EVENT)
    if _is_sqlite():
        _rebuild()
    else:
        op.drop_constraint(op.f("uq_vault_ledger_event_position"), _EVENT)
        op.drop_column(_EVENT, "position")
    _execute(PLACES)


def downgrade() -> None:
    _execute(NO_PLACES)
    op.add_column(_EVENT, sa.Column("position", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE vault_ledger_event SET position = "
        "(SELECT place.position FROM vault_ledger_place AS place WHERE place.event_id = vault_ledger_event.id)"
    )
    if _is_sqlite():
        op.create_index("uq_vault_ledger_event_position", _EVENT, ["position"], unique=True)
    else:
        op.create_unique_constraint(op.f("uq_vault_ledger_event_position"), _EVENT, ["position"])
    where = sa.text("position IS NULL")
    op.create_index(
        "ix_vault_ledger_event_staged", _EVENT, ["id"], unique=False, sqlite_where=where, postgresql_where=where
    )
    op.drop_table("vault_ledger_waiting")
    op.drop_table("vault_ledger_place")
    _execute(FIRST)


def _rebuild() -> None:
    """SQLite drops no column that has to be unique."""
    for name in (*_INDEXES, "quarantined"):
        op.drop_index(f"ix_{_EVENT}_{name}", table_name=_EVENT)
    op.rename_table(_EVENT, "vault_ledger_event_before")
    op.create_table(
        _EVENT,
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("result", sa.String(8), nullable=False),
        sa.Column("actor", sa.String(255), nullable=True),
        sa.Column("subject", sa.String(255), nullable=True),
        sa.Column("system", sa.String(64), nullable=True),
        sa.Column("client", sa.String(255), nullable=True),
        sa.Column("session", sa.String(64), nullable=True),
        sa.Column("address", sa.String(64), nullable=True),
        sa.Column("request_id", sa.String(64), nullable=True),
        sa.Column("reason", sa.String(64), nullable=True),
        sa.Column("detail", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("quarantined", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vault_ledger_event")),
    )
    op.execute(
        "INSERT INTO vault_ledger_event (id, recorded_at, action, result, actor, subject, system, client, session, "
        "address, request_id, reason, detail, mac, quarantined) "
        "SELECT id, recorded_at, action, result, actor, subject, system, client, session, "
        "address, request_id, reason, detail, mac, quarantined FROM vault_ledger_event_before ORDER BY id"
    )
    op.drop_table("vault_ledger_event_before")
    for name, indexed in _INDEXES.items():
        op.create_index(f"ix_{_EVENT}_{name}", _EVENT, indexed, unique=False)
    op.create_index(f"ix_{_EVENT}_quarantined", _EVENT, ["id"], unique=False, sqlite_where=sa.text("quarantined IS 1"))


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _execute(statements: dict[str, tuple[str, ...]]) -> None:
    for statement in statements[op.get_bind().dialect.name]:
        op.execute(statement)
