"""A real `yimen serve` on ports of its own."""

import asyncio
import contextlib
import os
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.stories.conftest import free_port

COMMAND = (sys.executable, "-c", "from web.cli import main; main()")


@dataclass(frozen=True)
class Answer:
    status: int
    head: bytes
    body: bytes


@dataclass(frozen=True)
class Served:
    port: int
    process: asyncio.subprocess.Process
    tls: ssl.SSLContext | None = None

    @property
    def gateway_port(self) -> int:
        return self.port + 1

    async def say(self, written: bytes, *, at: int | None = None, source: str = "127.0.0.1") -> Answer:
        """Sends exactly these bytes on a connection of its own; gives the answer, read to its end."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", at or self.port, local_addr=(source, 0), ssl=self.tls
        )
        with contextlib.closing(writer):
            writer.write(written)
            return await read_answer(reader)


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """Status 0 where the connection was closed without a word, or reset while we still wrote."""
    try:
        told = await reader.read()
    except ConnectionResetError:
        told = b""
    head, _, body = told.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1]) if head else 0
    return Answer(status, head, body)


def environment(folder: Path, port: int, settings: Mapping[str, str]) -> dict[str, str]:
    own = {name: text for name, text in os.environ.items() if not name.startswith("YIMEN_")}
    return (
        own
        | {
            "YIMEN_ISSUER": f"http://localhost:{port}",
            "YIMEN_PORT": str(port),
            "YIMEN_DATA_DIR": str(folder),
            "YIMEN_CUSTODIAN": "keyfile",
            "YIMEN_LOG_LEVEL": "ERROR",
        }
        | {f"YIMEN_{name.upper()}": text for name, text in settings.items()}
    )


@asynccontextmanager
async def open_served(
    folder: Path,
    port: int,
    settings: Mapping[str, str],
    *,
    tls: ssl.SSLContext | None = None,
    log: Path | None = None,
) -> AsyncIterator[Served]:
    with contextlib.ExitStack() as stack:
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            "serve",
            env=environment(folder, port, settings),
            start_new_session=True,
            stderr=stack.enter_context(log.open("wb")) if log else None,
        )
    served = Served(port, process, tls)
    try:
        async with asyncio.timeout(60):
            for each in (served.port, served.gateway_port):
                while not await _is_ready(served, each):
                    assert process.returncode is None
        yield served
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _is_ready(served: Served, port: int) -> bool:
    with contextlib.suppress(OSError):
        written = b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        return (await served.say(written, at=port)).status == 200
    await asyncio.sleep(0.1)
    return False


@pytest.fixture
async def served(tmp_path: Path, database_url: str) -> AsyncIterator[Served]:
    async with open_served(tmp_path / "data", free_port(), {"database_url": database_url}) as served:
        yield served
