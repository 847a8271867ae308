"""Half-sent headers and bodies and thousands of idle connections: bounded, and nobody else waits for them."""

import asyncio
import resource
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.stories.conftest import free_port
from tests.web.processes.conftest import Served, open_served, read_answer

IDLE, HEADS, BODIES = 2000, 300, 300
_ATTACKER = "127.0.0.9"


@asynccontextmanager
async def held(port: int, count: int, written: bytes, source: str) -> AsyncIterator[list[asyncio.StreamReader]]:
    """As many connections, each of which sends `written` and then nothing."""
    opened = []
    try:
        for _ in range(count):
            opened.append(await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0)))
            opened[-1][1].write(written)
        yield [reader for reader, _ in opened]
    finally:
        for _, writer in opened:
            writer.transport.abort()


def signing_in(served: Served) -> bytes:
    return f"GET /sign-in HTTP/1.1\r\nHost: localhost:{served.port}\r\nConnection: close\r\n\r\n".encode()


def half_a_head(served: Served) -> bytes:
    return f"GET /sign-in HTTP/1.1\r\nHost: localhost:{served.port}\r\nX-Slow: a".encode()


def half_a_body(served: Served) -> bytes:
    return (
        f"POST /sign-in HTTP/1.1\r\nHost: localhost:{served.port}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nusername=a"
    ).encode()


async def test_thousands_of_idle_and_slow_connections_keep_nobody_waiting(served: Served) -> None:
    """From the attacker's own address too: an office shares one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    try:
        async with AsyncExitStack() as stack:
            await served.say(signing_in(served))
            for count, written in ((IDLE, b""), (HEADS, half_a_head(served)), (BODIES, half_a_body(served))):
                await stack.enter_async_context(held(served.port, count, written, _ATTACKER))
                for source in ("127.0.0.1", _ATTACKER):
                    begun = time.monotonic()
                    assert (await served.say(signing_in(served), source=source)).status == 200
                    print(f"{count} x {written[:4]!r} from {source}: {time.monotonic() - begun:.3f} s")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_who_opens_too_many_loses_the_ones_that_wait_longest(tmp_path: Path, database_url: str) -> None:
    settings = {"connections_per_address": "16", "database_url": database_url}
    async with open_served(tmp_path / "data", free_port(), settings) as served:  # noqa: SIM117
        async with (
            held(served.port, 4, half_a_head(served), _ATTACKER) as heads,
            held(served.port, 12, half_a_body(served), _ATTACKER) as bodies,
            held(served.port, 14, half_a_head(served), _ATTACKER),
        ):
            gone = [*heads, *bodies[:10]]
            assert [(await read_answer(reader)).status for reader in gone] == [0] * len(gone)
            assert not bodies[11].at_eof()
            assert (await served.say(signing_in(served), source=_ATTACKER)).status == 200


async def test_a_trusted_proxy_carries_as_many_as_it_likes(tmp_path: Path, database_url: str) -> None:
    settings = {"connections_per_address": "16", "trusted_proxies": _ATTACKER + "/32", "database_url": database_url}
    async with open_served(tmp_path / "data", free_port(), settings) as served:  # noqa: SIM117
        async with held(served.port, 64, half_a_body(served), _ATTACKER) as bodies:
            assert (await served.say(signing_in(served), source=_ATTACKER)).status == 200
            assert not any(reader.at_eof() for reader in bodies)


async def test_what_does_not_come_to_an_end_is_given_up(served: Served) -> None:
    """RFC 9110 §15.5.9 for half a header and half a body; a header beyond all measure is not even kept, and the browser
    is told to forget what made it so."""
    async with (
        asyncio.timeout(120),
        held(served.port, 1, half_a_head(served), _ATTACKER) as (head,),
        held(served.port, 1, half_a_body(served), _ATTACKER) as (body,),
        held(served.port, 1, half_a_head(served) + b"a" * 200_000, _ATTACKER) as (large,),
        held(served.port, 1, b"", _ATTACKER) as (idle,),
    ):
        refused = await read_answer(large)
        assert refused.status == 431
        assert b'clear-site-data: "cookies"' in refused.head
        assert (await read_answer(head)).status == 408
        assert (await read_answer(idle)).status == 0
        assert (await read_answer(body)).status == 408
