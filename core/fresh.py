"""What was read a moment ago, by key: for rows that every request needs and that seldom change (DESIGN §5)."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

SECONDS = 1.0
_MOST = 10_000
# However quiet its table is, a value is read again: somebody may write past Yimen, who announces nothing.
_LONGEST_SECONDS = 10.0

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Heard(Protocol):
    """Who hears of changes by other processes (`core.database.changes`)."""

    @property
    def heard_until(self) -> float: ...

    def version(self, table: str) -> int: ...


@dataclass(frozen=True, slots=True)
class _Known(Generic[V]):
    value: V
    at: float
    version: int


@dataclass(frozen=True, slots=True)
class _Loading(Generic[V]):
    value: asyncio.Future[V]
    version: int


def _now() -> float:
    return time.monotonic()


class Fresh(Generic[K, V]):
    """Values that were right at most `seconds` ago; older ones are read again, by one of those who ask at once: the
    others wait for its answer, or its error. An error is never kept.

    With `changes`, a value of rows of `table` is right for as long as it is known that nobody has changed the table.
    """

    def __init__(
        self,
        seconds: float = SECONDS,
        *,
        changes: Heard | None = None,
        table: str = "",
        now: Callable[[], float] | None = None,
    ) -> None:
        self._seconds = seconds
        self._changes = changes
        self._table = table
        self._now = now or _now
        self._known: dict[K, _Known[V]] = {}
        self._loading: dict[K, _Loading[V]] = {}

    def peek(self, key: K) -> V | None:
        """The value, if it is known and fresh."""
        known = self._fresh(key, self._seconds)
        return known.value if known is not None else None

    async def get(self, key: K, read: Callable[[], Awaitable[V]], *, seconds: float | None = None) -> V:
        """`seconds`: for a caller who wants it fresher, or for whom an older one will do."""
        while True:
            known = self._fresh(key, self._seconds if seconds is None else seconds)
            if known is not None:
                return known.value
            loading = self._loading.get(key)
            if loading is None or loading.version != self._version():
                return await self._load(key, read)
            await asyncio.wait([loading.value])
            if not loading.value.cancelled():
                return loading.value.result()

    def forget(self, key: K) -> None:
        """What is known, and what is just being read, counts no more."""
        self._known.pop(key, None)
        self._loading.pop(key, None)

    def forget_all(self) -> None:
        self._known.clear()
        self._loading.clear()

    async def _load(self, key: K, read: Callable[[], Awaitable[V]]) -> V:
        loading: _Loading[V] = _Loading(asyncio.get_running_loop().create_future(), self._version())
        # Nobody may be waiting to hear of an error.
        loading.value.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._loading[key] = loading
        try:
            value = await read()
        except Exception as error:
            loading.value.set_exception(error)
            raise
        else:
            loading.value.set_result(value)
            if self._loading.get(key) is loading:
                self._keep(key, value, loading.version)
            return value
        finally:
            loading.value.cancel()
            if self._loading.get(key) is loading:
                del self._loading[key]

    def _keep(self, key: K, value: V, version: int) -> None:
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[key] = _Known(value, self._now(), version)

    def _fresh(self, key: K, seconds: float) -> _Known[V] | None:
        known = self._known.get(key)
        if known is None:
            return None
        now = self._now()
        if self._changes is None:
            return known if now - known.at < seconds else None
        if known.version != self._version() or now - known.at >= _LONGEST_SECONDS:
            return None
        return known if now - max(known.at, self._changes.heard_until) < seconds else None

    def _version(self) -> int:
        return self._changes.version(self._table) if self._changes is not None else 0
