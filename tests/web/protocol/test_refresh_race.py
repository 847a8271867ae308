"""Two refreshes in one moment, by a clock that goes on."""

import asyncio
from datetime import datetime, timedelta

import pytest

from core.clock import FrozenClock
from tests.web.protocol.conftest import Flow


class TickingClock(FrozenClock):
    def now(self) -> datetime:
        self.advance(timedelta(microseconds=1))
        return super().now()


@pytest.fixture
def clock() -> FrozenClock:
    return TickingClock(datetime.fromisoformat("2026-07-01T01:00:00+00:00"))


async def test_36_of_parallel_refreshes_one_succeeds_and_the_family_lives_on(flow: Flow) -> None:
    """Two tabs of one client are no thieves."""
    tokens = await flow.tokens()
    refresh_token = tokens["refresh_token"]
    both = await asyncio.gather(
        *(flow.token(grant_type="refresh_token", refresh_token=refresh_token) for _ in range(2))
    )
    assert sorted(answer.status_code for answer in both) == [200, 400]
    won = next(answer.json() for answer in both if answer.status_code == 200)
    assert await flow.is_active(won["access_token"])
    late = await flow.token(grant_type="refresh_token", refresh_token=refresh_token)
    assert late.json()["error"] == "invalid_grant"
    assert not await flow.is_active(won["access_token"])
