"""Refreshes in one moment, by a clock that goes on."""

import asyncio
from datetime import datetime, timedelta

import pytest

from core.clock import FrozenClock
from sso.oidc.refresh_race import Arrivals
from tests.web.protocol.conftest import Flow


class TickingClock(FrozenClock):
    def now(self) -> datetime:
        self.advance(timedelta(microseconds=1))
        return super().now()


@pytest.fixture
def clock() -> FrozenClock:
    return TickingClock(datetime.fromisoformat("2026-07-01T01:00:00+00:00"))


async def test_36_of_parallel_refreshes_one_succeeds_and_the_family_lives_on(flow: Flow) -> None:
    """The tabs of one client are no thieves."""
    tokens = await flow.tokens()
    refresh_token = tokens["refresh_token"]
    every = await asyncio.gather(
        *(flow.token(grant_type="refresh_token", refresh_token=refresh_token) for _ in range(20))
    )
    assert sorted(answer.status_code for answer in every) == [200] + [400] * 19
    won = next(answer.json() for answer in every if answer.status_code == 200)
    assert await flow.is_active(won["access_token"])
    late = await flow.token(grant_type="refresh_token", refresh_token=refresh_token)
    assert late.json()["error"] == "invalid_grant"
    assert not await flow.is_active(won["access_token"])


def test_36_a_request_that_came_before_the_first_was_answered_is_no_replay(clock: FrozenClock) -> None:
    arrivals = Arrivals(clock)
    with arrivals.of("token") as first, arrivals.of("token") as second:
        used_at = clock.now()
        with arrivals.of("token") as third:
            now = clock.now()
    with arrivals.of("token") as replay:
        pass
    other = Arrivals(clock)
    with other.of("token") as elsewhere:
        pass
    raced = [arrival.races_with(used_at, now) for arrival in (first, second, third, replay, elsewhere)]
    assert raced == [True, True, True, False, False]
    assert not third.races_with(used_at, used_at + timedelta(seconds=10))


async def test_36_a_replay_ends_the_family_whatever_scope_it_asks_for(flow: Flow) -> None:
    tokens = await flow.tokens()
    refresh_token = tokens["refresh_token"]
    won = (await flow.token(grant_type="refresh_token", refresh_token=refresh_token)).json()
    replay = await flow.token(grant_type="refresh_token", refresh_token=refresh_token, scope="openid unheard-of")
    assert replay.json()["error"] == "invalid_grant"
    assert not await flow.is_active(won["access_token"])
