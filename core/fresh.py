"""What was read a moment ago, by key: for rows that every request needs and that seldom change (DESIGN §5)."""

import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

SECONDS = 1.0
_MOST = 10_000

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Fresh(Generic[K, V]):
    """Values of at most a second ago; older ones are read again. An error is never kept."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._known: dict[K, tuple[V, float]] = {}

    async def get(self, key: K, read: Callable[[], Awaitable[V]]) -> V:
        known = self._known.get(key)
        if known is not None and time.monotonic() - known[1] < self._seconds:
            return known[0]
        value = await read()
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[key] = (value, time.monotonic())
        return value
