"""A whole county's people are applied while a server goes on serving, and a killed apply can be run again."""

import asyncio
import base64
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import func, select

from core.database import Database
from sso.directory.people import user_table
from tests.stories.serving import Server
from tests.web.conftest import SECRET

PEOPLE = 200
OFFICES = 10
AFFAIRS = {
    "version": 1,
    "clients": [
        {
            "client_id": "affairs",
            "client_secret": SECRET,
            "token_endpoint_auth_method": "client_secret_basic",
            "grant_types": ["client_credentials"],
            "response_types": [],
            "scope": "affairs.read",
        }
    ],
}


def county() -> dict[str, Any]:
    offices = [{"id": f"o{place}", "name": f"科室{place}", "kind": "office"} for place in range(OFFICES)]
    people = [
        {
            "username": f"p{place:05}",
            "name": f"干部{place}",
            "password": f"Lan-ting-{place}-Xu!",
            "posts": [{"organisation": f"o{place % OFFICES}", "title": "网格员", "main": True}],
        }
        for place in range(PEOPLE)
    ]
    return {"version": 1, "organisations": offices, "users": people}


async def ask(issuer: str, answers: Counter[int]) -> None:
    """Asks for tokens, and for the page to sign in, again and again."""
    credentials = base64.b64encode(f"affairs:{SECRET}".encode()).decode()
    async with aiohttp.ClientSession(headers={"authorization": f"Basic {credentials}"}) as client:
        while True:
            async with client.post(f"{issuer}/token", data={"grant_type": "client_credentials"}) as answer:
                answers[answer.status] += 1
            async with client.get(f"{issuer}/sign-in") as answer:
                answers[answer.status] += 1
            await asyncio.sleep(0.02)


@asynccontextmanager
async def asked(issuer: str, answers: Counter[int]) -> AsyncIterator[None]:
    """Callers who ask while the block lasts."""
    callers = [asyncio.create_task(ask(issuer, answers)) for _ in range(3)]
    try:
        yield
    finally:
        for caller in callers:
            caller.cancel()
        ended = await asyncio.gather(*callers, return_exceptions=True)
    assert {type(one) for one in ended} == {asyncio.CancelledError}


async def until_some_are_there(database: Database, most: asyncio.subprocess.Process) -> int:
    """How many people there are when some are, and not all."""
    count = 0
    async with asyncio.timeout(300):
        while count < PEOPLE // 4:
            assert most.returncode is None
            async with database.scan() as connection:
                count = await connection.scalar(select(func.count()).select_from(user_table))
            await asyncio.sleep(0.01)
    return count


async def test_a_county_is_applied_in_portions_while_a_server_serves(
    tmp_path: Path, database_url: str, database: Database
) -> None:
    server = Server(tmp_path / "data", database_url, lowered=True)
    assert (await server.run("apply", "-", given=json.dumps(AFFAIRS).encode()))[0] == 0
    described = json.dumps(county()).encode()
    answers = Counter[int]()
    async with server.serving(), asked(server.issuer, answers):
        killed = await server.start("apply", "-")
        assert killed.stdin is not None
        killed.stdin.write(described)
        killed.stdin.close()
        kept = await until_some_are_there(database, killed)
        killed.kill()
        await killed.wait()
        code, said = await server.run("apply", "-", given=described)
    assert code == 0
    assert set(answers) == {200}
    lines = said.decode().splitlines()
    entries = len([line for line in lines if line.startswith(("+", "="))])
    assert entries == PEOPLE + OFFICES
    # What the killed one had done stays as it is, password and all.
    assert len([line for line in lines if line.startswith("= user")]) >= kept - 3
    assert not [line for line in lines if line.startswith("~")]
    code, said = await server.run("apply", "-", "--json", given=described)
    assert {step["verb"] for step in json.loads(said)} == {"keep"}
    assert (await server.run("vault", "check"))[0] == 0
