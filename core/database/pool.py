"""Connections that are lent for a unit of work each: opened when none is free, kept afterwards, at most so many."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

# What lies between may have forgotten a connection that nothing was sent over for longer.
_IDLE_SECONDS = 300.0


class Lendable(Protocol):
    def is_closed(self) -> bool: ...

    def terminate(self) -> None: ...

    async def close(self) -> None: ...


C = TypeVar("C", bound=Lendable)


class Pool(Generic[C]):
    """The one that was used last is lent first, so that a quiet time closes the others."""

    def __init__(self, connect: Callable[[], Awaitable[C]], size: int, wait_seconds: float) -> None:
        self._connect = connect
        self._size = size
        self._wait_seconds = wait_seconds
        self._idle: list[tuple[C, float]] = []
        # Those that are lent, and those that are being opened.
        self._out = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def acquire(self) -> C:
        """Raises TimeoutError when none becomes free in time, and what opening one raises."""
        if self._out >= self._size:
            await self._wait()
        self._out += 1
        while self._idle:
            connection, since = self._idle.pop()
            if connection.is_closed():
                continue
            if time.monotonic() - since < _IDLE_SECONDS:
                return connection
            connection.terminate()
        try:
            return await self._connect()
        except BaseException:
            self._give_back()
            raise

    def release(self, connection: C) -> None:
        if not connection.is_closed():
            self._idle.append((connection, time.monotonic()))
        self._give_back()

    async def close(self) -> None:
        """Closes those that are free; whoever closes the pool has waited for the others."""
        while self._idle:
            connection, _ = self._idle.pop()
            await connection.close()

    async def _wait(self) -> None:
        async with asyncio.timeout(self._wait_seconds):
            while self._out >= self._size:
                turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._waiting.append(turn)
                try:
                    await turn
                except BaseException:
                    if turn.done() and not turn.cancelled():
                        self._wake()
                    raise

    def _give_back(self) -> None:
        self._out -= 1
        self._wake()

    def _wake(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
