"""How often the database is visited."""

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from core.database.sqlite_connection import Inline
from tests.conftest import BACKEND

# On PostgreSQL what goes over the wire, the ends of transactions too. SQLite has no way to go: statements there.
_KIND: type = Inline if BACKEND == "sqlite" else asyncpg.Connection
_COUNTED = ("_once", "_each") if BACKEND == "sqlite" else ("execute", "fetch", "executemany")


class RoundTrips:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._count = 0
        for name in _COUNTED:
            monkeypatch.setattr(_KIND, name, self._counting(getattr(_KIND, name)))

    def _counting(self, visit: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def counted(*given: Any, **named: Any) -> Any:
            self._count += 1
            return await visit(*given, **named)

        return counted

    def taken(self) -> int:
        """How many since this was asked the last time."""
        count, self._count = self._count, 0
        return count
