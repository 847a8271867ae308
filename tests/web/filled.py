"""A database as it is after years: many rows in every table that grows with people, clients, sessions and events.

The rows are made by the database itself, from a number and the column's type. Yimen believes none of them.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Date, DateTime, Integer, LargeBinary, Table, text
from sqlalchemy.types import TypeDecorator, TypeEngine

from core.database import Database, metadata

ROWS = 10_000

# What stays small whatever the county does: settings, keys, the inventory, and what is empty most of the time.
_SMALL = {
    *("connectors_recipe", "connectors_system", "connectors_login_request", "core_job", "sso_organisation"),
    *("sso_signing_key", "vault_root", "vault_signing_key", "vault_ledger_tree", "vault_ledger_counted"),
    *("vault_ledger_waiting",),
}
GROWING = [table for table in metadata.sorted_tables if table.name not in _SMALL]

_NUMBERS = {
    "postgresql": "SELECT n FROM generate_series(1, :rows) AS g(n)",
    "sqlite": "WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < :rows) SELECT n FROM g",
}


async def fill(database: Database, now: datetime) -> None:
    async with database.write() as connection:
        for table in GROWING:
            if table.name == "vault_ledger_event":
                await connection.execute(text(_event_trigger(database.dialect, on=False)))
            await connection.execute(text(_filling(table, database.dialect, now)), {"rows": ROWS})
            if table.name == "vault_ledger_event":
                await connection.execute(text(_event_trigger(database.dialect, on=True)))
        await connection.execute(text("ANALYZE"))


def _filling(table: Table, dialect: str, now: datetime) -> str:
    names = ", ".join(f'"{column.name}"' for column in table.c)
    values = ", ".join(_value(column, dialect, now) for column in table.c)
    return f"INSERT INTO {table.name} ({names}) SELECT {values} FROM ({_NUMBERS[dialect]}) AS numbers"


def _value(column: Column[Any], dialect: str, now: datetime) -> str:
    kind = _stored(column.type)
    is_sqlite = dialect == "sqlite"
    if isinstance(kind, LargeBinary):
        return "CAST(printf('%064d', n) AS BLOB)" if is_sqlite else "decode(lpad(to_hex(n), 64, '0'), 'hex')"
    if isinstance(kind, Boolean):
        return "0" if is_sqlite else "false"
    if isinstance(kind, Integer):  # below all that there are
        return "-n"
    if isinstance(kind, DateTime):  # none of them is over
        start = now.strftime("%Y-%m-%d %H:%M:%S")
        later = f"strftime('%Y-%m-%d %H:%M:%f000', '{start}', n || ' minutes')"
        return later if is_sqlite else f"timestamptz '{start}+00' + n * interval '1 minute'"
    if isinstance(kind, Date):
        return "date('2030-01-01', n || ' days')" if is_sqlite else "date '2030-01-01' + n"
    if isinstance(kind, JSON):
        return "'{}'"
    # Sorts before every identifier of ours.
    return "'0' || n" if is_sqlite else "'0' || n::text"


def _stored(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    return kind.impl_instance if isinstance(kind, TypeDecorator) else kind


def _event_trigger(dialect: str, *, on: bool) -> str:
    """These events neither wait for a place nor get one."""
    if dialect == "postgresql":
        return f"ALTER TABLE vault_ledger_event {'ENABLE' if on else 'DISABLE'} TRIGGER vault_ledger_event_waits"
    return "DELETE FROM vault_ledger_waiting" if on else "SELECT 1"
