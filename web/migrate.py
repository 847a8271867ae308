"""Brings the database to the newest shape, once, whoever comes first."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from core.database import Database, StatementError
from core.errors import ConfigurationError

# Where Alembic keeps it.
_REVISION = text("SELECT version_num FROM alembic_version")


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


async def migrate(database: Database) -> tuple[str | None, str | None]:
    """Upgrades to the head in one transaction; gives the revisions before and after.

    Processes that start together queue.
    Raises ERR-DATABASE when the database cannot be used, or is newer than this version of Yimen.
    """
    await database.reach()
    async with database.schema() as connection:
        return await connection.run_sync(_upgrade)


async def is_there(database: Database) -> bool:
    """False where a first start would make the tables. Nothing is written. Raises ERR-DATABASE."""
    if not database.is_there:
        return False
    await database.reach()
    return await _revision_of(database) is not None


async def require_migrated(database: Database) -> None:
    """For commands that must not make a new database by mistake. Raises ERR-DATABASE unless it is in this shape."""
    if not database.is_there:
        raise ConfigurationError("ERR-DATABASE", f"there is no Yimen here: no file {database.file}")
    await database.reach()
    found = await _revision_of(database)
    if found is None:
        raise ConfigurationError("ERR-DATABASE", "there is no Yimen here: the database is empty")
    if found != _scripts().get_current_head():
        raise ConfigurationError("ERR-DATABASE", f"the database is at {found}: run `yimen migrate` of this version")


async def _revision_of(database: Database) -> str | None:
    try:
        async with database.read() as connection:
            revision: str | None = await connection.scalar(_REVISION)
    except StatementError:  # there is no such table yet
        return None
    return revision


def _upgrade(connection: Connection) -> tuple[str | None, str | None]:
    config, scripts = alembic_config(), _scripts()
    before, head = _revision(connection), scripts.get_current_head()
    if before is not None and before not in {script.revision for script in scripts.walk_revisions()}:
        raise ConfigurationError("ERR-DATABASE", f"the database is at {before}, which is newer than this Yimen")
    if before != head:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return before, head


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(alembic_config())
