"""Yimen's own processes, as an operator starts them."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp

from tests import forked
from tests.stories.conftest import free_port

_YIMEN = "from web.cli import main; main()"
_CHEAP = "import sso.authentication.passwords as p; p.COST = p.Cost(1, 8, 1); " + _YIMEN


class Server:
    """`yimen serve` with two identity processes, in a process group of its own.

    `address` is where it listens; a replica has the `issuer` of another server. `lowered`: its passwords cost next to
    nothing, where a test has thousands of them.
    """

    def __init__(self, folder: Path, database_url: str, *, issuer: str = "", lowered: bool = False) -> None:
        self._lowered = lowered
        self._command = (sys.executable, "-c", _CHEAP if lowered else _YIMEN)
        port = free_port()
        self.address = f"http://localhost:{port}"
        self.issuer = issuer or self.address
        own = {name: text for name, text in os.environ.items() if not name.startswith("YIMEN_")}
        self._environment = own | {
            "YIMEN_ISSUER": self.issuer,
            "YIMEN_PORT": str(port),
            "YIMEN_DATA_DIR": str(folder),
            "YIMEN_DATABASE_URL": database_url,
            "YIMEN_CUSTODIAN": "keyfile",
            "YIMEN_LOG_LEVEL": "ERROR",
        }

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        """A command whose standard input, output and error are pipes."""
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            *self._command, *arguments, env=self._environment, stdin=pipe, stdout=pipe, stderr=pipe
        )

    async def run(self, *arguments: str, given: bytes = b"") -> tuple[int, bytes]:
        status, said, _ = await forked.run(arguments, self._environment, given, lowered=self._lowered)
        return status, said

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """Runs until the block ends; then it is killed, workers and all, without a word."""
        process = await asyncio.create_subprocess_exec(
            *self._command, "serve", "--workers", "2", env=self._environment, start_new_session=True
        )
        try:
            await self.until_ready()
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    async def until_ready(self) -> None:
        async with asyncio.timeout(40), aiohttp.ClientSession() as client:
            while True:
                with suppress(aiohttp.ClientError):
                    async with client.get(f"{self.address}/readyz") as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(0.1)
