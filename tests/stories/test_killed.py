"""Any process may be killed at any moment: what was acknowledged is there, and nothing needs repair (DESIGN §4.22)."""

import asyncio
import base64
import hashlib
import json
import os
import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import httpx

from tests.stories.serving import Server
from tests.web.agent import Agent, answer_of
from tests.web.conftest import PASSWORD, REDIRECT_URI, SECRET

ROUNDS = 3
CALLERS = 6
PEOPLE = ("lin", "wang", "chen")
_VERIFIER = "a-code-verifier-0123456789-0123456789-0123456789"
_AUTHORIZATION = {
    "client_id": "hall",
    "redirect_uri": REDIRECT_URI,
    "response_type": "code",
    "scope": "openid offline_access",
    "prompt": "consent",
    "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(_VERIFIER.encode()).digest()).rstrip(b"=").decode(),
    "code_challenge_method": "S256",
}
COUNTY: dict[str, Any] = {
    "version": 1,
    "clients": [
        {
            "client_id": "affairs",
            "client_secret": SECRET,
            "token_endpoint_auth_method": "client_secret_basic",
            "grant_types": ["client_credentials"],
            "response_types": [],
            "scope": "affairs.read",
        },
        {
            "client_id": "hall",
            "client_secret": SECRET,
            "redirect_uris": [REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid offline_access",
        },
    ],
    "organisations": [{"id": "qx", "name": "清溪县", "kind": "area", "level": "xian"}],
    "users": [
        {"username": name, "name": name, "password": PASSWORD, "totp": "off", "posts": [{"organisation": "qx"}]}
        for name in PEOPLE
    ]
    + [{"username": "security", "name": "security", "roles": ["security_admin"]}],
    "systems": [
        {
            "slug": "zhihui",
            "name": {"zh": "智惠掌心"},
            "way_in": [{"kind": "gateway"}],
            "upstream": "http://127.0.0.1:9",
            "http_approved_by": "security",
        }
    ],
}


async def acknowledged_until_killed(issuer: str, acknowledged: list[str]) -> None:
    """Asks for tokens, one after the other, and revokes every third; notes each whole answer. Ends with the server."""
    credentials = base64.b64encode(f"affairs:{SECRET}".encode()).decode()
    headers = {"authorization": f"Basic {credentials}"}
    with suppress(aiohttp.ClientError, OSError):
        async with aiohttp.ClientSession(headers=headers) as client:
            while True:
                async with client.post(f"{issuer}/token", data={"grant_type": "client_credentials"}) as answer:
                    token = (await answer.json())["access_token"]
                    acknowledged.append("oidc.token")
                if len(acknowledged) % 3 == 0:
                    async with client.post(f"{issuer}/revoke", data={"token": token}) as answer:
                        await answer.read()
                        if answer.status == 200:
                            acknowledged.append("oidc.revoke")


async def test_nothing_acknowledged_is_lost_however_often_the_server_is_killed(
    tmp_path: Path, database_url: str
) -> None:
    server = Server(tmp_path / "data", database_url)
    assert (await server.run("apply", "-", given=json.dumps(COUNTY).encode()))[0] == 0
    acknowledged: list[str] = []
    chance = random.Random(7)
    for _ in range(ROUNDS):
        async with server.serving():
            callers = [
                asyncio.create_task(acknowledged_until_killed(server.issuer, acknowledged)) for _ in range(CALLERS)
            ]
            await asyncio.wait(callers, timeout=chance.uniform(0.5, 1.5))
        await asyncio.gather(*callers)
    assert len(acknowledged) > 10 * ROUNDS

    exported = tmp_path / "audit.jsonl"
    assert (await server.run("audit", "export", "--output", str(exported)))[0] == 0
    key = (await server.run("audit", "key"))[1].decode()
    assert (await server.run("audit", "verify", str(exported), "--key", key))[0] == 0
    lines = [json.loads(line) for line in exported.read_bytes().splitlines()[1:-1]]
    kept = Counter(line["action"] for line in lines if "action" in line)
    for action, count in Counter(acknowledged).items():
        # The last of each caller may have been written without having been answered.
        assert count <= kept[action] <= count + CALLERS * ROUNDS, action


@dataclass(frozen=True)
class Kept:
    """What one person was told is kept: the names of accounts, and refresh tokens not used yet."""

    accounts: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)


async def works_until_killed(issuer: str, username: str, kept: Kept) -> None:
    """Signs in, then adds an account and gets a refresh token, again and again; notes each whole answer."""
    with suppress(httpx.TransportError):
        async with Agent(httpx.AsyncClient(base_url=issuer, trust_env=False)) as agent:
            await agent.sign_in(username, PASSWORD)
            while True:
                login = f"{username}-{len(kept.accounts)}-{len(kept.tokens)}"
                page = await agent.get("/accounts")
                added = await agent.submit(page, "account-add", system="zhihui", login=login, secret="Legacy-2026!")
                assert added.is_redirect, added.text
                kept.accounts.append(login)
                kept.tokens.append(await refresh_token(agent))


async def code(agent: Agent) -> str:
    """Of the person who has signed in."""
    page = await agent.follow(await agent.get("/authorize", params=_AUTHORIZATION))
    return answer_of(await agent.follow(await agent.submit(page, "consent-allow")))["code"]


def exchange(code: str) -> dict[str, str]:
    """What the client sends for a code."""
    grant = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, "code_verifier": _VERIFIER}
    return grant | {"code": code}


async def refresh_token(agent: Agent) -> str:
    told = await agent.client.post("/token", data=exchange(await code(agent)), auth=("hall", SECRET))
    token: str = told.json()["refresh_token"]
    return token


async def test_no_account_and_no_refresh_token_that_a_person_was_given_is_lost(
    tmp_path: Path, database_url: str
) -> None:
    server = Server(tmp_path / "data", database_url)
    assert (await server.run("apply", "-", given=json.dumps(COUNTY).encode()))[0] == 0
    kept = {name: Kept() for name in PEOPLE}
    chance = random.Random(8)
    for turn in range(ROUNDS):
        async with server.serving(), asyncio.timeout(120):
            people = [asyncio.create_task(works_until_killed(server.issuer, *entry)) for entry in kept.items()]
            # A busy machine gets as far as a fast one before the server is killed.
            while sum(len(person.tokens) for person in kept.values()) <= 3 * (turn + 1):
                await asyncio.wait(people, timeout=chance.uniform(1.0, 2.0))
        await asyncio.gather(*people)

    assert (await server.run("vault", "check"))[0] == 0
    async with server.serving():
        for name, person in kept.items():
            async with Agent(httpx.AsyncClient(base_url=server.issuer, trust_env=False)) as agent:
                await agent.sign_in(name, PASSWORD)
                accounts = (await agent.get("/accounts")).text.count("/remove")
                # The last of each round may have been written without having been answered.
                assert len(person.accounts) <= accounts <= len(person.accounts) + ROUNDS
                for token in person.tokens:
                    grant = {"grant_type": "refresh_token", "refresh_token": token}
                    assert (await agent.client.post("/token", data=grant, auth=("hall", SECRET))).status_code == 200


async def test_a_killed_master_takes_its_workers_with_it_and_the_restart_needs_no_repair(
    tmp_path: Path, database_url: str
) -> None:
    server = Server(tmp_path / "data", database_url)
    async with server.serving() as first:
        first.kill()
        await first.wait()
        async with server.serving():
            await until_gone(first.pid)


async def until_gone(group: int) -> None:
    """Ends when no process of the group is left."""
    async with asyncio.timeout(40):
        with suppress(ProcessLookupError):
            while True:
                os.killpg(group, 0)
                await asyncio.sleep(0.1)
