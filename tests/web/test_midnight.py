"""The county's days as people and clients meet them: what ends with a day ends at midnight there, not at eight."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest

from core.clock import FrozenClock
from core.settings import Settings
from sso.access import AccessRule
from sso.directory.users import Post, UserRegistration
from tests.web.agent import Agent, answer_of
from tests.web.conftest import PASSWORD, add_client, add_county, add_person
from tests.web.protocol.conftest import Flow
from web.composition import House, open_house
from web.pages.audit_filters import Filters
from web.portal import portal_app
from web.request_context import RequestContext

BEFORE_MIDNIGHT = datetime(2026, 11, 23, 15, 59, 59, tzinfo=UTC)
TODAY = date(2026, 11, 23)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(BEFORE_MIDNIGHT)


@pytest.fixture
async def lin(house: House) -> str:
    """Somebody whose post ends today."""
    post = Post("qx", "网格员", True, until=TODAY)
    hashed = await house.passwords.given(PASSWORD)
    async with house.database.write() as connection:
        registration = UserRegistration(username="lin", name="林晓岚", roles=["cadre"], posts=(post,))
        user_id, _ = await house.users.upsert(connection, registration, actor="operator:test")
        await house.passwords.keep(connection, user_id, hashed, actor="operator:test")
    return user_id


async def test_with_a_post_ends_what_it_opened_in_a_live_session_and_at_a_refresh(
    house: House, clock: FrozenClock, agent: Agent, lin: str
) -> None:
    await add_client(house, access=AccessRule(organisations=frozenset({"qx"})))
    flow = Flow(agent)
    await agent.sign_in("lin", PASSWORD)
    tokens = await flow.tokens()
    clock.advance(timedelta(seconds=1))
    assert answer_of(await flow.authorize())["error"] == "access_denied"
    refreshed = await flow.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refreshed.json()["error"] == "invalid_grant"


@pytest.fixture
async def auditor(house: House, agent: Agent) -> Agent:
    user_id = await add_person(house, "shen", "沈正", frozenset({"audit_admin"}))
    async with house.database.write() as connection:
        await house.users.set_flags(connection, user_id, totp_required=False)
    await agent.sign_in("shen", PASSWORD)
    return agent


@pytest.mark.parametrize(
    ("day", "zone", "found"),
    [
        ("2026-11-23", "", {"2026-11-23T15:59:59"}),
        ("2026-11-24", "", {"2026-11-23T16:00:00"}),
        ("2026-11-24", "Asia/Urumqi", set()),
    ],
)
async def test_a_day_that_is_asked_for_is_the_county_s_unless_the_viewer_s_zone_is_another(
    house: House, clock: FrozenClock, day: str, zone: str, found: set[str]
) -> None:
    await add_person(house, "early", "某人")
    clock.advance(timedelta(seconds=1))
    await add_person(house, "late", "某人")
    asked = Filters.of(
        {"since": day, "until": day, "zone": zone, "action": "directory.user"}, house.settings.local_time
    )
    events = (await house.audit.query(await asked.query(house))).events
    assert {f"{event.recorded_at:%Y-%m-%dT%H:%M:%S}" for event in events} == found


async def test_a_filter_says_in_which_zone_its_days_are_meant(auditor: Agent) -> None:
    assert "Asia/Shanghai" in (await auditor.get("/audit")).text
    await auditor.get("/audit", params={"since": "2026-11-23"})
    told = (await auditor.get("/api/v1/audit/events", params={"action": "audit.query"})).json()["events"]
    assert {"since": "2026-11-23", "zone": "Asia/Shanghai"} in [event["detail"] for event in told]
    refused = await auditor.get("/audit", params={"since": "2026-11-23", "zone": "Mars/Base"})
    assert (refused.status_code, "ERR-FORM" in refused.text) == (400, True)


@pytest.fixture
async def western(settings: Settings, clock: FrozenClock) -> AsyncIterator[Agent]:
    """A county two hours behind."""
    urumqi = Settings(**{**settings.model_dump(), "time_zone": "Asia/Urumqi"})
    async with open_house(urumqi, clock=clock) as house:
        await add_county(house)
        await add_person(house, "lin", "林晓岚")
        app = RequestContext(portal_app(house), urumqi, house.notices, "portal")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=urumqi.issuer) as client:
            yield Agent(client)


async def test_pages_show_the_county_s_time_and_say_so(western: Agent) -> None:
    await western.sign_in("lin", PASSWORD)
    page = (await western.get("/activity")).text
    assert 'datetime="2026-11-23T15:59:59Z"' in page
    assert 'title="2026-11-23T21:59:59+06:00">2026-11-23 21:59<' in page
