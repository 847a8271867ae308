"""RP-initiated logout. Numbers are those of the security checklist."""

from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from tests.web.agent import Agent
from tests.web.conftest import PASSWORD, add_client
from tests.web.protocol.conftest import Flow
from web.composition import House

BYE = "https://affairs.example/bye"


async def signed_in(agent: Agent) -> bool:
    return (await agent.get("/sessions")).status_code == 200


async def test_the_hint_of_this_session_signs_out_unasked(flow: Flow) -> None:
    hint = (await flow.tokens())["id_token"]
    query = {"id_token_hint": hint, "post_logout_redirect_uri": BYE, "state": "s&1"}
    response = await flow.agent.get(f"/end-session?{urlencode(query)}")
    assert (response.status_code, response.headers["location"]) == (303, f"{BYE}?state=s%261")
    assert not await signed_in(flow.agent)


async def test_44_without_a_hint_the_person_is_asked(flow: Flow) -> None:
    page = await flow.agent.get(f"/end-session?client_id=affairs&{urlencode({'post_logout_redirect_uri': BYE})}")
    assert 'id="logout-confirm"' in page.text
    assert await signed_in(flow.agent)
    done = await flow.agent.submit(page, "logout-confirm")
    assert done.headers["location"] == BYE
    assert not await signed_in(flow.agent)


async def test_44_a_confirmation_from_elsewhere_signs_nobody_out(flow: Flow) -> None:
    forged = await flow.agent.client.post("/end-session", data={"confirm": "yes", "csrf": "x"})
    assert forged.status_code == 403
    assert await signed_in(flow.agent)


@pytest.mark.parametrize(
    "uri", ["https://evil.example/", f"{BYE}?x=1", f"{BYE}/", "//affairs.example/bye", "javascript:alert(1)"]
)
async def test_44_an_unregistered_address_is_never_redirected_to(flow: Flow, uri: str) -> None:
    hint = (await flow.tokens())["id_token"]
    query = urlencode({"id_token_hint": hint, "post_logout_redirect_uri": uri})
    response = await flow.agent.get(f"/end-session?{query}")
    assert response.status_code == 400
    assert "ERR-POST_LOGOUT_REDIRECT_URI" in response.text
    assert await signed_in(flow.agent)


async def test_44_a_forged_hint_is_refused(flow: Flow) -> None:
    hint = (await flow.tokens())["id_token"]
    forged = "eyJhbGciOiJub25lIn0." + hint.split(".")[1] + "."
    response = await flow.agent.get(f"/end-session?{urlencode({'id_token_hint': forged})}")
    assert "ERR-ID_TOKEN_HINT" in response.text
    assert await signed_in(flow.agent)


async def test_the_hint_of_another_session_is_asked_about(
    house: House, agents: Callable[[], Agent], flow: Flow
) -> None:
    hint = (await flow.tokens())["id_token"]
    other = agents()
    await other.sign_in("lin", PASSWORD)
    page = await other.get(f"/end-session?{urlencode({'id_token_hint': hint})}")
    assert 'id="logout-confirm"' in page.text


async def test_a_hint_and_another_client_id_do_not_go_together(house: House, flow: Flow) -> None:
    await add_client(house, "other")
    hint = (await flow.tokens())["id_token"]
    response = await flow.agent.get(f"/end-session?{urlencode({'id_token_hint': hint, 'client_id': 'other'})}")
    assert "ERR-ID_TOKEN_HINT" in response.text
