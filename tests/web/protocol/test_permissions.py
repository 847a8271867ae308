"""What a person allowed other systems, and taking it back."""

from collections.abc import Callable

from tests.web.agent import Agent
from tests.web.conftest import PASSWORD, add_client, add_person
from tests.web.protocol.conftest import Flow
from web.composition import House


async def test_what_was_allowed_is_listed_and_taken_back_at_once(flow: Flow) -> None:
    tokens = await flow.tokens(scope="openid profile offline_access", prompt="consent")
    page = await flow.agent.get("/sessions")
    assert "村务公开" in page.text
    done = await flow.agent.submit(page, "withdraw-1")
    assert done.headers["location"] == "/sessions?done=withdrawn"
    assert "村务公开" not in (await flow.agent.get("/sessions")).text
    assert not await flow.is_active(tokens["access_token"])
    refused = await flow.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refused.json()["error"] == "invalid_grant"
    assert "/consent" in (await flow.authorize()).headers["location"]


async def test_a_trusted_client_that_stays_signed_in_is_listed_too(house: House, flow: Flow) -> None:
    await add_client(house, "ours", first_party=True, name={"zh": "掌上网格"})
    mine = Flow(flow.agent, "ours")
    await mine.tokens()
    assert "掌上网格" not in (await flow.agent.get("/sessions")).text
    await mine.tokens(scope="openid offline_access")
    assert "掌上网格" in (await flow.agent.get("/sessions")).text


async def test_nobody_takes_back_what_somebody_else_allowed(
    house: House, flow: Flow, agents: Callable[[], Agent]
) -> None:
    tokens = await flow.tokens()
    await add_person(house, "chen", "陈")
    other = Flow(agents())
    await other.agent.sign_in("chen", PASSWORD)
    await other.tokens()
    page = await other.agent.get("/sessions")
    await other.agent.submit(page, "withdraw-1")
    assert await flow.is_active(tokens["access_token"])
