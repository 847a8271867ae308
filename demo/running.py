"""Yimen running beside the demo county, as an operator would run it: `yimen apply`, then `yimen serve`."""

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from demo.county import County, open_county

_READY_SECONDS = 60


class DemoError(Exception):
    """Yimen did not start, or ended by itself. Its own words stand in its log."""


@dataclass(frozen=True)
class Yimen:
    """A running Yimen with its own settings; `run` gives it another command."""

    issuer: str
    environment: Mapping[str, str] = field(repr=False)
    server: asyncio.subprocess.Process

    async def run(self, *arguments: str, given: bytes = b"") -> tuple[int, bytes]:
        """Exit status and standard output of `yimen …`."""
        return await _run(self.environment, *arguments, given=given)


@asynccontextmanager
async def open_demo(
    folder: Path, port: int, *, host: str = "localhost", log: Path | None = None, **settings: str
) -> AsyncIterator[tuple[Yimen, County]]:
    """The county and Yimen, seeded. The portal is at `host`. `settings` are further `YIMEN_*` variables; `log` gets
    what the server says."""
    for taken in (port, port + 1):  # the portal's and the gateway's
        _require_free(taken)
    issuer = f"http://{host}:{port}"
    environment = _environment(folder, issuer, port) | {
        f"YIMEN_{name.upper()}": text for name, text in settings.items()
    }
    async with AsyncExitStack() as stack:
        county = await stack.enter_async_context(open_county(issuer))
        status, _ = await _run(environment, "apply", "-", given=json.dumps(county.description).encode())
        if status != 0:
            raise DemoError(f"yimen apply ended with status {status}")
        server = await stack.enter_async_context(serving(environment, port, log))
        yield Yimen(issuer, environment, server), county


def _require_free(port: int) -> None:
    """Before anything starts: whoever listens there already, another Yimen perhaps, would be taken for ours."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise DemoError(f"port {port}: {error.strerror}; choose another with --port") from None


def _environment(folder: Path, issuer: str, port: int) -> dict[str, str]:
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("YIMEN_")}
    return inherited | {
        "YIMEN_ISSUER": issuer,
        "YIMEN_PORT": str(port),
        "YIMEN_DATA_DIR": str(folder),
        "YIMEN_CUSTODIAN": "keyfile",
        # The county's systems stand on loopback, which no real county allows.
        "YIMEN_UPSTREAM_ALLOW": "127.0.0.0/8",
        "YIMEN_OUTBOUND_ALLOW": "127.0.0.0/8",
        "YIMEN_LOG_LEVEL": "WARNING",
        "YIMEN_LOG_FORMAT": "console",
    }


@asynccontextmanager
async def serving(
    environment: Mapping[str, str], port: int, log: Path | None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`yimen serve` with these variables, ready to answer."""
    with log.open("ab") if log is not None else contextlib.nullcontext() as stream:
        server = await _start(environment, "serve", stdout=stream, stderr=stream)
        try:
            await _until_ready(port, server)
            yield server
        finally:
            if server.returncode is None:
                server.terminate()
                await server.wait()


async def _start(environment: Mapping[str, str], *arguments: str, **options: Any) -> asyncio.subprocess.Process:
    command = (sys.executable, "-c", "from web.cli import main; main()", *arguments)
    # A session of its own: Ctrl-C reaches the county first, which then ends the server.
    return await asyncio.create_subprocess_exec(*command, env=dict(environment), start_new_session=True, **options)


async def _run(environment: Mapping[str, str], *arguments: str, given: bytes = b"") -> tuple[int, bytes]:
    pipe = asyncio.subprocess.PIPE
    process = await _start(environment, *arguments, stdin=pipe, stdout=pipe)
    said, _ = await process.communicate(given)
    return await process.wait(), said


async def _until_ready(port: int, server: asyncio.subprocess.Process) -> None:
    """Until the portal answers, and then the gateway."""
    async with asyncio.timeout(_READY_SECONDS), aiohttp.ClientSession() as client:
        for each in (port, port + 1):
            while not await _is_ready(client, each):
                if server.returncode is not None:
                    raise DemoError(f"yimen serve ended with status {server.returncode}; is the port taken?")
                await asyncio.sleep(0.1)


async def _is_ready(client: aiohttp.ClientSession, port: int) -> bool:
    with contextlib.suppress(aiohttp.ClientError, OSError):
        async with client.get(f"http://127.0.0.1:{port}/readyz") as answer:
            return answer.status == 200
    return False
