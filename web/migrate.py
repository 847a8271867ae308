"""Brings the database to the newest shape, once, whoever comes first."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from core.database import Database

# An arbitrary constant shared by all processes: PostgreSQL's advisory lock number for migrations.
_LOCK = 0x59494D454E


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


async def migrate(database: Database) -> tuple[str | None, str | None]:
    """Upgrades to the head in one transaction; gives the revisions before and after.

    Processes that start together queue: on PostgreSQL at an advisory lock, on SQLite at the write lock.
    """
    async with database.write() as connection:
        if database.dialect == "postgresql":
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        return await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> tuple[str | None, str | None]:
    config = alembic_config()
    before = MigrationContext.configure(connection).get_current_revision()
    head = ScriptDirectory.from_config(config).get_current_head()
    if before != head:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return before, head
