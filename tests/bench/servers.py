"""The servers of a run, started one after the other and ended together."""

import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from core.database import Database
from tests.bench.filling import fill
from tests.bench.generator.job import Target
from tests.bench.machine import Cores
from tests.bench.options import Options
from tests.bench.peers.keycloak import open_keycloak
from tests.bench.peers.oidc_provider import open_oidc_provider
from tests.bench.peers.provider import BARE, Account, Provider
from tests.bench.peers.yimen import PAGES, open_yimen
from tests.bench.postgres import Postgres
from tests.bench.running import Running
from tests.stories.conftest import free_port


@dataclass(frozen=True)
class Place:
    """Where everything of a run happens."""

    folder: Path
    options: Options
    cores: Cores
    postgres: Postgres
    account: Account


async def open_servers(stack: AsyncExitStack, place: Place) -> list[Provider]:
    """One after the other, so that none slows another's start."""
    legacy = await _open_bare(stack, place, place.cores.database, "legacy")
    bare = await _open_bare(stack, place, place.cores.server, BARE)
    openers = {
        "yimen-postgresql": lambda: _yimen(stack, place, "PostgreSQL", place.postgres.create("yimen"), legacy),
        "yimen-postgresql-filled": lambda: _filled(stack, place, legacy),
        "yimen-sqlite": lambda: _yimen(stack, place, "SQLite", "", legacy),
        "oidc-provider": lambda: _oidc_provider(stack, place),
        "keycloak": lambda: _keycloak(stack, place),
    }
    opened = [bare]
    for name in place.options.servers:
        opened.append(await openers[name]())
        print(f"{opened[-1].title} was ready after {opened[-1].cold_start:.1f} s", flush=True)
    return opened


async def _open_bare(stack: AsyncExitStack, place: Place, on: frozenset[int], name: str) -> Provider:
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.bare", str(port)]
    running = Running(command, cores=Cores(server=on), log=place.folder / f"{name}.log")
    stack.callback(running.end)
    origin = f"http://127.0.0.1:{port}"
    cold_start = await running.ready(f"{origin}/small")
    targets = {f"gateway {page}": Target(page=f"{origin}{page}") for page in PAGES}
    targets[BARE] = Target(page=f"{origin}/small")
    return Provider(name, origin, running, cold_start, targets)


async def _yimen(stack: AsyncExitStack, place: Place, database: str, database_url: str, legacy: Provider) -> Provider:
    return await open_yimen(
        stack,
        place.folder,
        database=database,
        database_url=database_url,
        port=free_port(),
        cores=place.cores,
        account=place.account,
        legacy=legacy.title,
    )


async def _filled(stack: AsyncExitStack, place: Place, legacy: Provider) -> Provider:
    url = place.postgres.create("filled")
    opened = await _yimen(stack, place, "PostgreSQL-filled", url, legacy)
    database = Database(url)
    await fill(database)
    await database.close()
    return opened


async def _oidc_provider(stack: AsyncExitStack, place: Place) -> Provider:
    assert place.options.node is not None, "--node DIR says where oidc-provider is"
    return await open_oidc_provider(
        stack,
        place.folder,
        installed=place.options.node,
        ports=(free_port(), free_port()),
        cores=place.cores,
        account=place.account,
    )


async def _keycloak(stack: AsyncExitStack, place: Place) -> Provider:
    assert place.options.keycloak is not None, "--keycloak DIR says where Keycloak is"
    return await open_keycloak(
        stack,
        place.folder,
        distribution=place.options.keycloak,
        database_url=place.postgres.create("keycloak"),
        port=free_port(),
        cores=place.cores,
        account=place.account,
    )
