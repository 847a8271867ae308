"""Starts the program of an image, with the environment and the folders that it is given, as a container would.

Not like a container: the program sees this machine's files beside its own, and runs under the account that runs the
tests. What it may listen on is an address of its own in the loopback range, which stands for that of its pod.
"""

import asyncio
import contextlib
import os
import secrets
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from tests.deploy.dockerfile import Image

_START_SECONDS = 120
_EVERY_ADDRESS = "0.0.0.0"


@dataclass(frozen=True)
class Container:
    image: Image
    log: Path
    arguments: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    mounts: Mapping[str, Path] = field(default_factory=dict)
    address: str = field(default_factory=lambda: ".".join(["127", *(str(1 + secrets.randbelow(250)) for _ in "abc")]))

    @property
    def command(self) -> list[str]:
        return [
            self._on_this_machine(word) for word in [*self.image.entrypoint, *(self.arguments or self.image.command)]
        ]

    @property
    def variables(self) -> dict[str, str]:
        given = {**self.image.environment, **self.environment}
        return {name: self._on_this_machine(text) for name, text in given.items()}

    async def run(self) -> int:
        """To its end; gives its status."""
        async with self._process() as process:
            return await process.wait()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[asyncio.subprocess.Process]:
        async with self._process() as process:
            yield process
            process.terminate()
            assert await process.wait() == 0, self.said()

    async def ask(self, port: int, path: str, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
        """Status, header fields and body. Status 0 where nobody listens."""
        try:
            # Bytes as they come: whether an answer is packed is what some tests look at.
            async with (
                aiohttp.ClientSession(auto_decompress=False) as client,
                client.get(f"http://{self.address}:{port}{path}", headers=headers, allow_redirects=False) as answer,
            ):
                return answer.status, answer.headers, await answer.read()
        except aiohttp.ClientConnectionError:
            return 0, {}, b""

    async def until(self, status: int, port: int, path: str, process: asyncio.subprocess.Process) -> None:
        async with asyncio.timeout(_START_SECONDS):
            while (await self.ask(port, path))[0] != status:
                assert process.returncode is None, self.said()
                await asyncio.sleep(0.2)

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    @asynccontextmanager
    async def _process(self) -> AsyncIterator[asyncio.subprocess.Process]:
        directory = Path(self._on_this_machine(self.image.working_directory))
        with self.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *self.command, env=self.variables, cwd=directory, stdout=log, stderr=log, start_new_session=True
            )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    def _on_this_machine(self, text: str) -> str:
        """Paths of the container to where they are here; every address of the pod to the one that it has."""
        if text == _EVERY_ADDRESS:
            return self.address
        return ":".join(self._place(part) if part.startswith("/") else part for part in text.split(":"))

    def _place(self, path: str) -> str:
        for at, folder in self.mounts.items():
            if path == at or path.startswith(f"{at}/"):
                return f"{folder}{path.removeprefix(at)}"
        own = self.image.place(path)
        return str(own) if own.exists() else path
