"""Any process may be killed at any moment: what was acknowledged is there, and nothing needs repair (DESIGN §4.22)."""

import asyncio
import base64
import json
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp

from tests.stories.conftest import free_port
from tests.web.conftest import SECRET

ROUNDS = 3
CALLERS = 6
_COMMAND = (sys.executable, "-c", "from web.cli import main; main()")
_COUNTY: dict[str, Any] = {
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


class Server:
    """`yimen serve` with two workers, in a process group of its own."""

    def __init__(self, folder: Path, database_url: str) -> None:
        port = free_port()
        self.issuer = f"http://localhost:{port}"
        own = {name: text for name, text in os.environ.items() if not name.startswith("YIMEN_")}
        self._environment = own | {
            "YIMEN_ISSUER": self.issuer,
            "YIMEN_PORT": str(port),
            "YIMEN_DATA_DIR": str(folder),
            "YIMEN_DATABASE_URL": database_url,
            "YIMEN_CUSTODIAN": "keyfile",
            "YIMEN_LOG_LEVEL": "ERROR",
        }

    async def run(self, *arguments: str, given: bytes = b"") -> tuple[int | None, bytes]:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *_COMMAND, *arguments, env=self._environment, stdin=pipe, stdout=pipe
        )
        said, _ = await process.communicate(given)
        return process.returncode, said

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """Runs until the block ends; then it is killed, workers and all, without a word."""
        process = await asyncio.create_subprocess_exec(
            *_COMMAND, "serve", "--workers", "2", env=self._environment, start_new_session=True
        )
        try:
            await self._until_ready()
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    async def _until_ready(self) -> None:
        async with asyncio.timeout(40), aiohttp.ClientSession() as client:
            while True:
                with suppress(aiohttp.ClientError):
                    async with client.get(f"{self.issuer}/readyz") as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(0.1)


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
    assert (await server.run("apply", "-", given=json.dumps(_COUNTY).encode()))[0] == 0
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
    kept = Counter(line["event"]["action"] for line in lines)
    for action, count in Counter(acknowledged).items():
        # The last of each caller may have been written without having been answered.
        assert count <= kept[action] <= count + CALLERS * ROUNDS, action
