"""The vault and the sign-in, called in this process, on either database."""

import time
from dataclasses import replace
from itertools import cycle
from pathlib import Path

from core.settings import Settings
from sso.authentication.sign_in import Caller
from tests.bench.line import Line
from tests.bench.load import rate_of
from tests.bench.raw import Raw, argon2_rate
from tests.web.conftest import PASSWORD, add_county, add_person
from vault.ledger import Event
from vault.tickets import Leave, Use
from web.composition import House, open_house

# More people than callers: two attempts of one person at a time look like guessing.
_PEOPLE = [f"lin{number}" for number in range(16)]


async def measure(folder: Path, database_url: str, raw: Raw, seconds: float) -> list[Line]:
    """On SQLite where there is no `database_url`."""
    database, commits = ("PostgreSQL", raw.postgres_commits) if database_url else ("SQLite", raw.sqlite_commits)
    settings = Settings(data_dir=folder / f"inside-{database}", custodian="keyfile", database_url=database_url)
    async with open_house(settings) as house:
        await add_county(house)
        people = [await add_person(house, username, "林晓岚") for username in _PEOPLE]
        lines = [
            await _ledger(house, commits, seconds),
            await _placing(house),
            await _release(house, people[0], commits, seconds),
            await _sign_in(house, seconds),
        ]
        return [replace(line, path=f"{line.path}, {database}") for line in lines]


async def _ledger(house: House, commits: float, seconds: float) -> Line:
    event = Event(action="launch", result="success", actor="user:bench")
    rate = await rate_of(lambda: house.ledger.append(event), seconds=seconds, callers=64)
    return Line("ledger: append, group commit", rate, commits, "durable commits one by one")


async def _placing(house: House) -> Line:
    """What the worker does with the events of the row before."""
    began = time.perf_counter()
    placed = await house.ledger.sequence()
    return Line("ledger: events placed in the tree", placed / (time.perf_counter() - began), asked=20_000)


async def _release(house: House, user_id: str, commits: float, seconds: float) -> Line:
    async with house.database.write() as connection:
        item = await house.items.add(
            connection,
            owner=f"user:{user_id}",
            system="s1",
            destination="http://10.0.0.1",
            login="lin",
            secret=bytearray(b"legacy-password"),
            actor="operator:bench",
        )
    use = Use(holder="session:bench", destination="http://10.0.0.1", recipe_hash="")
    leave = Leave(item.id, f"user:{user_id}", "fill", owner=item.owner)

    async def release() -> None:
        with await house.items.release(leave, use):
            pass

    rate = await rate_of(release, seconds=seconds, callers=8)
    return Line("vault: release of a credential", rate, commits, "durable commits one by one", asked=1000)


async def _sign_in(house: House, seconds: float) -> Line:
    """Beside the raw rate of the same moment: this row is nothing but work for the core."""
    caller = Caller("127.0.0.1", "bench", "browser")
    people = cycle(_PEOPLE)
    limit = argon2_rate(seconds / 2)
    rate = await rate_of(
        lambda: house.sign_in.password(next(people), PASSWORD, caller), seconds=seconds, callers=len(_PEOPLE) // 2
    )
    return Line("sso: password sign-in", rate, limit, "argon2id on one core", asked_ratio=0.9)
