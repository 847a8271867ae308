"""The migrations make exactly the tables that the code declares."""

import importlib
import pkgutil

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

import connectors
import core
import sso
import vault
import web
from core.database import Database, metadata
from web import tables
from web.migrate import alembic_config, migrate, newest_revision


async def test_the_migrations_make_what_the_code_declares(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": False}), metadata))

    async with database.schema() as connection:
        assert await connection.run_sync(differences) == []


async def test_migrating_twice_changes_nothing(database: Database) -> None:
    before, after = await migrate(database)
    assert before == after
    assert after is not None


def test_the_newest_revision_is_told_without_alembic() -> None:
    assert newest_revision() == ScriptDirectory.from_config(alembic_config()).get_current_head()


def test_every_module_with_a_table_is_listed() -> None:
    known = set(metadata.tables)
    assert tables
    for floor in (core, vault, sso, connectors, web):
        for module in pkgutil.walk_packages(floor.__path__, f"{floor.__name__}."):
            if ".migrations" not in module.name:
                importlib.import_module(module.name)
    assert set(metadata.tables) == known
