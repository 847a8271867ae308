"""The database's primary is killed and its replica promoted: nothing acknowledged is lost, and nobody needs to act."""

import asyncio
import base64
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from tests.conftest import BACKEND
from tests.stories.cluster import cluster
from tests.stories.serving import Server
from tests.stories.test_large_apply import AFFAIRS
from tests.web.conftest import SECRET

CALLERS = 4
# What the answer may be while there is no database to write to.
AWAY = (503, "temporarily_unavailable")


@dataclass
class Told:
    """What callers were told: how often each act was acknowledged or refused, and every other answer."""

    acknowledged: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    others: list[tuple[int, str]] = field(default_factory=list)


async def ask(issuer: str, told: Told) -> None:
    """Gets tokens, and revokes each, again and again."""
    credentials = base64.b64encode(f"affairs:{SECRET}".encode()).decode()
    async with aiohttp.ClientSession(headers={"authorization": f"Basic {credentials}"}) as client:
        while True:
            async with client.post(f"{issuer}/token", data={"grant_type": "client_credentials"}) as answer:
                said = await answer.json()
            if not note(told, "oidc.token", answer.status, said):
                await asyncio.sleep(0.05)
                continue
            async with client.post(f"{issuer}/revoke", data={"token": said["access_token"]}) as answer:
                body = await answer.read()
            note(told, "oidc.revoke", answer.status, json.loads(body) if body else {})


def note(told: Told, act: str, status: int, said: dict[str, str]) -> bool:
    """True when it was acknowledged."""
    if status == 200:
        told.acknowledged[act] += 1
        return True
    told.unknown[act] += 1
    told.others.append((status, said.get("error", "")))
    return False


async def until(told: Told, *, more: int) -> None:
    """Until so many more acts are acknowledged."""
    enough = told.acknowledged.total() + more
    async with asyncio.timeout(90):
        while told.acknowledged.total() < enough:
            await asyncio.sleep(0.02)


async def until_refused(told: Told) -> None:
    async with asyncio.timeout(90):
        while not told.others:
            await asyncio.sleep(0.02)


async def test_a_replica_takes_over_and_nothing_acknowledged_is_lost(tmp_path: Path, database_url: str) -> None:
    if BACKEND != "postgresql":
        pytest.skip("SQLite has no replicas")
    async with cluster() as (primary, replica):
        await primary.execute("CREATE DATABASE yimen")
        hosts = f"host=127.0.0.1:{primary.port}&host=127.0.0.1:{replica.port}"
        server = Server(tmp_path / "data", f"postgresql://postgres@/yimen?{hosts}&target_session_attrs=read-write")
        assert (await server.run("apply", "-", given=json.dumps(AFFAIRS).encode()))[0] == 0
        told = Told()
        async with server.serving():
            callers = [asyncio.create_task(ask(server.issuer, told)) for _ in range(CALLERS)]
            await until(told, more=100)
            primary.kill()
            await until_refused(told)
            replica.promote()
            await until(told, more=100)
            for caller in callers:
                caller.cancel()
            ended = await asyncio.gather(*callers, return_exceptions=True)
        assert {type(one) for one in ended} == {asyncio.CancelledError}
        assert set(told.others) == {AWAY}

        exported = tmp_path / "audit.jsonl"
        assert (await server.run("audit", "export", "--output", str(exported)))[0] == 0
        key = (await server.run("audit", "key"))[1].decode()
        assert (await server.run("audit", "verify", str(exported), "--key", key))[0] == 0
        assert (await server.run("vault", "check"))[0] == 0
        lines = [json.loads(line) for line in exported.read_bytes().splitlines()]
        kept = Counter(line["action"] for line in lines if "action" in line)
        for act, count in told.acknowledged.items():
            # An act that was not acknowledged may be there, as a whole; so may the last of each caller.
            assert count <= kept[act] <= count + told.unknown[act] + CALLERS, act
