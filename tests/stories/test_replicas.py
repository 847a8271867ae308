"""Two replicas on one database are one Yimen: what one counts, uses up or ends, the other knows."""

import asyncio
import base64
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import httpx
import pytest

from tests.stories.serving import Server
from tests.stories.test_killed import COUNTY, code, exchange, refresh_token
from tests.web.agent import Agent
from tests.web.conftest import PASSWORD, SECRET

REDEMPTIONS = 400
# All processes of two replicas share the hundred connections that this PostgreSQL lets in.
CONNECTIONS = 24
ATTEMPTS = 5


class Replicas:
    """Two servers of one issuer; the second must be spoken to by the issuer's name."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.first = Server(folder, database_url)
        self.second = Server(folder, database_url, issuer=self.first.issuer)
        self.addresses = (self.first.address, self.second.address)
        self.host = {"host": urlsplit(self.first.issuer).netloc}

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        async with self.first.serving(), self.second.serving():
            yield

    def agent(self, address: str) -> Agent:
        return Agent(httpx.AsyncClient(base_url=address, trust_env=False, headers=self.host))

    async def statuses(self, path: str, form: dict[str, str], client: str) -> Counter[int]:
        """What all of many answers say to the same form, sent to both at once."""
        connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        credentials = base64.b64encode(f"{client}:{SECRET}".encode()).decode()
        headers = self.host | {"authorization": f"Basic {credentials}"}
        async with aiohttp.ClientSession(headers=headers, connector=connector) as session:

            async def send(place: int) -> int:
                async with session.post(f"{self.addresses[place % 2]}{path}", data=form) as answer:
                    return answer.status

            return Counter(await asyncio.gather(*(send(place) for place in range(REDEMPTIONS))))

    async def token(self, address: str) -> int:
        """How a client is answered there."""
        async with httpx.AsyncClient(trust_env=False, headers=self.host) as client:
            grant = {"grant_type": "client_credentials"}
            return (await client.post(f"{address}/token", data=grant, auth=("affairs", SECRET))).status_code


@pytest.fixture
async def replicas(tmp_path: Path, database_url: str) -> AsyncIterator[Replicas]:
    replicas = Replicas(tmp_path / "data", database_url)
    assert (await replicas.first.run("apply", "-", given=json.dumps(COUNTY).encode()))[0] == 0
    async with replicas.serving():
        yield replicas


async def test_of_many_redemptions_of_one_code_or_refresh_token_one_succeeds(replicas: Replicas) -> None:
    async with replicas.agent(replicas.addresses[0]) as agent:
        await agent.sign_in("lin", PASSWORD)
        refreshed = {"grant_type": "refresh_token", "refresh_token": await refresh_token(agent)}
        redeemed = exchange(await code(agent))
    for form in (redeemed, refreshed):
        answers = await replicas.statuses("/token", form, "hall")
        assert answers == {200: 1, 400: REDEMPTIONS - 1}


async def test_replicas_count_the_attempts_of_one_account_together(replicas: Replicas) -> None:
    said: list[str] = []
    for place in range(ATTEMPTS + 1):
        async with replicas.agent(replicas.addresses[place % 2]) as agent:
            said.append((await agent.sign_in("wang", "not-the-password")).text)
    assert ["ERR-LOCKED" in page for page in said] == [False] * ATTEMPTS + [True]
    for address in replicas.addresses:
        async with replicas.agent(address) as agent:
            assert "ERR-LOCKED" in (await agent.sign_in("wang", PASSWORD)).text


async def sign_out_here_and_look_there(replicas: Replicas) -> None:
    here, there = (replicas.agent(address) for address in replicas.addresses)
    async with here, there:
        await here.sign_in("lin", PASSWORD)
        there.client.cookies.update(here.client.cookies)
        assert (await there.get("/accounts")).status_code == 200
        page = await here.get("/accounts")
        await here.submit(page, "sign-out")
        assert (await there.get("/accounts")).is_redirect


async def test_what_is_ended_or_disabled_is_over_on_every_replica(replicas: Replicas) -> None:
    await sign_out_here_and_look_there(replicas)
    for address in replicas.addresses:
        assert await replicas.token(address) == 200
    agents = [replicas.agent(address) for address in replicas.addresses]
    for agent in agents:
        await agent.sign_in("chen", PASSWORD)
        assert (await agent.get("/accounts")).status_code == 200

    client = next(one for one in COUNTY["clients"] if one["client_id"] == "affairs")
    disabled = {"version": 1, "clients": [{**client, "status": "disabled"}]}
    assert (await replicas.first.run("apply", "-", given=json.dumps(disabled).encode()))[0] == 0
    assert (await replicas.first.run("user", "disable", "chen"))[0] == 0
    for agent in agents:
        # Sessions and people are asked for each time.
        assert (await agent.get("/accounts")).is_redirect
        await agent.client.aclose()
    async with asyncio.timeout(20):
        for address in replicas.addresses:
            while await replicas.token(address) == 200:
                await asyncio.sleep(0.05)
            assert await replicas.token(address) == 401
