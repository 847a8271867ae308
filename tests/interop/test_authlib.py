"""Authlib's own client runs the code flow, refresh, userinfo, introspection, revocation and logout."""

from typing import Any

import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.interop.conftest import Provider
from tests.web.conftest import REDIRECT_URI, SECRET

VERIFIER = "authlib-code-verifier-0123456789-0123456789-0123"


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_authlib_runs_the_whole_life_of_a_sign_in(provider: Provider, method: str) -> None:
    metadata = (await provider.agent.get("/.well-known/openid-configuration")).json()
    async with AsyncOAuth2Client(
        "affairs",
        SECRET,
        scope="openid profile",
        redirect_uri=REDIRECT_URI,
        code_challenge_method="S256",
        token_endpoint_auth_method=method,
        trust_env=False,
    ) as client:
        address, state = client.create_authorization_url(
            metadata["authorization_endpoint"], code_verifier=VERIFIER, nonce="n1"
        )
        came = await provider.play_the_person(address)
        token: dict[str, Any] = await client.fetch_token(
            metadata["token_endpoint"], authorization_response=came, code_verifier=VERIFIER, state=state
        )
        keys = KeySet.import_key_set((await provider.agent.get(metadata["jwks_uri"])).json())
        assert jwt.decode(token["id_token"], keys, algorithms=["RS256"]).claims["nonce"] == "n1"
        assert (await client.get(metadata["userinfo_endpoint"])).json()["preferred_username"] == "lin"

        renewed = await client.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"])
        assert renewed["access_token"] != token["access_token"]
        told = await client.introspect_token(metadata["introspection_endpoint"], token=renewed["access_token"])
        assert told.json()["active"] is True
        with pytest.raises(OAuthError, match="invalid_grant"):
            await client.fetch_token(
                metadata["token_endpoint"], authorization_response=came, code_verifier=VERIFIER, state=state
            )
        await client.revoke_token(metadata["revocation_endpoint"], token=renewed["refresh_token"])
        told = await client.introspect_token(metadata["introspection_endpoint"], token=renewed["access_token"])
        assert told.json() == {"active": False}


async def test_authlib_gets_a_token_for_itself(provider: Provider) -> None:
    async with AsyncOAuth2Client("affairs", SECRET, trust_env=False) as client:
        token = await client.fetch_token(f"{provider.issuer}/token", grant_type="client_credentials")
    assert token["token_type"] == "Bearer"
