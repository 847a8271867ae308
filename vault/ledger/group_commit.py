"""Group commit: what concurrent callers want written shares one durable transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")

BATCH_LIMIT = 1000


class GroupCommit(Generic[T]):
    """`submit` returns when the batch that holds its entry is durable, or raises what the write raised."""

    def __init__(self, write: Callable[[Sequence[T]], Awaitable[None]]) -> None:
        self._write = write
        self._waiting: list[tuple[T, asyncio.Future[None]]] = []
        self._flusher: asyncio.Task[None] | None = None

    async def submit(self, entry: T) -> None:
        await self.post(entry)

    def post(self, entry: T) -> asyncio.Future[None]:
        """As `submit`, for a caller who need not wait: the future is the outcome."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, done))
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush())
        return done

    async def close(self) -> None:
        """Waits until everything submitted is written."""
        if self._flusher is not None:
            with suppress(asyncio.CancelledError):
                await self._flusher

    async def _flush(self) -> None:
        # While one batch is being written, the next one gathers.
        while self._waiting:
            batch, self._waiting = self._waiting[:BATCH_LIMIT], self._waiting[BATCH_LIMIT:]
            try:
                await self._write([entry for entry, _ in batch])
            except BaseException as error:
                failure = error if isinstance(error, Exception) else asyncio.CancelledError()
                for _, done in batch:
                    if not done.done():
                        done.set_exception(failure)
                if not isinstance(error, Exception):
                    raise
            else:
                for _, done in batch:
                    if not done.done():
                        done.set_result(None)
