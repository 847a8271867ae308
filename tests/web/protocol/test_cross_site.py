"""Requests that a client's own page posts: a browser sends them without our SameSite cookies."""

from collections.abc import Callable
from urllib.parse import urlencode

import httpx

from tests.web.agent import Agent, answer_of
from tests.web.conftest import PASSWORD, add_client
from tests.web.protocol.conftest import Flow
from web.composition import House


async def posted_from_elsewhere(agents: Callable[[], Agent], path: str, form: dict[str, str]) -> httpx.Response:
    """What the browser does with a cross-site POST: no cookie goes, and cookies that come back count."""
    return await agents().client.post(path, data=form, headers={"sec-fetch-site": "cross-site"})


async def test_a_posted_request_goes_on_with_the_session_of_its_browser(
    flow: Flow, agents: Callable[[], Agent]
) -> None:
    await flow.code()
    parked = await posted_from_elsewhere(agents, "/authorize", flow.request)
    assert parked.status_code == 303
    assert "set-cookie" not in parked.headers
    answer = answer_of(await flow.agent.follow(await flow.agent.get(parked.headers["location"])))
    assert set(answer) == {"code", "state", "iss"}


async def test_a_posted_request_waits_for_a_sign_in(house: House, agents: Callable[[], Agent], lin: str) -> None:
    await add_client(house, first_party=True)
    flow = Flow(agents())
    parked = await posted_from_elsewhere(agents, "/authorize", flow.request)
    page = await flow.agent.follow(await flow.agent.get(parked.headers["location"]))
    signed_in = await flow.agent.submit(page, "login-submit", username="lin", password=PASSWORD)
    assert "code" in answer_of(await flow.agent.follow(signed_in))


async def test_a_parked_request_belongs_to_the_browser_that_comes_first(
    flow: Flow, agents: Callable[[], Agent]
) -> None:
    parked = await posted_from_elsewhere(agents, "/authorize", flow.request)
    await flow.agent.get(parked.headers["location"])
    other = agents()
    await other.sign_in("lin", PASSWORD)
    assert (await other.get(parked.headers["location"])).status_code == 400


async def test_a_posted_request_to_another_redirect_uri_is_refused_at_once(
    flow: Flow, agents: Callable[[], Agent]
) -> None:
    refused = await posted_from_elsewhere(
        agents, "/authorize", {**flow.request, "redirect_uri": "https://evil.example"}
    )
    assert refused.status_code == 400
    assert "location" not in refused.headers


async def test_a_posted_logout_ends_the_session_of_its_browser(flow: Flow, agents: Callable[[], Agent]) -> None:
    hint = (await flow.tokens())["id_token"]
    form = {"id_token_hint": hint, "post_logout_redirect_uri": "https://affairs.example/bye", "state": "s"}
    parked = await posted_from_elsewhere(agents, "/end-session", form)
    assert (parked.status_code, parked.headers["location"]) == (303, f"/end-session?{urlencode(form)}")
    assert "set-cookie" not in parked.headers
    done = await flow.agent.get(parked.headers["location"])
    assert done.headers["location"] == "https://affairs.example/bye?state=s"
    assert (await flow.agent.get("/sessions")).status_code == 303
