"""A county's years of rows, put beside what is measured: nothing may cost more for it.

They are what a million people and their systems leave. Nobody asks for them, so nobody has signed them; the watch that
would find that looks once in half an hour, which no run takes.
"""

from sqlalchemy import JSON, Boolean, Column, DateTime, Integer, LargeBinary, Table, text
from sqlalchemy.types import TypeDecorator

from core.database import Connection, Database
from sso.authentication.endings import session_table
from sso.clients import client_table
from sso.directory.people import user_table
from sso.directory.posts import post_table
from sso.oidc.grant_table import grant_table
from sso.oidc.grants import code_table, refresh_table
from vault.heads import item_table

ROWS = {
    user_table: 1_000_000,
    post_table: 1_000_000,
    client_table: 100_000,
    session_table: 500_000,
    grant_table: 500_000,
    refresh_table: 500_000,
    code_table: 500_000,
    item_table: 1_000_000,
}
# Columns that tell which row it is, or whose; each row has its own.
_OWN = ("id", "digest", "user_id", "session_id", "grant_id", "client_id", "username", "organisation_id", "owner")
# By type, of every other column that must have a value.
_SAME = (
    (LargeBinary, "'\\x00'::bytea"),
    (DateTime, "timestamptz '2099-01-01 00:00+00'"),
    (Boolean, "false"),
    (Integer, "0"),
    (JSON, "'[]'"),
)


async def fill(database: Database) -> None:
    """On PostgreSQL."""
    async with database.write() as connection:
        for table, count in ROWS.items():
            await _fill(connection, table, count)
    async with database.write() as connection:
        await connection.execute(text("VACUUM ANALYZE"), last=True)


async def _fill(connection: Connection, table: Table, count: int) -> None:
    columns = [column for column in table.c if column.name in _OWN or not column.nullable]
    names = ", ".join(f'"{column.name}"' for column in columns)
    values = ", ".join(_value(column) for column in columns)
    numbers = "SELECT n FROM generate_series(1::bigint, :count) AS g(n)"
    await connection.execute(
        text(f"INSERT INTO {table.name} ({names}) SELECT {values} FROM ({numbers}) AS numbers"), {"count": count}
    )


def _value(column: Column[object]) -> str:
    kind = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
    if column.name in _OWN:
        return "sha256(n::text::bytea)" if isinstance(kind, LargeBinary) else "'~' || lpad(n::text, 25, '0')"
    return next((value for known, value in _SAME if isinstance(kind, known)), "'x'")
