"""The `claims` parameter of an authorization request (OIDC Core §5.5)."""

import base64
import json
from typing import Any

import pytest

from tests.web.agent import answer_of
from tests.web.protocol.conftest import Flow


def id_token_claims(tokens: dict[str, Any]) -> dict[str, Any]:
    payload = tokens["id_token"].split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


async def test_a_claim_asked_for_by_name_is_released_where_it_was_asked_for(flow: Flow) -> None:
    tokens = await flow.tokens(scope="openid", claims='{"userinfo": {"email": null}, "id_token": {"name": {}}}')
    userinfo = (await flow.userinfo(tokens["access_token"])).json()
    assert set(userinfo) == {"sub", "email"}
    told = id_token_claims(tokens)
    assert told["name"] == "林晓岚"
    assert "email" not in told


async def test_the_person_is_asked_about_what_the_claims_are(flow: Flow) -> None:
    await flow.answer(scope="openid")
    page = await flow.agent.follow(await flow.authorize(scope="openid", claims='{"userinfo": {"email": null}}'))
    assert 'id="consent-allow"' in page.text


async def test_a_claim_beyond_the_clients_scopes_stays_out(flow: Flow) -> None:
    tokens = await flow.tokens(scope="openid", claims='{"userinfo": {"phone_number_masked": {"essential": true}}}')
    assert set((await flow.userinfo(tokens["access_token"])).json()) == {"sub"}


async def test_unknown_claims_and_members_are_left_out(flow: Flow) -> None:
    tokens = await flow.tokens(claims='{"userinfo": {"shoe_size": null}, "verified_claims": 7}')
    assert "shoe_size" not in (await flow.userinfo(tokens["access_token"])).json()


async def test_only_the_wanted_person_will_do(flow: Flow) -> None:
    subject = id_token_claims(await flow.tokens())["sub"]
    wanted = json.dumps({"id_token": {"sub": {"value": subject}}})
    assert "code" in await flow.answer(claims=wanted)
    refused = answer_of(await flow.authorize(claims='{"id_token": {"sub": {"value": "somebody"}}}'))
    assert refused["error"] == "login_required"


async def test_an_essential_acr_that_the_sign_in_lacks_is_told(flow: Flow) -> None:
    wanted = {"id_token": {"acr": {"essential": True, "values": ["urn:out-of-reach"]}}}
    assert answer_of(await flow.authorize(claims=json.dumps(wanted)))["error"] == "unmet_authentication_requirements"
    wanted["id_token"]["acr"]["essential"] = False
    assert "code" in await flow.answer(claims=json.dumps(wanted))


@pytest.mark.parametrize(
    "claims",
    [
        "{",
        "[]",
        "7",
        '"email"',
        '{"userinfo": []}',
        '{"userinfo": {"email": 1}}',
        '{"userinfo": {"email": NaN}}',
        "[" * 4000,
    ],
)
async def test_what_is_no_claims_request_is_told_to_the_client(flow: Flow, claims: str) -> None:
    assert answer_of(await flow.authorize(claims=claims))["error"] == "invalid_request"


async def test_a_lone_surrogate_is_nobodys_name(flow: Flow) -> None:
    refused = answer_of(await flow.authorize(claims='{"id_token": {"sub": {"value": "\\ud800"}}}'))
    assert refused["error"] == "login_required"
