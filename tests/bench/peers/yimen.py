"""Yimen as an operator starts it: `yimen apply`, then `yimen serve` with all its processes."""

import json
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from tests.bench.backlog import Backlog
from tests.bench.generator.job import Target
from tests.bench.machine import Cores
from tests.bench.peers.person import Person
from tests.bench.peers.provider import Account, Provider, discover, target
from tests.bench.running import Running, surroundings

# Gateway pages of the legacy system that is registered.
PAGES = ("/small", "/block")
_SLUG = "bench"


async def open_yimen(
    stack: AsyncExitStack,
    folder: Path,
    *,
    database: str,
    database_url: str,
    port: int,
    cores: Cores,
    account: Account,
    legacy: str,
) -> Provider:
    """`port` is the portal's, the next one the gateway's. `database` names it for people."""
    data = folder / f"yimen-{database}"
    data.mkdir(mode=0o700)
    issuer = f"http://localhost:{port}"
    url = database_url or f"sqlite:///{data / 'yimen.db'}"
    environment = {
        "YIMEN_ISSUER": issuer,
        "YIMEN_PORT": str(port),
        "YIMEN_DATA_DIR": str(data),
        "YIMEN_DATABASE_URL": url,
        "YIMEN_CUSTODIAN": "keyfile",
        "YIMEN_UPSTREAM_ALLOW": "127.0.0.0/8",
        "YIMEN_LOG_LEVEL": "ERROR",
    }
    yimen = str(Path(sys.executable).with_name("yimen"))
    _apply(yimen, environment, _county(account, legacy))
    running = Running([yimen, "serve"], cores=cores, log=data / "server.log", environment=environment)
    stack.callback(running.end)
    cold_start = await running.ready(f"{issuer}/readyz")
    backlog = Backlog(url)
    stack.push_async_callback(backlog.close)
    targets = await _targets(issuer, account)
    return Provider(f"yimen-{database.lower()}", f"Yimen, {database}", running, cold_start, targets, backlog)


def _apply(yimen: str, environment: dict[str, str], county: dict[str, Any]) -> None:
    given = json.dumps(county).encode()
    command, around = [yimen, "apply", "-"], surroundings(environment)
    done = subprocess.run(command, input=given, env=around, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"yimen apply: {done.stderr.decode()}")


async def _targets(issuer: str, account: Account) -> dict[str, Target]:
    metadata = await discover(issuer)
    async with Person() as person:
        page = await person.follow(f"{issuer}/sign-in", until="never:")
        await person.submit(page, username=account.username, password=account.password)
        common = target(metadata, account, person.cookies, own_scope=account.own_scope)
        modes = ("client_credentials", "authorize", "hop", "refresh", "introspection", "userinfo")
        return dict.fromkeys(modes, common) | await _gateway(issuer, person)


async def _gateway(issuer: str, person: Person) -> dict[str, Target]:
    """The person's way into the legacy system, with the cookies of its own host."""
    port = (urlsplit(issuer).port or 0) + 1
    host, reached = f"{_SLUG}.localhost:{port}", f"http://127.0.0.1:{port}"
    headers = {"host": host, "accept": "text/html"}
    async with Person() as at_gateway:
        begin = await at_gateway.get(f"{reached}{PAGES[0]}", headers)
        callback = await person.follow(begin.headers["location"], until=f"http://{host}")
        back = urlsplit(callback.headers["location"])
        await at_gateway.get(urljoin(reached, f"{back.path}?{back.query}"), headers)
        visit = headers | {"cookie": at_gateway.cookies}
    return {f"gateway {page}": Target(page=f"{reached}{page}", headers=visit) for page in PAGES}


def _county(account: Account, legacy: str) -> dict[str, Any]:
    return {
        "version": 1,
        "users": [
            {"username": account.username, "name": "测试", "password": account.password, "totp": "off"},
            {"username": "security", "name": "安全", "roles": ["security_admin"]},
        ],
        "clients": [
            {
                "client_id": account.client_id,
                "client_secret": account.client_secret,
                "first_party": True,
                "policy": "oidc",
                "redirect_uris": [account.redirect_uri],
                "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
                "scope": f"openid profile {account.own_scope}",
                "id_token_signed_response_alg": "ES256",
            }
        ],
        "systems": [
            {
                "slug": _SLUG,
                "name": {"zh": "测试"},
                "way_in": [{"kind": "gateway"}],
                "upstream": legacy,
                "http_approved_by": "security",
            }
        ],
    }
