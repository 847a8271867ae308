"""A name that no account has may be a password in the wrong field: nothing that Yimen keeps or says shows it."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select

from core.database import metadata
from tests.web.agent import Agent
from tests.web.conftest import PASSWORD, add_client, add_person
from vault.ledger.events import PSEUDONYM_PREFIX, event_table
from web.composition import House

TYPED = [
    "Wolkenzug-77!x",
    "ＷＯＬＫＥＮ wolken?9",
    "云海翻腾三万里",
    "wolken@zug.test",
    "13912345678",
    "11022319770707771X",
    "w\u00f6lkchen\u200bzug",
]


async def kept(house: House) -> str:
    """Every row of every table, as it is read."""
    async with house.database.read() as connection:
        rows = [row for table in metadata.sorted_tables for row in await connection.execute(select(table))]
    return repr([tuple(row) for row in rows])


def pieces(typed: str) -> Iterator[str]:
    """What somebody could read of it: six characters in a row, which stand nowhere by chance."""
    return (typed[start : start + 6] for start in range(len(typed) - 5))


async def subjects(house: House) -> list[str]:
    query = select(event_table.c.subject).where(event_table.c.action == "sign_in.password").order_by(event_table.c.id)
    async with house.database.read() as connection:
        return (await connection.scalars(query)).all()


@pytest.fixture
async def auditor(house: House, agents: Callable[[], Agent]) -> Agent:
    user_id = await add_person(house, "shenji", "沈记", frozenset({"audit_admin"}))
    async with house.database.write() as connection:
        await house.users.set_flags(connection, user_id, totp_required=False)
    agent = agents()
    await agent.sign_in("shenji", PASSWORD)
    return agent


@pytest.mark.parametrize("typed", TYPED)
async def test_it_is_legible_nowhere(
    house: House, agent: Agent, auditor: Agent, typed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(house.settings.lockout_attempts + 1):
        await agent.sign_in(typed, "wrong")
    await agent.client.post("/token", data={"grant_type": "client_credentials"}, auth=(typed.encode(), b"wrong"))
    await auditor.get("/audit", params={"person": typed})
    await auditor.get("/api/v1/audit/events", params={"person": typed})
    await house.ledger.sequence()
    pages = [await auditor.get(path) for path in ("/audit", "/api/v1/audit/events", "/metrics", "/readyz")]
    exported = await auditor.submit(pages[0], "audit-export")
    said = capsys.readouterr()
    everything = [await kept(house), said.out, said.err, exported.text, *(page.text for page in pages)]
    assert PSEUDONYM_PREFIX in everything[0]
    for spelling in (typed, typed.lower()):
        for piece in pieces(spelling):
            assert not any(piece in told for told in everything), piece


async def test_it_tells_that_the_same_was_typed_again(house: House, agent: Agent, auditor: Agent) -> None:
    for typed in ("wolkenzug", "ＷｏｌｋｅｎＺｕｇ", "anderes"):
        await agent.sign_in(typed, "wrong")
    first, again, other = (await subjects(house))[1:]
    assert first == again != other
    page = await auditor.get("/audit", params={"text": first})
    mark = first.removeprefix(PSEUDONYM_PREFIX)
    assert page.text.count(f"未知的用户名（与 {mark} 相同）") == 2
    assert other not in page.text


async def test_whose_name_is_locked_out_is_told_by_the_id(house: House, agent: Agent, lin: str) -> None:
    for _ in range(house.settings.lockout_attempts + 1):
        await agent.sign_in("lin", "wrong")
    assert set(await subjects(house)) == {f"user:{lin}"}


async def test_a_client_that_fails_is_told_by_its_id_where_there_is_one(house: House, agent: Agent) -> None:
    await add_client(house)
    for client in ("affairs", "S3cret-in-the-wrong-field"):
        await agent.client.post("/token", data={"grant_type": "client_credentials"}, auth=(client, "wrong"))
    query = select(event_table.c.client).where(event_table.c.action == "oidc.client").order_by(event_table.c.id)
    async with house.database.read() as connection:
        known, unknown = (await connection.scalars(query)).all()
    assert known == "affairs"
    assert unknown.startswith(PSEUDONYM_PREFIX)
