"""Token introspection (RFC 7662), for authenticated clients and their own tokens; all else is just not active."""

from collections.abc import Iterable, Mapping
from typing import Any

from core.database import Database
from sso.access import permits
from sso.clients import Client
from sso.errors import OAuthError
from sso.oidc.client_authentication import ClientAuthentication, presented
from sso.oidc.grants import Grants
from sso.oidc.keys import SigningKeys
from sso.oidc.parameters import unique
from sso.oidc.revocation import Revocation
from sso.oidc.tokens import AccessToken, Tokens

_INACTIVE: Mapping[str, Any] = {"active": False}


class Introspection:
    def __init__(
        self,
        database: Database,
        issuer: str,
        authentication: ClientAuthentication,
        grants: Grants,
        tokens: Tokens,
        keys: SigningKeys,
        revocation: Revocation,
    ) -> None:
        self._database = database
        self._issuer = issuer
        self._authentication = authentication
        self._grants = grants
        self._tokens = tokens
        self._keys = keys
        self._revocation = revocation

    async def answer(
        self, authorization: str | None, pairs: Iterable[tuple[str, str]], address: str
    ) -> Mapping[str, Any]:
        sent = unique(pairs)
        client = await self._authentication.authenticate(presented(authorization, sent), address)
        if client.is_public:
            raise OAuthError("invalid_client", "introspection needs a client that authenticates", status=401)
        if "token" not in sent:
            raise OAuthError("invalid_request", "token is missing")
        await self._keys.refresh()
        access = self._tokens.read_access_token(sent["token"])
        if access is None:
            return await self._refresh_token(client, sent["token"])
        return await self._access_token(client, access)

    async def _access_token(self, client: Client, access: AccessToken) -> Mapping[str, Any]:
        if access.client_id != client.client_id:
            return _INACTIVE
        username: str | None = None
        async with self._database.read() as connection:
            if access.grant_id is None:
                if await self._revocation.is_revoked(connection, access):
                    return _INACTIVE
            else:
                held = await self._grants.find(connection, access.grant_id)
                if held is None or not held.is_live or not permits(held.user, client.access):
                    return _INACTIVE
                username = held.user.username if "profile" in access.scopes else None
        answer = {"active": True, **access.claims, "token_type": "Bearer"}
        return answer | ({"username": username} if username else {})

    async def _refresh_token(self, client: Client, token: str) -> Mapping[str, Any]:
        async with self._database.read() as connection:
            found = await self._grants.by_refresh_token(connection, token)
        if found is None or found.client_id != client.client_id or found.used_at or found.is_over:
            return _INACTIVE
        if not found.held.is_live or not permits(found.held.user, client.access):
            return _INACTIVE
        return {
            "active": True,
            "iss": self._issuer,
            "client_id": client.client_id,
            "sub": self._tokens.subject(client, found.held.user.id),
            "scope": " ".join(found.held.grant.scopes),
        }
