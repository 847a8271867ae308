"""node-oidc-provider in memory, without audit: two processes, of which one gives JWT access tokens, the other opaque
ones. It introspects and gives userinfo for opaque tokens only, so those rows are measured there."""

import json
import shutil
from contextlib import AsyncExitStack
from pathlib import Path

from joserfc.jwk import ECKey

from tests.bench.generator.job import Target
from tests.bench.machine import Cores
from tests.bench.peers.person import Person
from tests.bench.peers.provider import Account, Provider, authorization_address, discover, target
from tests.bench.running import Running

_SETUP = Path(__file__).with_name("oidc-provider.mjs")
_OF_JWT = ("client_credentials", "authorize", "hop", "refresh")
_OF_OPAQUE = ("introspection", "userinfo")


async def open_oidc_provider(
    stack: AsyncExitStack, folder: Path, *, installed: Path, ports: tuple[int, int], cores: Cores, account: Account
) -> Provider:
    """`installed` is a folder whose node_modules has oidc-provider 9, and may have node."""
    manifest = installed / "node_modules" / "oidc-provider" / "package.json"
    version = json.loads(manifest.read_text(encoding="utf-8"))["version"]
    targets: dict[str, Target] = {}
    started = []
    for port, opaque, modes in ((ports[0], False, _OF_JWT), (ports[1], True, _OF_OPAQUE)):
        running, cold_start, common = await _start(stack, folder, installed, port, cores, account, opaque=opaque)
        started.append((running, cold_start))
        targets |= dict.fromkeys(modes, common)
    (running, cold_start), (opaque_running, _) = started
    title = f"node-oidc-provider {version} (memory)"
    return Provider("oidc-provider", title, running, cold_start, targets, beside=(opaque_running,))


async def _start(
    stack: AsyncExitStack, folder: Path, installed: Path, port: int, cores: Cores, account: Account, *, opaque: bool
) -> tuple[Running, float, Target]:
    settings = {
        "port": port,
        "opaque": opaque,
        "jwk": {**ECKey.generate_key("P-256").as_dict(private=True), "alg": "ES256", "use": "sig"},
        "installed": str(installed.resolve()),
        "clientId": account.client_id,
        "clientSecret": account.client_secret,
        "redirectUri": account.redirect_uri,
        "ownScope": account.own_scope,
    }
    environment = {"SETTINGS": json.dumps(settings), "NODE_ENV": "production"}
    log = folder / f"oidc-provider-{port}.log"
    running = Running([_node(installed), str(_SETUP)], cores=cores, log=log, environment=environment)
    stack.callback(running.end)
    issuer = f"http://127.0.0.1:{port}"
    cold_start = await running.ready(f"{issuer}/.well-known/openid-configuration")
    metadata = await discover(issuer)
    async with Person() as person:
        await person.follow(authorization_address(metadata, account), until=account.redirect_uri)
        return running, cold_start, target(metadata, account, person.cookies, own_scope=account.own_scope)


def _node(installed: Path) -> str:
    own = installed / "node_modules" / "node" / "bin" / "node"
    found = str(own) if own.exists() else shutil.which("node")
    if found is None:
        raise FileNotFoundError(f"no node in {installed} and none on the PATH")
    return found
