"""The token endpoint and what hangs on its tokens. Numbers are those of the security checklist."""

import asyncio
import base64
import json
from datetime import timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from core.clock import FrozenClock
from tests.web.conftest import PASSWORD, SECRET, add_client
from tests.web.protocol.conftest import VERIFIER, Flow
from web.composition import House

ISSUER = "http://localhost:8000"


async def test_the_tokens_are_what_the_standards_say(house: House, flow: Flow, lin: str) -> None:
    response = await flow.redeem(await flow.code())
    assert response.headers["cache-control"] == "no-store"
    tokens = response.json()
    keys = KeySet.import_key_set((await flow.agent.get("/jwks")).json())
    identity = jwt.decode(tokens["id_token"], keys, algorithms=["RS256"]).claims
    assert {name: identity[name] for name in ("iss", "sub", "aud", "nonce", "name")} == {
        "iss": ISSUER,
        "sub": lin,
        "aud": "affairs",
        "nonce": "n-0S6_WzA2Mj",
        "name": "林晓岚",
    }
    access = jwt.decode(tokens["access_token"], keys, algorithms=["ES256"])
    assert access.header["typ"] == "at+jwt"
    assert {name: access.claims[name] for name in ("iss", "aud", "sub", "client_id", "scope")} == {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": lin,
        "client_id": "affairs",
        "scope": "openid profile",
    }


async def test_42_a_pairwise_subject_stays_when_the_client_moves_within_its_host(house: House, flow: Flow) -> None:
    subjects = set()
    for uri in (
        "https://affairs.example/callback",
        "https://affairs.example:8443/callback",
        "https://AFFAIRS.example/a",
    ):
        await add_client(house, metadata={"subject_type": "pairwise", "redirect_uris": [uri]})
        answer = await flow.redeem(await flow.code(redirect_uri=uri), redirect_uri=uri)
        subjects.add(json.loads(_payload(answer.json()["id_token"]))["sub"])
    assert len(subjects) == 1


async def test_userinfo_tells_what_the_scopes_release(flow: Flow, lin: str) -> None:
    tokens = await flow.tokens(scope="openid email")
    answer = (await flow.userinfo(tokens["access_token"])).json()
    assert answer == {"sub": lin, "email": "lin@qx.example"}


async def test_an_id_token_or_an_address_is_no_access_token(flow: Flow) -> None:
    tokens = await flow.tokens()
    assert (await flow.userinfo(tokens["id_token"])).status_code == 401
    in_address = await flow.agent.get(f"/userinfo?access_token={tokens['access_token']}")
    assert in_address.json()["error"] == "invalid_request"
    nothing = await flow.agent.get("/userinfo")
    assert nothing.headers["www-authenticate"] == 'Bearer realm="Yimen"'


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": None}, "invalid_grant"),
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_grant"),
        ({"code_verifier": VERIFIER + "x" * 100}, "invalid_grant"),
        ({"redirect_uri": "https://affairs.example/other"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_grant"),
    ],
)
async def test_20_a_code_with_the_wrong_proof_gives_nothing_and_stays(
    flow: Flow, changes: dict[str, str | None], error: str
) -> None:
    code = await flow.code()
    refused = await flow.redeem(code, **changes)
    assert (refused.status_code, refused.json()["error"]) == (400, error)
    assert (await flow.redeem(code)).status_code == 200


async def test_21_a_verifier_without_a_challenge_is_refused(flow: Flow) -> None:
    code = await flow.code(code_challenge=None, code_challenge_method=None)
    assert (await flow.redeem(code)).json()["error"] == "invalid_grant"


async def test_23_a_code_used_twice_ends_what_it_gave(flow: Flow) -> None:
    code = await flow.code()
    tokens = (await flow.redeem(code)).json()
    assert (await flow.userinfo(tokens["access_token"])).status_code == 200
    replay = await flow.redeem(code)
    assert (replay.status_code, replay.json()["error"]) == (400, "invalid_grant")
    assert (await flow.userinfo(tokens["access_token"])).status_code == 401
    refreshed = await flow.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refreshed.json()["error"] == "invalid_grant"


async def test_23_a_replay_without_the_verifier_ends_nothing(flow: Flow) -> None:
    code = await flow.code()
    tokens = (await flow.redeem(code)).json()
    assert (await flow.redeem(code, code_verifier="y" * 43)).status_code == 400
    assert (await flow.userinfo(tokens["access_token"])).status_code == 200


async def test_24_a_code_is_its_clients_and_lives_a_minute(house: House, flow: Flow, clock: FrozenClock) -> None:
    await add_client(house, "other")
    code = await flow.code()
    assert (await Flow(flow.agent, "other").redeem(code)).json()["error"] == "invalid_grant"
    clock.advance(timedelta(seconds=61))
    assert (await flow.redeem(code)).json()["error"] == "invalid_grant"


async def test_24_of_parallel_redemptions_one_succeeds(flow: Flow) -> None:
    code = await flow.code()
    answers = await asyncio.gather(*(flow.redeem(code) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400, 400, 400]


async def test_26_the_endpoint_is_strict_about_form(flow: Flow) -> None:
    read = await flow.agent.get("/token")
    assert (read.status_code, read.headers["allow"], read.json()["error"]) == (405, "POST, OPTIONS", "invalid_request")
    in_address = await flow.agent.client.post(f"/token?client_id=affairs&client_secret={SECRET}")
    assert in_address.json()["error"] == "invalid_request"
    as_json = await flow.agent.client.post("/token", json={"grant_type": "client_credentials"})
    assert as_json.json()["error"] == "invalid_request"
    twice = await flow.token(grant_type="client_credentials", client_id="affairs", client_secret=SECRET)
    assert twice.json()["error"] == "invalid_request"


async def test_31_other_grants_are_unsupported(flow: Flow) -> None:
    refused = await flow.token(grant_type="password", username="lin", password=PASSWORD)
    assert refused.json()["error"] == "unsupported_grant_type"


async def test_client_credentials_give_the_clients_own_token(flow: Flow) -> None:
    answer = (await flow.token(grant_type="client_credentials")).json()
    assert (answer["scope"], "refresh_token" in answer, "id_token" in answer) == ("affairs.read", False, False)
    assert (await flow.userinfo(answer["access_token"])).status_code == 403
    assert await flow.is_active(answer["access_token"])
    assert (await flow.post("/revoke", token=answer["access_token"])).status_code == 200
    assert not await flow.is_active(answer["access_token"])
    widened = await flow.token(grant_type="client_credentials", scope="openid")
    assert widened.json()["error"] == "invalid_scope"


async def test_36_a_refresh_token_rotates_and_its_reuse_ends_the_family(flow: Flow) -> None:
    first = await flow.tokens()
    second = (await flow.token(grant_type="refresh_token", refresh_token=first["refresh_token"])).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert "nonce" not in json.loads(_payload(second["id_token"]))
    reused = await flow.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert reused.json()["error"] == "invalid_grant"
    after = await flow.token(grant_type="refresh_token", refresh_token=second["refresh_token"])
    assert after.json()["error"] == "invalid_grant"
    assert (await flow.userinfo(second["access_token"])).status_code == 401


async def test_36_scope_shrinks_but_never_grows_at_refresh(flow: Flow) -> None:
    first = await flow.tokens(scope="openid profile")
    grown = await flow.token(
        grant_type="refresh_token", refresh_token=first["refresh_token"], scope="openid profile email"
    )
    assert grown.json()["error"] == "invalid_scope"
    narrowed = await flow.token(grant_type="refresh_token", refresh_token=first["refresh_token"], scope="openid")
    assert narrowed.json()["scope"] == "openid"


async def test_36_a_refresh_token_of_another_client_is_unknown(house: House, flow: Flow) -> None:
    await add_client(house, "other")
    token = (await flow.tokens())["refresh_token"]
    refused = await Flow(flow.agent, "other").token(grant_type="refresh_token", refresh_token=token)
    assert refused.json()["error"] == "invalid_grant"
    assert (await flow.token(grant_type="refresh_token", refresh_token=token)).status_code == 200


async def test_signing_out_ends_the_grants_of_the_session(flow: Flow) -> None:
    online = await flow.tokens(scope="openid")
    offline = await flow.tokens(scope="openid offline_access")
    page = await flow.agent.follow(await flow.agent.get("/end-session"))
    await flow.agent.submit(page, "logout-confirm")
    assert (await flow.userinfo(online["access_token"])).status_code == 401
    assert (await flow.userinfo(offline["access_token"])).status_code == 200


async def test_a_disabled_person_and_a_disabled_client_are_out_at_once(house: House, flow: Flow, lin: str) -> None:
    tokens = await flow.tokens(scope="openid offline_access")
    async with house.database.write() as connection:
        await house.users.set_status(connection, lin, "disabled", actor="operator:test")
    assert (await flow.userinfo(tokens["access_token"])).status_code == 401
    assert not await flow.is_active(tokens["access_token"])
    await add_client(house, status="disabled")
    assert (await flow.token(grant_type="client_credentials")).json()["error"] == "invalid_client"


async def test_40_introspection_tells_a_client_only_about_its_own_tokens(house: House, flow: Flow) -> None:
    tokens = await flow.tokens()
    assert await flow.is_active(tokens["access_token"])
    assert await flow.is_active(tokens["refresh_token"])
    await add_client(house, "other")
    other = await Flow(flow.agent, "other").post("/introspect", token=tokens["access_token"])
    assert other.json() == {"active": False}
    assert (await Flow(flow.agent, "other").post("/revoke", token=tokens["refresh_token"])).status_code == 200
    assert await flow.is_active(tokens["refresh_token"])
    assert (await flow.agent.client.post("/introspect", data={"token": "x"})).status_code == 401


async def test_40_a_revoked_refresh_token_ends_its_grant(flow: Flow) -> None:
    tokens = await flow.tokens()
    assert (await flow.post("/revoke", token=tokens["refresh_token"])).status_code == 200
    assert not await flow.is_active(tokens["access_token"])
    assert (await flow.post("/revoke", token="nonsense")).status_code == 200


async def test_an_access_token_ends_after_ten_minutes(flow: Flow, clock: FrozenClock) -> None:
    tokens = await flow.tokens()
    clock.advance(timedelta(seconds=601))
    assert (await flow.userinfo(tokens["access_token"])).status_code == 401


@pytest.mark.parametrize("alg", ["none", "HS256"])
async def test_50_a_forged_token_is_refused(flow: Flow, alg: str) -> None:
    tokens = await flow.tokens()
    header = _encode({"alg": alg, "typ": "at+jwt"})
    payload = tokens["access_token"].split(".")[1]
    assert (await flow.userinfo(f"{header}.{payload}.")).status_code == 401


async def test_cors_is_for_the_origins_of_clients(flow: Flow) -> None:
    registered = await flow.agent.get("/jwks", headers={"origin": "https://affairs.example"})
    assert registered.headers["access-control-allow-origin"] == "https://affairs.example"
    foreign = await flow.agent.get("/jwks", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in foreign.headers
    assert [answer.headers["vary"] for answer in (registered, foreign, await flow.agent.get("/jwks"))] == ["Origin"] * 3


def _payload(token: str) -> bytes:
    payload = token.split(".")[1]
    return base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))


def _encode(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
