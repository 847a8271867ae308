"""A server under measurement, and the client and the person who meet it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.bench.backlog import Backlog
from tests.bench.generator.job import Target
from tests.bench.running import Running

SCOPE = "openid profile"
# The server that has nothing on it, and the row that only it has.
BARE = "bare"


@dataclass(frozen=True)
class Account:
    """The same at every server; made anew for every run."""

    client_id: str = "bench"
    username: str = "bench"
    redirect_uri: str = "http://127.0.0.1:1/callback"
    own_scope: str = "bench"
    client_secret: str = field(default_factory=lambda: secrets.token_hex(24), repr=False)
    password: str = field(default_factory=lambda: f"Lan-{secrets.token_hex(8)}-Ting!", repr=False)


@dataclass(frozen=True)
class Provider:
    """A column of the table. `targets` are by mode; what is missing is not measured here. `warm_ups` are the rounds
    before the first that counts. `beside` are further processes, where some rows are measured at one of its own."""

    name: str
    title: str
    running: Running
    cold_start: float
    targets: Mapping[str, Target]
    backlog: Backlog | None = None
    warm_ups: int = 1
    beside: tuple[Running, ...] = ()

    def cpu_seconds(self) -> float:
        return sum(running.cpu_seconds() for running in (self.running, *self.beside))


async def discover(issuer: str) -> dict[str, Any]:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{issuer}/.well-known/openid-configuration")
        found: dict[str, Any] = answer.raise_for_status().json()
        return found


def authorization_address(metadata: Mapping[str, Any], account: Account) -> str:
    query = {
        "client_id": account.client_id,
        "response_type": "code",
        "redirect_uri": account.redirect_uri,
        "scope": SCOPE,
        "state": "bench",
    }
    return f"{metadata['authorization_endpoint']}?{urlencode(query)}"


def target(metadata: Mapping[str, Any], account: Account, cookies: str, *, own_scope: str) -> Target:
    return Target(
        authorize=authorization_address(metadata, account),
        token=metadata["token_endpoint"],
        introspection=metadata["introspection_endpoint"],
        userinfo=metadata["userinfo_endpoint"],
        client_id=account.client_id,
        client_secret=account.client_secret,
        redirect_uri=account.redirect_uri,
        own_scope=own_scope,
        cookies=cookies,
    )
