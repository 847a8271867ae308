"""The authorization endpoint. Numbers are those of the security checklist."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from core.clock import FrozenClock
from tests.web.agent import Agent, answer_of
from tests.web.conftest import PASSWORD, REDIRECT_URI, add_client, add_person
from tests.web.protocol.conftest import Flow
from web.composition import House


async def test_a_signed_in_person_gets_a_code_after_allowing(flow: Flow) -> None:
    answer = await flow.answer()
    assert set(answer) == {"code", "state", "iss"}
    assert answer["iss"] == "http://localhost:8000"


async def test_what_was_allowed_is_not_asked_again(flow: Flow) -> None:
    await flow.code()
    assert "code" in answer_of(await flow.authorize())


async def test_a_wider_scope_is_asked_for(flow: Flow) -> None:
    await flow.code()
    assert "/consent" in (await flow.authorize(scope="openid profile email")).headers["location"]


async def test_a_first_party_client_asks_for_no_consent(house: House, flow: Flow) -> None:
    await add_client(house, "ours", first_party=True)
    assert "code" in answer_of(await flow.authorize(client_id="ours"))


async def test_who_refuses_sends_access_denied(flow: Flow) -> None:
    page = await flow.agent.follow(await flow.authorize())
    answer = answer_of(await flow.agent.follow(await flow.agent.submit(page, "consent-deny")))
    assert (answer["error"], answer["state"]) == ("access_denied", "af0ifjsldkj")


async def test_a_visitor_signs_in_first_and_then_comes_back(
    house: House, agents: Callable[[], Agent], lin: str
) -> None:
    await add_client(house, first_party=True)
    flow = Flow(agents())
    page = await flow.agent.follow(await flow.authorize())
    assert 'id="login-submit"' in page.text
    signed_in = await flow.agent.submit(page, "login-submit", username="lin", password=PASSWORD)
    assert signed_in.status_code == 303
    assert "code" in answer_of(await flow.agent.follow(signed_in))


async def test_a_waiting_request_belongs_to_its_browser(house: House, agents: Callable[[], Agent], lin: str) -> None:
    await add_client(house, first_party=True)
    flow, other = Flow(agents()), agents()
    waiting = (await flow.authorize()).headers["location"].replace("/sign-in", "/authorize/continue")
    await other.sign_in("lin", PASSWORD)
    refused = await other.get(waiting)
    assert refused.status_code == 400
    assert "ERR-INTERACTION" in refused.text


@pytest.mark.parametrize(
    "uri",
    [
        "https://affairs.example/Callback",
        "https://affairs.example/callback/",
        "https://affairs.example/callback?x=1",
        "https://affairs.example/callback/../callback",
        "https://affairs.example:8443/callback",
        "https://user@affairs.example/callback",
        "https://affairs.example/c%61llback",
        "http://affairs.example/callback",
        "https://evil.example/callback",
        "//affairs.example/callback",
        "javascript:alert(1)",
        "https://affairs.example/callback\r\nSet-Cookie: a=b",
    ],
)
async def test_1_another_redirect_uri_is_never_redirected_to(flow: Flow, uri: str) -> None:
    response = await flow.authorize(redirect_uri=uri)
    assert response.status_code == 400
    assert "location" not in response.headers
    assert "ERR-REDIRECT_URI" in response.text


async def test_2_a_native_client_on_a_loopback_address_may_use_any_port(house: House, flow: Flow) -> None:
    native = {
        "redirect_uris": ["http://127.0.0.1/cb"],
        "application_type": "native",
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code"],
    }
    await add_client(house, "native", first_party=True, policy="strict", metadata=native)
    accepted = await flow.authorize(client_id="native", redirect_uri="http://127.0.0.1:51004/cb")
    assert accepted.headers["location"].startswith("http://127.0.0.1:51004/cb?")
    for wrong in ("http://127.0.0.1:51004/other", "http://localhost:51004/cb", "https://127.0.0.1/cb"):
        assert (await flow.authorize(client_id="native", redirect_uri=wrong)).status_code == 400


@pytest.mark.parametrize("client_id", ["nobody", "", "a\x00b", "x" * 5000])
async def test_5_an_unknown_client_is_told_to_the_person(flow: Flow, client_id: str) -> None:
    response = await flow.authorize(client_id=client_id or None)
    assert response.status_code == 400
    assert "ERR-CLIENT" in response.text


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": "openid phone"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"claims": "["}, "invalid_request"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"request_uri": "https://affairs.example/r"}, "request_uri_not_supported"),
        ({"id_token_hint": "e30.e30."}, "invalid_request"),
    ],
)
async def test_10_a_wrong_request_is_told_to_the_client(flow: Flow, changes: dict[str, str | None], error: str) -> None:
    answer = answer_of(await flow.authorize(**changes))
    assert (answer["error"], answer["state"], answer["iss"]) == (error, "af0ifjsldkj", "http://localhost:8000")


async def test_10_a_repeated_parameter_is_refused(flow: Flow) -> None:
    response = await flow.authorize()
    repeated = await flow.agent.get(f"{response.request.url}&scope=openid")
    assert answer_of(repeated)["error"] == "invalid_request"
    ambiguous = await flow.agent.get(f"{response.request.url}&redirect_uri=https://evil.example/cb")
    assert ambiguous.status_code == 400


async def test_16_state_comes_back_byte_for_byte(flow: Flow) -> None:
    state = "".join(map(chr, range(0x20, 0x7F))) * 2 + "<script>alert(1)</script>"
    assert (await flow.answer(state=state))["state"] == state


async def test_form_post_sends_the_answer_in_a_page(flow: Flow) -> None:
    await flow.code()
    page = await flow.authorize(response_mode="form_post")
    assert page.status_code == 200
    assert f'action="{REDIRECT_URI}"' in page.text
    assert 'name="code"' in page.text
    assert "no-store" in page.headers["cache-control"]


async def test_a_post_from_the_clients_page_works_like_a_get(flow: Flow) -> None:
    response = await flow.agent.client.post("/authorize", data=flow.request)
    assert "/consent" in response.headers["location"]


async def test_19_a_public_client_needs_a_challenge(house: House, flow: Flow) -> None:
    await add_client(
        house, "spa", metadata={"token_endpoint_auth_method": "none", "grant_types": ["authorization_code"]}
    )
    answer = answer_of(await flow.authorize(client_id="spa", code_challenge=None, code_challenge_method=None))
    assert answer["error"] == "invalid_request"


async def test_a_plain_client_may_leave_out_pkce_and_nonce(flow: Flow) -> None:
    code = await flow.code(code_challenge=None, code_challenge_method=None, nonce=None)
    assert (await flow.redeem(code, code_verifier=None)).status_code == 200


async def test_43_prompt_none_never_shows_a_page(house: House, agents: Callable[[], Agent], flow: Flow) -> None:
    assert answer_of(await flow.authorize(prompt="none"))["error"] == "consent_required"
    await flow.code()
    assert "code" in answer_of(await flow.authorize(prompt="none"))
    visitor = Flow(agents())
    assert answer_of(await visitor.authorize(prompt="none"))["error"] == "login_required"


async def test_43_the_hint_of_another_person_needs_a_sign_in(
    house: House, agents: Callable[[], Agent], flow: Flow
) -> None:
    hint = (await flow.tokens())["id_token"]
    assert "code" in answer_of(await flow.authorize(id_token_hint=hint, prompt="none"))
    await add_person(house, "wang", "王建国")
    other = Flow(agents())
    await other.agent.sign_in("wang", PASSWORD)
    assert answer_of(await other.authorize(id_token_hint=hint, prompt="none"))["error"] == "login_required"


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "0"}])
async def test_43_a_new_sign_in_can_be_asked_for(flow: Flow, clock: FrozenClock, changes: dict[str, str]) -> None:
    await flow.code()
    page = await flow.agent.follow(await flow.authorize(**changes))
    assert 'id="login-submit"' in page.text
    clock.advance(timedelta(seconds=5))
    signed_in = await flow.agent.submit(page, "login-submit", username="lin", password=PASSWORD)
    assert "code" in answer_of(await flow.agent.follow(signed_in))


async def test_an_old_sign_in_is_not_enough_for_max_age(flow: Flow, clock: FrozenClock) -> None:
    await flow.code()
    assert "code" in answer_of(await flow.authorize(max_age="60"))
    clock.advance(timedelta(seconds=61))
    assert "/sign-in" in (await flow.authorize(max_age="60")).headers["location"]


async def test_who_may_not_use_the_client_is_refused(house: House, flow: Flow) -> None:
    from sso.access import AccessRule

    await add_client(house, "closed", access=AccessRule(users=frozenset({"somebody"})))
    assert answer_of(await flow.authorize(client_id="closed"))["error"] == "access_denied"


async def test_12_authorization_has_no_cors(flow: Flow) -> None:
    response = await flow.agent.get("/authorize", headers={"origin": "https://affairs.example"})
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("path", ["/sign-in", "/authorize", "/end-session", "/signed-out", "/nothing"])
async def test_13_pages_cannot_be_framed_and_leak_no_referrer(agent: Agent, house: House, path: str) -> None:
    headers = (await agent.get(path)).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"


async def test_a_head_request_makes_no_code(flow: Flow) -> None:
    await flow.code()
    query = urlencode(flow.request)
    assert (await flow.agent.client.head(f"/authorize?{query}")).status_code == 405


async def test_7_with_nobody_signed_in_an_error_leads_to_no_client(
    house: House, agents: Callable[[], Agent], lin: str
) -> None:
    await add_client(house, first_party=True)
    flow = Flow(agents())
    page = await flow.agent.follow(await flow.authorize(response_type="token"))
    signed_in = await flow.agent.submit(page, "login-submit", username="lin", password=PASSWORD)
    assert answer_of(await flow.agent.follow(signed_in))["error"] == "unsupported_response_type"
    silent = answer_of(await Flow(agents()).authorize(response_type="token", prompt="none"))
    assert silent["error"] == "unsupported_response_type"


async def test_what_one_person_allowed_is_not_anothers_consent(
    house: House, flow: Flow, agents: Callable[[], Agent]
) -> None:
    """CVE-2025-12390: two people, one computer, one waiting request."""
    await add_person(house, "chen", "陈")
    asked = await flow.authorize(prompt="consent")
    page = await flow.agent.follow(asked)
    allowed = await flow.agent.submit(page, "consent-allow")
    await flow.agent.client.get("/sign-in")
    flow.agent.client.cookies.delete("yimen-session")
    await flow.agent.sign_in("chen", PASSWORD)
    again = await flow.agent.follow(await flow.agent.get(allowed.headers["location"]))
    assert 'id="consent-allow"' in again.text


async def test_a_scope_that_the_client_does_not_have_is_not_shown(flow: Flow) -> None:
    refused = answer_of(await flow.authorize(scope="openid 你的密码"))
    assert refused["error"] == "invalid_scope"


@pytest.mark.parametrize(
    ("redirect_uri", "method", "remembered"),
    [
        ("http://127.0.0.1:51004/cb", "none", False),
        ("http://127.0.0.1:51004/cb", "client_secret_basic", True),
        ("http://127.0.0.1/cb", "none", True),
        ("https://app.example/cb", "none", True),
        ("example.app:/cb", "none", False),
    ],
)
async def test_47_consent_is_not_remembered_where_any_local_program_gets_the_answer(
    house: House, flow: Flow, redirect_uri: str, method: str, remembered: bool
) -> None:
    """RFC 8252 §8.6: a public client on a free port or a private scheme cannot be told from another program."""
    native = {
        "redirect_uris": ["http://127.0.0.1/cb", "https://app.example/cb", "example.app:/cb"],
        "application_type": "native",
        "token_endpoint_auth_method": method,
        "grant_types": ["authorization_code"],
    }
    await add_client(house, "app", metadata=native)
    app = Flow(flow.agent, "app", request={"redirect_uri": redirect_uri})
    assert "code" in await app.answer()
    again = await app.authorize()
    assert ("/consent" not in again.headers["location"]) is remembered
    silent = answer_of(await app.authorize(prompt="none"))
    assert silent.get("error") == (None if remembered else "consent_required")
    assert "code" in await app.answer()


async def test_prompt_consent_asks_even_for_a_first_party_client(house: House, flow: Flow) -> None:
    await add_client(house, "ours", first_party=True)
    page = await flow.agent.follow(await flow.authorize(client_id="ours", prompt="consent"))
    assert 'id="consent-allow"' in page.text


async def test_a_nonce_may_be_long_but_not_endless(flow: Flow) -> None:
    assert "code" in await flow.answer(nonce="n" * 1024)
    assert answer_of(await flow.authorize(nonce="n" * 1025))["error"] == "invalid_request"


@pytest.mark.parametrize("uris", [[REDIRECT_URI, REDIRECT_URI], [REDIRECT_URI, "https://evil.example"], ["\x00"]])
async def test_1_an_ambiguous_redirect_uri_is_not_left_out(flow: Flow, uris: list[str]) -> None:
    others = [(name, value) for name, value in flow.request.items() if name != "redirect_uri"]
    refused = await flow.agent.get(f"/authorize?{urlencode([*others, *(('redirect_uri', uri) for uri in uris)])}")
    assert refused.status_code == 400
    assert "location" not in refused.headers


async def test_a_trailing_slash_is_another_address(flow: Flow) -> None:
    """A redirect would be made of the Host header, which anybody may write."""
    missing = await flow.agent.get("/authorize/", headers={"host": "evil.example"})
    assert missing.status_code == 404
    assert "location" not in missing.headers


async def test_signing_in_again_for_a_client_keeps_the_session_and_its_tokens(flow: Flow, clock: FrozenClock) -> None:
    tokens = await flow.tokens()
    clock.advance(timedelta(minutes=5))
    page = await flow.agent.follow(await flow.authorize(prompt="login"))
    signed_in = await flow.agent.submit(page, "login-submit", username="lin", password=PASSWORD)
    assert "code" in answer_of(await flow.agent.follow(signed_in))
    assert await flow.is_active(tokens["access_token"])


@pytest.mark.parametrize(
    ("ui_locales", "chosen", "shown"),
    [
        ("en zh-CN", None, "en"),
        ("fr-CA en-GB", None, "en"),
        ("zh", None, "zh-CN"),
        ("fr", None, "zh-CN"),
        ("en", "zh-CN", "zh-CN"),
    ],
)
async def test_sign_in_and_consent_speak_the_language_that_was_asked_for(
    flow: Flow, agents: Callable[[], Agent], ui_locales: str, chosen: str | None, shown: str
) -> None:
    """OIDC Core §3.1.2.1; what the person has chosen here goes before."""
    visitor = Flow(agents())
    for agent in (flow.agent, visitor.agent):
        if chosen is not None:
            agent.client.cookies.set("yimen-locale", chosen)
    sign_in = await visitor.agent.follow(await visitor.authorize(ui_locales=ui_locales))
    consent = await flow.agent.follow(await flow.authorize(ui_locales=ui_locales))
    for page in (sign_in, consent):
        assert f'<html lang="{shown}"' in page.text
