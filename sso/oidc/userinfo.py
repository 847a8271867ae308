"""The userinfo endpoint (OIDC Core §5.3): what the access token's scopes release about its person, as of now."""

from collections.abc import Mapping
from typing import Any

from core.database import Database
from sso.access import permits
from sso.clients import Clients
from sso.errors import OAuthError
from sso.oidc.claims import released
from sso.oidc.grants import Grants
from sso.oidc.keys import SigningKeys
from sso.oidc.tokens import Tokens


class UserInfo:
    def __init__(self, database: Database, clients: Clients, grants: Grants, tokens: Tokens, keys: SigningKeys) -> None:
        self._database = database
        self._clients = clients
        self._grants = grants
        self._tokens = tokens
        self._keys = keys

    async def answer(self, token: str) -> Mapping[str, Any]:
        """The claims. Raises invalid_token, or insufficient_scope for a token without a person."""
        await self._keys.refresh()
        access = self._tokens.read_access_token(token)
        if access is None:
            raise OAuthError("invalid_token", "the access token is not valid", status=401)
        if access.grant_id is None or "openid" not in access.scopes:
            raise OAuthError("insufficient_scope", "the access token has no openid scope", status=403)
        async with self._database.read() as connection:
            client = await self._clients.find(connection, access.client_id)
            held = await self._grants.find(connection, access.grant_id)
        if held is None or not held.is_live or client is None or not client.is_active:
            raise OAuthError("invalid_token", "the grant has ended", status=401)
        if not permits(held.user, client.access):
            raise OAuthError("invalid_token", "the person may no longer use this client", status=401)
        return {"sub": access.subject, **released(held.user, access.scopes, held.grant.claims["userinfo"])}
