"""What clients and browsers hold of an address that the provider no longer has."""

from collections.abc import AsyncIterator

import httpx
import pytest

from core.clock import FrozenClock
from core.settings import Settings
from sso.oidc.jws import verified
from tests.web.agent import Agent, answer_of
from tests.web.conftest import PASSWORD, add_client
from tests.web.protocol.conftest import Flow
from web.composition import House, open_house
from web.portal import portal_app
from web.request_context import RequestContext

THERE = "http://sso.localhost:8000"


@pytest.fixture
async def there(house: House, settings: Settings, clock: FrozenClock) -> AsyncIterator[Flow]:
    """The same client, at the same installation under another name."""
    await add_client(house)
    named = Settings(**{**settings.model_dump(), "issuer": THERE, "gateway_domain": "gw.localhost:8000"})
    async with open_house(named, clock=clock) as moved:
        app = RequestContext(portal_app(moved), named, moved.notices, "portal")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=THERE) as client:
            yield Flow(Agent(client))


@pytest.fixture
async def here(there: Flow, agent: Agent, lin: str) -> Flow:
    await agent.sign_in("lin", PASSWORD)
    return Flow(agent)


async def test_a_refresh_token_goes_on_under_the_new_issuer_and_an_access_token_of_the_old_one_ends(
    here: Flow, there: Flow, house: House
) -> None:
    old = await here.tokens()
    assert (await there.userinfo(old["access_token"])).status_code == 401
    new = (await there.token(grant_type="refresh_token", refresh_token=old["refresh_token"])).json()
    assert (await there.userinfo(new["access_token"])).status_code == 200
    told = verified(new["access_token"], house.signing_keys.verification_key)
    assert told is not None
    assert (told[1]["iss"], told[1]["aud"]) == (THERE, THERE)


async def test_a_person_signs_in_anew_and_is_not_asked_again_what_a_client_may_learn(here: Flow, there: Flow) -> None:
    await here.tokens()
    assert "/sign-in" in (await there.authorize()).headers["location"]
    await there.agent.sign_in("lin", PASSWORD)
    answer = answer_of(await there.authorize())
    assert ("code" in answer, answer["iss"]) == (True, THERE)


async def test_signing_out_with_a_hint_of_the_old_issuer_asks_the_person(here: Flow, there: Flow) -> None:
    old = await here.tokens()
    await there.agent.sign_in("lin", PASSWORD)
    asked = await there.agent.get("/end-session", params={"id_token_hint": old["id_token"]})
    assert (asked.status_code, "ERR-" in asked.text) == (200, False)
