"""The vault and the sign-in, called in this process."""

from itertools import cycle
from pathlib import Path

from core.settings import Settings
from sso.authentication.sign_in import Caller
from tests.bench.load import rate_of
from tests.bench.raw import Raw
from tests.bench.table import Line
from tests.web.conftest import PASSWORD, add_county, add_person
from vault.ledger import Event
from vault.tickets import Leave, Use
from web.composition import House, open_house

# More people than callers: two attempts of one person at a time look like guessing.
_PEOPLE = [f"lin{number}" for number in range(16)]


async def measure(folder: Path, raw: Raw, seconds: float) -> list[Line]:
    settings = Settings(data_dir=folder / "inside", custodian="keyfile")
    async with open_house(settings) as house:
        await add_county(house)
        people = [await add_person(house, username, "林晓岚") for username in _PEOPLE]
        return [
            await _ledger(house, raw, seconds),
            await _release(house, people[0], raw, seconds),
            await _sign_in(house, raw, seconds),
        ]


async def _ledger(house: House, raw: Raw, seconds: float) -> Line:
    event = Event(action="launch", result="success", actor="user:bench")
    rate = await rate_of(lambda: house.ledger.append(event), seconds=seconds, callers=64)
    return Line("ledger: append, group commit", rate, raw.durable_commits, "durable commits one by one")


async def _release(house: House, user_id: str, raw: Raw, seconds: float) -> Line:
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
    return Line("vault: release of a credential", rate, raw.durable_commits, "durable commits one by one", "≥ 1,000/s")


async def _sign_in(house: House, raw: Raw, seconds: float) -> Line:
    caller = Caller("127.0.0.1", "bench", "browser")
    people = cycle(_PEOPLE)
    rate = await rate_of(
        lambda: house.sign_in.password(next(people), PASSWORD, caller), seconds=seconds, callers=len(_PEOPLE) // 2
    )
    return Line("sso: password sign-in", rate, raw.argon2, "argon2id on one core", "≥ 90 % of argon2id")
