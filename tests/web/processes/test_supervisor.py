"""DESIGN §4a.26: nothing hostile or slow stops anybody else. Real processes, ended in every way there is."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from tests.stories.conftest import free_port
from tests.web.processes.conftest import read_answer


@dataclass(frozen=True)
class Supervised:
    """The county of `tests.web.processes.county`, running."""

    port: int
    process: asyncio.subprocess.Process
    client: aiohttp.ClientSession
    log: Path

    async def ask(self, kind: str, path: str = "/") -> str:
        port = self.port if kind == "identity" else self.port + 1
        async with self.client.get(f"http://127.0.0.1:{port}{path}") as answer:
            return await answer.text()

    def begin(self, kind: str, path: str) -> "asyncio.Task[str]":
        return asyncio.create_task(self.ask(kind, path))

    async def ask_until_another_answers(self, kind: str, before: str) -> str:
        """Where the old process takes the connection and dies, the next try meets the new one."""
        while True:
            with suppress(aiohttp.ClientError):
                answer = await self.ask(kind)
                if answer != before:
                    return answer

    async def until_gone(self, *pids: str) -> None:
        for pid in pids:
            while Path(f"/proc/{pid}").exists():
                await asyncio.sleep(0.05)


@pytest.fixture
async def supervised(tmp_path: Path) -> AsyncIterator[Supervised]:
    port, log = free_port(), tmp_path / "log"
    command = (sys.executable, "-m", "tests.web.processes.county", str(port), str(port + 1))
    with log.open("wb") as stream:
        process = await asyncio.create_subprocess_exec(*command, stderr=stream, start_new_session=True)
    # A connection of its own for each request: one that is kept could lead to a process that is gone.
    connector = aiohttp.TCPConnector(force_close=True)
    async with asyncio.timeout(60), aiohttp.ClientSession(connector=connector) as client:
        county = Supervised(port, process, client, log)
        for kind in ("identity", "gateway"):
            await county.ask_until_another_answers(kind, "")
        yield county
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


async def test_a_process_that_is_stuck_in_c_code_is_replaced_and_the_other_never_notices(
    supervised: Supervised,
) -> None:
    identity, gateway = await supervised.ask("identity"), await supervised.ask("gateway")
    stuck = supervised.begin("gateway", "/stuck")
    replaced = asyncio.create_task(supervised.ask_until_another_answers("gateway", gateway))
    while not replaced.done():
        assert await supervised.ask("identity") == identity
        await asyncio.sleep(0.01)
    assert await replaced not in (gateway, identity)
    with pytest.raises(aiohttp.ClientError):
        await stuck
    said = supervised.log.read_text()
    assert "a process does not answer and is replaced" in said
    assert "be_stuck" in said, "the log shows where it stood"


async def test_whoever_was_let_in_before_the_end_is_answered(supervised: Supervised) -> None:
    """A proxy does not send a request again, elsewhere, that it wrote on a connection which was then reset."""
    early = [await asyncio.open_connection("127.0.0.1", supervised.port) for _ in range(20)]
    supervised.process.terminate()
    with suppress(ConnectionRefusedError):
        while True:
            _, late = await asyncio.open_connection("127.0.0.1", supervised.port)
            late.close()
            await asyncio.sleep(0.02)
    for _, writer in early:
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answers = [await read_answer(reader) for reader, _ in early]
    assert {answer.status for answer in answers} == {200}
    assert all(b"connection: close" in answer.head.lower() for answer in answers)
    for _, writer in early:
        writer.close()
    assert await supervised.process.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_everything_while_a_process_is_stuck(supervised: Supervised, number: int) -> None:
    pids = [await supervised.ask(kind) for kind in ("identity", "gateway")]
    stuck = supervised.begin("gateway", "/stuck")
    slow = supervised.begin("identity", "/asleep")
    await supervised.ask("identity")
    supervised.process.send_signal(number)
    assert await supervised.process.wait() == 0
    await supervised.until_gone(*pids)
    with pytest.raises(aiohttp.ClientError):
        await stuck
    with suppress(aiohttp.ClientError):
        assert await slow == "Internal Server Error", "its time was over"


async def test_a_second_signal_does_not_wait(supervised: Supervised) -> None:
    pids = [await supervised.ask(kind) for kind in ("identity", "gateway")]
    slow = supervised.begin("identity", "/asleep")
    await supervised.ask("identity")
    supervised.process.send_signal(signal.SIGINT)
    supervised.process.send_signal(signal.SIGTERM)
    await supervised.until_gone(*pids)
    assert await supervised.process.wait() == 0
    with pytest.raises(aiohttp.ClientError):
        await slow


async def test_a_killed_process_is_replaced(supervised: Supervised) -> None:
    identity, gateway = await supervised.ask("identity"), await supervised.ask("gateway")
    os.kill(int(identity), signal.SIGKILL)
    assert await supervised.ask_until_another_answers("identity", identity)
    assert await supervised.ask("gateway") == gateway


async def test_a_stopped_process_is_replaced(supervised: Supervised) -> None:
    """It writes no stacks, so nobody waits for them."""
    gateway = await supervised.ask("gateway")
    os.kill(int(gateway), signal.SIGSTOP)
    assert await supervised.ask_until_another_answers("gateway", gateway)


async def test_the_end_of_the_supervisor_is_the_end_of_its_processes_also_of_a_stuck_one(
    supervised: Supervised,
) -> None:
    identity, gateway = await supervised.ask("identity"), await supervised.ask("gateway")
    stuck = supervised.begin("gateway", "/stuck")
    await supervised.ask("identity")
    supervised.process.kill()
    await supervised.until_gone(identity, gateway)
    with pytest.raises(aiohttp.ClientError):
        await stuck
