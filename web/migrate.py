"""Brings the database to the newest shape, once, whoever comes first."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from core.database import Database, StatementError
from core.errors import ConfigurationError

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"
# Where Alembic keeps it.
_REVISION = text("SELECT version_num FROM alembic_version")


def newest_revision() -> str:
    """The revision that this version works with: the number of the last file."""
    return max(file.name.partition("_")[0] for file in (_MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def alembic_config() -> "Config":
    # Only who changes tables waits for Alembic, and keeps it in memory.
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


async def migrate(database: Database) -> tuple[str | None, str | None]:
    """Upgrades to the head in one transaction; gives the revisions before and after.

    Processes that start together queue.
    Raises ERR-DATABASE when the database cannot be used, or is newer than this version of Yimen.
    """
    await database.reach()
    if (newest := newest_revision()) == await _revision_of(database):
        return newest, newest
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
    if found != newest_revision():
        raise ConfigurationError("ERR-DATABASE", f"the database is at {found}: run `yimen migrate` of this version")


async def _revision_of(database: Database) -> str | None:
    try:
        async with database.read() as connection:
            revision: str | None = await connection.scalar(_REVISION)
    except StatementError:  # there is no such table yet
        return None
    return revision


def _upgrade(connection: Connection) -> tuple[str | None, str | None]:
    from alembic import command  # noqa: PLC0415
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = alembic_config()
    scripts = ScriptDirectory.from_config(config)
    before, head = MigrationContext.configure(connection).get_current_revision(), scripts.get_current_head()
    if before is not None and before not in {script.revision for script in scripts.walk_revisions()}:
        raise ConfigurationError("ERR-DATABASE", f"the database is at {before}, which is newer than this Yimen")
    if before != head:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return before, head
