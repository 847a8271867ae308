"""What every test stands on: a real database of its own, and a clock that stands still."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadGroupScheduling

from core.clock import FrozenClock
from core.database import Database
from core.settings import Settings
from tests import costs
from tests.postgres import Postgres, migrated, opened
from vault.keys.custody import KeyringCustodian, open_custodian
from vault.keys.sealing import Sealer
from vault.ledger import Ledger
from vault.rows import SignedRows

# No test asserts a time: machines differ, and the first draw of a strategy builds its tables.
hypothesis.settings.register_profile(
    "yimen", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("yimen")

BACKEND = os.environ.get("YIMEN_TEST_DATABASE", "sqlite")

# Tests that one worker carries out, in their order, as they share something dear or build on each other.
TOGETHER = (
    "tests/deploy/installed/",
    "tests/stories/test_hostile_pages_in_browser.py",
    "tests/demo/test_legacy_in_a_browser.py",
    "tests/connectors/legacy/test_fill_script.py",
)

# These begin first: each takes long by itself.
DEAR = (*TOGETHER, "tests/stories/", "tests/interop/", "tests/web/processes/", "tests/bench/")

# What is run on PostgreSQL too: of a test in one process that meets the database, the first case. The others send the
# same statements with other values; where they do not, the mark `every_case` says so.
IN_EVERY_CASE = ("tests/core/",)
# What servers and browsers add is the same with either database...
WITH_PROCESSES = ("tests/interop/", "tests/stories/", "tests/web/processes/")
# ...but for how processes share one, hear of each other through it, and lose it; and for one way through everything.
SHARING_A_DATABASE = (
    "tests/stories/test_failover.py",
    "tests/stories/test_killed.py",
    "tests/stories/test_large_apply.py",
    "tests/stories/test_one_sign_in.py",
    "tests/stories/test_replicas.py",
    "tests/web/processes/test_serving.py",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL, what meets the database and what it may answer otherwise than SQLite; on SQLite, everything.

    What is dear begins first, so that no worker is left alone with it at the end.
    """
    if BACKEND == "postgresql":
        seen: set[str] = set()
        chosen = [item for item in items if _is_for_postgres(item, seen)]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
        items[:] = chosen
    items.sort(key=lambda item: not item.nodeid.startswith(DEAR))


def _is_for_postgres(item: pytest.Item, seen: set[str]) -> bool:
    if "database_url" not in getattr(item, "fixturenames", ()):
        return False
    if item.nodeid.startswith(WITH_PROCESSES) and not item.nodeid.startswith(SHARING_A_DATABASE):
        return False
    function = item.nodeid.partition("[")[0]
    is_first = function not in seen
    seen.add(function)
    return is_first or item.nodeid.startswith(IN_EVERY_CASE) or item.get_closest_marker("every_case") is not None


class _FoldersTogether(LoadGroupScheduling):  # type: ignore[misc]
    """Any worker gets any test, but those that share something dear are one worker's.

    They are known by their place: the marks of xdist's groups are lost with this version of pytest.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((place for place in TOGETHER if nodeid.startswith(place)), nodeid)


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
def postgres() -> Iterator[Postgres]:
    with opened() as postgres:
        yield postgres


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "empty.db"
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, migrated(f"sqlite:///{path}")).result()
    return path


@pytest.fixture
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The address of an empty database with every table."""
    if BACKEND == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        name = await postgres.take()
        yield postgres.address(name)
        await postgres.give_back(name)
    else:
        shutil.copyfile(request.getfixturevalue("empty_sqlite"), tmp_path / "yimen.db")
        yield f"sqlite:///{tmp_path / 'yimen.db'}"


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
