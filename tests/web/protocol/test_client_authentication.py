"""How clients prove themselves. Numbers are those of the security checklist."""

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote_plus

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from core.clock import FrozenClock
from core.identifiers import new_id
from tests.web.agent import Agent
from tests.web.conftest import add_client
from tests.web.protocol.conftest import Flow
from web.composition import House

ISSUER = "http://localhost:8000"


async def test_28_a_wrong_secret_and_an_unknown_client_look_alike(flow: Flow) -> None:
    wrong = await Flow(flow.agent, "affairs", "wrong").token(grant_type="client_credentials")
    unknown = await Flow(flow.agent, "nobody", "wrong").token(grant_type="client_credentials")
    assert wrong.status_code == unknown.status_code == 401
    assert (
        wrong.json()
        == unknown.json()
        == {
            "error": "invalid_client",
            "error_description": "client authentication failed",
        }
    )
    assert wrong.headers["www-authenticate"].startswith("Basic ")


async def test_only_who_used_the_authorization_header_is_challenged(house: House, flow: Flow) -> None:
    """RFC 6749 §5.2: a challenge in answer to a secret in the form keeps libraries from reading the error."""
    await add_client(house, "page", metadata={"token_endpoint_auth_method": "none", "grant_types": []})
    ways: tuple[dict[str, str], ...] = (
        {"client_id": "affairs", "client_secret": "w" * 40},
        {"client_id": "affairs"},
        {"client_id": "nobody"},
        {"client_id": "page", "client_secret": "w" * 40},
        {},
    )
    for form in ways:
        for path in ("/token", "/revoke"):
            answer = await flow.agent.client.post(path, data={"grant_type": "client_credentials", **form})
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")
            assert "www-authenticate" not in answer.headers
    challenged = await flow.agent.client.post("/token", data={"grant_type": "client_credentials"}, auth=("a", "b"))
    asked = await flow.agent.client.post("/introspect", data={"token": "x", **ways[0]})
    for answer in (challenged, asked):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    "header",
    [
        *("Basic", "Basic !!!", "Basic gIA="),
        *("Basic " + base64.b64encode(plain).decode() for plain in (b"nocolon", b"affairs:", b":")),
    ],
)
async def test_a_malformed_basic_header_is_an_invalid_client(flow: Flow, header: str) -> None:
    response = await flow.agent.client.post(
        "/token", data={"grant_type": "client_credentials"}, headers={"authorization": header}
    )
    assert response.json()["error"] == "invalid_client"


@dataclass
class Signer:
    """A client that proves itself by its key."""

    flow: Flow
    key: ECKey
    now: int

    async def attempt(
        self, signing: ECKey | None = None, header: dict[str, object] | None = None, **changes: Any
    ) -> str:
        claims = {
            **{"iss": "signed", "sub": "signed", "aud": ISSUER, "jti": new_id()},
            **{"iat": self.now, "exp": self.now + 60},
            **changes,
        }
        full = {"alg": "ES256", "kid": "k1", **(header or {})}
        # A registry that lets the test say anything in the header.
        registry = JWSRegistry(algorithms=["ES256"], strict_check_header=False)
        return await self.send(jwt.encode(full, claims, signing or self.key, registry=registry))

    async def send(self, assertion: str) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion,
        }
        answer = await self.flow.agent.client.post("/token", data=form)
        assert answer.status_code in (200, 400), answer.text
        assert "www-authenticate" not in answer.headers
        return str(answer.json().get("error", "ok"))


KEYS: dict[str, ECKey | RSAKey | OKPKey] = {
    "ec": ECKey.generate_key("P-256"),
    "other ec": ECKey.generate_key("P-256"),
    "p384": ECKey.generate_key("P-384"),
    "rsa": RSAKey.generate_key(2048),
    "okp": OKPKey.generate_key("Ed25519"),
}


@pytest.mark.parametrize(
    ("published", "signing", "header", "answer"),
    [
        ({"rsa": {}, "ec": {}}, "ec", {"alg": "ES256"}, "ok"),
        ({"other ec": {}, "ec": {}}, "ec", {"alg": "ES256"}, "ok"),
        ({"rsa": {"kid": "r"}, "ec": {"kid": "e"}}, "ec", {"alg": "ES256"}, "ok"),
        ({"rsa": {"kid": "r"}, "ec": {}}, "ec", {"alg": "ES256", "kid": "e"}, "ok"),
        ({"p384": {}, "ec": {}}, "ec", {"alg": "ES256"}, "ok"),
        ({"rsa": {}, "okp": {}}, "okp", {"alg": "EdDSA"}, "ok"),
        ({"rsa": {}, "okp": {}}, "okp", {"alg": "Ed25519"}, "ok"),
        ({"ec": {}, "rsa": {}}, "rsa", {"alg": "PS256"}, "ok"),
        ({"ec": {"kid": "another"}}, "ec", {"alg": "ES256", "kid": "e"}, "invalid_client"),
        ({"ec": {"use": "enc"}}, "ec", {"alg": "ES256"}, "invalid_client"),
        ({"rsa": {"alg": "PS256"}}, "rsa", {"alg": "RS256"}, "invalid_client"),
        ({"other ec": {}, "rsa": {}}, "ec", {"alg": "ES256"}, "invalid_client"),
    ],
)
async def test_every_key_that_fits_an_assertion_is_tried(
    house: House,
    flow: Flow,
    clock: FrozenClock,
    published: dict[str, dict[str, str]],
    signing: str,
    header: dict[str, str],
    answer: str,
) -> None:
    """RFC 7515 §4.1.4: a `kid` is a hint, and may be left out."""
    keys: list[dict[str, Any]] = [{**KEYS[name].as_dict(private=False), **more} for name, more in published.items()]
    unreadable = [{"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"}, {"kty": "EC", "crv": "P-256"}]
    metadata = {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [*unreadable, *keys]}}
    await add_client(house, "signed", metadata=metadata)
    now = int(clock.now().timestamp())
    claims = {"iss": "signed", "sub": "signed", "aud": ISSUER, "jti": new_id(), "iat": now, "exp": now + 60}
    assertion = jwt.encode(header, claims, KEYS[signing], algorithms=[header["alg"]])
    assert await Signer(flow, ECKey.generate_key("P-256"), now).send(assertion) == answer


async def signer(house: House, flow: Flow, clock: FrozenClock, policy: str) -> Signer:
    key = ECKey.generate_key("P-256", parameters={"kid": "k1"})
    metadata = {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [key.as_dict(private=False)]}}
    await add_client(house, "signed", policy=policy, metadata=metadata)
    return Signer(flow, key, int(clock.now().timestamp()))


async def test_private_key_jwt(house: House, flow: Flow, clock: FrozenClock) -> None:
    client = await signer(house, flow, clock, "strict")
    attempt, now = client.attempt, client.now
    assert await attempt(jti="j1") == "ok"
    assert await attempt(jti="j1") == "invalid_client"  # a replay (CVE-2020-5300)
    assert await attempt(jti="j2", aud=f"{ISSUER}/token") == "invalid_client"
    assert await attempt(jti="j3", aud=[ISSUER]) == "invalid_client"
    assert await attempt(jti="j4", exp=now + 3600) == "invalid_client"
    assert await attempt(jti="j5", exp=now - 1) == "invalid_client"
    assert await attempt(jti="j6", iat=now + 60) == "invalid_client"
    assert await attempt(jti="j7", iat=now + 10) == "ok"
    assert await attempt(jti="j8", sub="affairs") == "invalid_client"
    assert await attempt(ECKey.generate_key("P-256"), jti="j9") == "invalid_client"


async def test_a_short_secret_cannot_be_guessed_for_long(house: House, agents: Callable[[], Agent]) -> None:
    await add_client(house, "weak", client_secret="people-made-this")
    guesser = Flow(agents(), "weak", "wrong")
    answers = [await guesser.token(grant_type="client_credentials") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert answers[-1].headers["retry-after"] == "600"


async def test_28_wrong_secrets_are_counted_alike_for_known_and_unknown_clients(
    house: House, agents: Callable[[], Agent]
) -> None:
    await add_client(house, "long")
    await add_client(house, "page", metadata={"token_endpoint_auth_method": "none", "grant_types": []})
    answers = {}
    for client_id in ("long", "page", "nobody"):
        guesser = Flow(agents(), client_id, "w" * 40)
        told = [await guesser.token(grant_type="client_credentials") for _ in range(7)]
        answers[client_id] = [(answer.status_code, answer.json()) for answer in told]
    assert answers["long"] == answers["page"] == answers["nobody"]
    assert [status for status, _ in answers["long"]] == [401] * 5 + [429] * 2
    right = await Flow(agents(), "long").token(grant_type="client_credentials")
    assert right.status_code == 200, "nobody guesses a long secret, so its owner is never kept out"


async def test_a_client_with_a_short_secret_may_ask_forty_times_at_once(house: House, flow: Flow) -> None:
    await add_client(house, "weak", client_secret="people-made-this")
    client = Flow(flow.agent, "weak", "people-made-this")
    answers = await asyncio.gather(*(client.token(grant_type="client_credentials") for _ in range(40)))
    assert [answer.status_code for answer in answers] == [200] * 40


async def test_a_new_key_at_the_jwks_uri_is_found(house: House, flow: Flow, clock: FrozenClock) -> None:
    """OIDC Core §10.1.1: an unknown `kid` is the sign to fetch again; not more often than every ten seconds."""
    published = [ECKey.generate_key("P-256", parameters={"kid": "old"})]
    fetched = 0

    async def jwks(_request: web.Request) -> web.Response:
        nonlocal fetched
        fetched += 1
        return web.json_response({"keys": [key.as_dict(private=False) for key in published]})

    app = web.Application()
    app.router.add_get("/jwks", jwks)
    async with TestServer(app, host="127.0.0.1") as running:
        metadata = {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": str(running.make_url("/jwks"))}
        await add_client(house, "signed", metadata=metadata)
        client = Signer(flow, published[0], int(clock.now().timestamp()))
        assert await client.attempt(header={"kid": "old"}) == "ok"
        published[:] = [ECKey.generate_key("P-256", parameters={"kid": "new"})]
        assert await client.attempt(published[0], {"kid": "new"}) == "invalid_client"
        assert fetched == 1
        clock.advance(timedelta(seconds=11))
        assert await client.attempt(published[0], {"kid": "new"}) == "ok"
        assert await client.attempt(header={"kid": "old"}) == "invalid_client"
        assert fetched == 2


async def test_a_client_under_oidc_may_name_more_of_us_and_live_an_hour(
    house: House, flow: Flow, clock: FrozenClock
) -> None:
    client = await signer(house, flow, clock, "oidc")
    assert await client.attempt(aud=f"{ISSUER}/token", exp=client.now + 3600) == "ok"
    assert await client.attempt(aud=[ISSUER, f"{ISSUER}/token"]) == "ok"
    assert await client.attempt(aud=[ISSUER, "https://elsewhere.example"]) == "invalid_client"
    assert await client.attempt(aud=[]) == "invalid_client"
    assert await client.attempt(exp=client.now + 3700) == "invalid_client"


@pytest.mark.parametrize(
    "header",
    [{"typ": "at+jwt"}, {"jku": "https://evil.example"}, {"x5u": "https://evil.example"}, {"jwk": {}}],
)
async def test_50_a_header_that_says_it_is_something_else_is_refused(
    house: House, flow: Flow, clock: FrozenClock, header: dict[str, object]
) -> None:
    client = await signer(house, flow, clock, "oidc")
    assert await client.attempt(header=header) == "invalid_client"


async def test_an_unknown_header_is_ignored(house: House, flow: Flow, clock: FrozenClock) -> None:
    client = await signer(house, flow, clock, "oidc")
    assert await client.attempt(header={"typ": "JWT", "x-county": "qx"}) == "ok"


@pytest.mark.parametrize(
    "change", [{"jti": ""}, {"jti": 7}, {"jti": "j" * 256}, {"exp": "soon"}, {"exp": 1e300}, {"iat": True}]
)
async def test_a_malformed_claim_is_refused(
    house: House, flow: Flow, clock: FrozenClock, change: dict[str, Any]
) -> None:
    client = await signer(house, flow, clock, "oidc")
    assert await client.attempt(**change) == "invalid_client"


@pytest.mark.parametrize("payload", [b'{"sub": "\\ud800"}', b'{"sub": "a\\u0000"}', b"[1]", b"{", b"\xff", b"[" * 9000])
async def test_an_assertion_of_nonsense_is_an_invalid_client(flow: Flow, payload: bytes) -> None:
    encoded = base64.urlsafe_b64encode(payload).rstrip(b"=").decode()
    assert await Signer(flow, ECKey.generate_key("P-256"), 0).send(f"e30.{encoded}.x") == "invalid_client"


async def test_a_basic_client_id_is_taken_encoded_or_plain(house: House, flow: Flow) -> None:
    await add_client(house, "a+b 50%")
    secret = Flow(flow.agent).secret
    for sent in ("a+b 50%", quote_plus("a+b 50%")):
        header = "Basic " + base64.b64encode(f"{sent}:{secret}".encode()).decode()
        for form in ({}, {"client_id": "a+b 50%"}):
            answer = await flow.agent.client.post(
                "/token", data={"grant_type": "client_credentials", **form}, headers={"authorization": header}
            )
            assert answer.status_code == 200, answer.text


async def test_a_basic_secret_is_taken_encoded_or_plain(house: House, flow: Flow) -> None:
    """RFC 6749 §2.3.1 asks for form encoding; many libraries send the secret as it is."""
    secret = "50%25+more/than=enough+of+a+secret+0123456789"
    await add_client(house, "plus", client_secret=secret)
    for sent in (secret, quote_plus(secret)):
        header = "Basic " + base64.b64encode(f"plus:{sent}".encode()).decode()
        answer = await flow.agent.client.post(
            "/token", data={"grant_type": "client_credentials"}, headers={"authorization": header}
        )
        assert answer.status_code == 200, answer.text
