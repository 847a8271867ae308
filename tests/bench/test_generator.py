"""What the benchmark's generator does to a server, and what it says of it. No time is asserted."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from demo.serving import Listener
from tests.bench.generator.closed_loop import run
from tests.bench.generator.connection import Answer, read_answer
from tests.bench.generator.driving import GeneratorError, drive
from tests.bench.generator.job import Job, Result, Target
from tests.bench.generator.modes import MODES
from tests.bench.machine import Cores
from tests.bench.options import ROWS
from tests.bench.peers.provider import Account
from tests.bench.peers.yimen import open_yimen
from tests.stories.conftest import free_port


async def test_every_row_is_answered_by_a_real_yimen_and_its_ledger_drains(tmp_path: Path) -> None:
    legacy = Listener()
    await legacy.start(Starlette(routes=[Route("/small", _fine), Route("/block", _fine)]))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(legacy.stop)
        yimen = await open_yimen(
            stack,
            tmp_path,
            database="SQLite",
            database_url="",
            port=free_port(),
            cores=Cores(),
            account=Account(),
            legacy=legacy.origin,
        )
        assert set(yimen.targets) == set(ROWS)
        for row, target in yimen.targets.items():
            result = await run(_job(row if row in MODES else "page", target), _at_once)
            assert (result.failed, result.first_failure) == (0, ""), row
            assert result.done > 0, row
        assert yimen.backlog is not None
        await yimen.backlog.drain()
        assert (await yimen.backlog.drain()).kept_up
        assert yimen.running.memory().largest > 0
        assert yimen.cpu_seconds() > 0


async def test_processes_share_the_connections_and_their_results_are_joined() -> None:
    async with AsyncExitStack() as stack:
        origin = await _listen(stack, 200)
        result = await drive(_job("page", Target(page=f"{origin}/")), processes=2)
        assert result.failed == 0
        assert result.done == len(result.latencies) > 0
        assert result.cpu_share > 0
        assert result.quantile(0.5) <= result.quantile(0.99)


async def test_what_fails_is_counted_and_its_first_reason_told() -> None:
    async with AsyncExitStack() as stack:
        origin = await _listen(stack, 503)
        result = await run(_job("page", Target(page=f"{origin}/")), _at_once)
        assert result.done == 0
        assert result.failed > 0
        assert result.first_failure == "UnexpectedError: page: 503 as you wished"


async def test_a_server_that_is_not_there_is_counted_as_failures() -> None:
    result = await run(_job("page", Target(page=f"http://127.0.0.1:{free_port()}/")), _at_once)
    assert result.done == 0
    assert result.failed > 0


async def test_a_generator_whose_first_request_is_refused_does_not_begin() -> None:
    async with AsyncExitStack() as stack:
        origin = await _listen(stack, 400)
        target = Target(authorize=f"{origin}/authorize?x=1", token=f"{origin}/token")
        with pytest.raises(GeneratorError, match="authorize: 400"):
            await drive(_job("refresh", target))


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n", b"hello"),
        (b"HTTP/1.1 204 No Content\r\nserver: x\r\n\r\n", b""),
    ],
)
def test_an_answer_is_read_when_its_last_byte_is_there(sent: bytes, body: bytes) -> None:
    for length in range(len(sent)):
        needed = read_answer(sent[:length])
        assert isinstance(needed, int)
        assert length < needed <= len(sent)
    answer = read_answer(sent)
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body) == (int(sent[9:12]), body)


def test_jobs_and_results_survive_the_way_between_processes() -> None:
    job = Job("page", Target(page="http://127.0.0.1/", headers={"host": "x"}), 2, 0.5, 0.1, core=1)
    result = Result(2, 3, 1, "why", 0.5, 0.25, [1.5, 2.5])
    assert Job.from_json(job.to_json()) == job
    assert Result.from_json(result.to_json()) == result


def _job(mode: str, target: Target) -> Job:
    return Job(mode, target, connections=2, seconds=0.2, warm_up=0.05)


async def _at_once() -> None:
    await asyncio.sleep(0)


async def _listen(stack: AsyncExitStack, status: int) -> str:
    async def answer(_request: Request) -> Response:
        return PlainTextResponse("as you wished", status_code=status)

    listener = Listener()
    await listener.start(Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])]))
    stack.push_async_callback(listener.stop)
    return listener.origin


async def _fine(_request: Request) -> Response:
    return PlainTextResponse("fine")
