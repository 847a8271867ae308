"""Keycloak on the same PostgreSQL, built for it as production asks, with its events stored.

A copy of the distribution is built and started: the one that was given stays as it is.
"""

import json
import shutil
import subprocess
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.bench.machine import Cores
from tests.bench.peers.person import Person
from tests.bench.peers.provider import Account, Provider, authorization_address, discover, target
from tests.bench.running import Running

_REALM = "bench"
_MODES = ("client_credentials", "authorize", "hop", "refresh", "introspection", "userinfo")
_LONGEST_START = 600.0
# A virtual machine is not judged before it has compiled what is hot.
_WARM_UPS = 3


async def open_keycloak(
    stack: AsyncExitStack,
    folder: Path,
    *,
    distribution: Path,
    database_url: str,
    port: int,
    cores: Cores,
    account: Account,
) -> Provider:
    home = folder / "keycloak"
    shutil.copytree(distribution, home, ignore=shutil.ignore_patterns("data"))
    _import_realm(home, account)
    program = str(home / "bin" / "kc.sh")
    subprocess.run([program, "build", "--db=postgres"], check=True, stdout=subprocess.DEVNULL)
    command = [program, *_options(database_url, port)]
    running = Running(command, cores=cores, log=folder / "keycloak.log")
    stack.callback(running.end)
    issuer = f"http://127.0.0.1:{port}/realms/{_REALM}"
    cold_start = await running.ready(f"{issuer}/.well-known/openid-configuration", within=_LONGEST_START)
    metadata = await discover(issuer)
    async with Person() as person:
        page = await person.follow(authorization_address(metadata, account), until=account.redirect_uri)
        await person.submit(page, username=account.username, password=account.password)
        common = target(metadata, account, person.cookies, own_scope="")
    targets = dict.fromkeys(_MODES, common)
    title = f"Keycloak {_version(home)}"
    return Provider("keycloak", title, running, cold_start, targets, warm_ups=_WARM_UPS)


def _options(database_url: str, port: int) -> list[str]:
    at = urlsplit(database_url)
    return [
        "start",
        "--optimized",
        "--import-realm",
        "--http-enabled=true",
        "--http-host=127.0.0.1",
        f"--http-port={port}",
        "--hostname-strict=false",
        "--cache=local",
        f"--db-url=jdbc:postgresql://{at.hostname}:{at.port}{at.path}",
        f"--db-username={at.username}",
    ]


def _import_realm(home: Path, account: Account) -> None:
    folder = home / "data" / "import"
    folder.mkdir(parents=True)
    (folder / f"{_REALM}.json").write_text(json.dumps(_realm(account)), encoding="utf-8")


def _realm(account: Account) -> dict[str, Any]:
    return {
        "realm": _REALM,
        "enabled": True,
        "sslRequired": "none",
        "accessTokenLifespan": 3600,
        "defaultSignatureAlgorithm": "ES256",
        "eventsEnabled": True,
        "users": [
            {
                "username": account.username,
                "enabled": True,
                "email": "bench@example.org",
                "emailVerified": True,
                "firstName": "Bench",
                "lastName": "Bench",
                "credentials": [{"type": "password", "value": account.password}],
            }
        ],
        "clients": [
            {
                "clientId": account.client_id,
                "secret": account.client_secret,
                "enabled": True,
                "protocol": "openid-connect",
                "publicClient": False,
                "standardFlowEnabled": True,
                "serviceAccountsEnabled": True,
                "consentRequired": False,
                "redirectUris": [account.redirect_uri],
                "protocolMappers": [_audience(account)],
                "attributes": {
                    "access.token.signed.response.alg": "ES256",
                    "id.token.signed.response.alg": "ES256",
                },
            }
        ],
    }


def _audience(account: Account) -> dict[str, Any]:
    """Newer versions introspect a token only for those whom it is for."""
    return {
        "name": "audience",
        "protocol": "openid-connect",
        "protocolMapper": "oidc-audience-mapper",
        "config": {"included.client.audience": account.client_id, "access.token.claim": "true"},
    }


def _version(home: Path) -> str:
    """`version.txt` says `Keycloak - Version 26.4.0`."""
    return (home / "version.txt").read_text(encoding="utf-8").split()[-1]
