import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from core.database.pool import Pool

SIZE = 3


class Line:
    """A connection that is open until somebody closes it."""

    def __init__(self) -> None:
        self._closed = False

    def is_closed(self) -> bool:
        return self._closed

    def terminate(self) -> None:
        self._closed = True

    async def close(self) -> None:
        self._closed = True


class Exchange:
    """Opens lines, and counts them."""

    def __init__(self) -> None:
        self.opened: list[Line] = []
        self.is_down = False
        self.lent = 0
        self.most_lent = 0
        self.pool: Pool[Line] = Pool(self._connect, SIZE, wait_seconds=5)

    async def _connect(self) -> Line:
        await asyncio.sleep(0)
        if self.is_down:
            raise ConnectionError("nobody answers")
        self.opened.append(Line())
        return self.opened[-1]

    @asynccontextmanager
    async def lending(self) -> AsyncIterator[Line]:
        line = await self.pool.acquire()
        self.lent += 1
        self.most_lent = max(self.most_lent, self.lent)
        try:
            yield line
        finally:
            self.lent -= 1
            self.pool.release(line)


async def test_connections_are_used_again_and_never_more_than_the_size_at_once() -> None:
    exchange = Exchange()

    async def use() -> None:
        async with exchange.lending() as line:
            assert not line.is_closed()
            await asyncio.sleep(0)

    await asyncio.gather(*(use() for _ in range(50)))
    assert exchange.most_lent == SIZE
    assert len(exchange.opened) == SIZE


async def test_the_one_that_was_used_last_is_lent_first() -> None:
    exchange = Exchange()
    async with exchange.lending() as first, exchange.lending() as second:
        pass
    async with exchange.lending() as again:
        assert again is first
        assert again is not second


async def test_a_closed_connection_is_not_lent_again() -> None:
    exchange = Exchange()
    async with exchange.lending() as line:
        line.terminate()
    async with exchange.lending() as other:
        assert other is not line


async def test_one_that_lay_idle_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange = Exchange()
    async with exchange.lending() as line:
        pass
    monkeypatch.setattr("core.database.pool._IDLE_SECONDS", 0.0)
    async with exchange.lending() as other:
        assert line.is_closed()
        assert not other.is_closed()


async def test_a_failed_opening_takes_no_place_and_wakes_who_waits() -> None:
    exchange = Exchange()
    exchange.is_down = True
    refused = await asyncio.gather(*(exchange.pool.acquire() for _ in range(10)), return_exceptions=True)
    assert all(isinstance(one, ConnectionError) for one in refused)
    exchange.is_down = False
    async with exchange.lending(), exchange.lending(), exchange.lending():
        pass


async def test_who_stops_waiting_leaves_the_turn_to_the_next() -> None:
    exchange = Exchange()
    lines = [await exchange.pool.acquire() for _ in range(SIZE)]
    gone, waiting = (asyncio.ensure_future(exchange.pool.acquire()) for _ in range(2))
    await asyncio.sleep(0)
    exchange.pool.release(lines[0])  # wakes the first, who is gone before it runs
    gone.cancel()
    assert await asyncio.wait_for(waiting, 5) is lines[0]


async def test_waiting_ends_in_time() -> None:
    pool: Pool[Line] = Pool(Exchange()._connect, 1, wait_seconds=0.01)
    await pool.acquire()
    with pytest.raises(TimeoutError):
        await pool.acquire()
