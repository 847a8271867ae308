"""Token revocation (RFC 7009). A refresh or access token of a grant ends the grant; a client's own token, itself."""

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import Column, LargeBinary, Table, select

from core.database import Connection, Database, UtcDateTime, insert_if_absent, metadata
from core.expiry import forgotten
from core.identifiers import token_digest
from core.integrity import harmless
from sso.clients import Client
from sso.errors import OAuthError
from sso.oidc.client_authentication import ClientAuthentication, presented
from sso.oidc.grants import Grants
from sso.oidc.keys import SigningKeys
from sso.oidc.parameters import unique
from sso.oidc.tokens import AccessToken, Tokens
from vault.ledger import Event, Ledger

revoked_token_table = Table(
    "sso_revoked_token",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    info=forgotten("expires_at")
    | harmless(because="a row only refuses a token; that one was deleted, no MAC can tell, and it lives ten minutes"),
)


class Revocation:
    def __init__(
        self,
        database: Database,
        authentication: ClientAuthentication,
        grants: Grants,
        tokens: Tokens,
        keys: SigningKeys,
        ledger: Ledger,
    ) -> None:
        self._database = database
        self._authentication = authentication
        self._grants = grants
        self._tokens = tokens
        self._keys = keys
        self._ledger = ledger

    async def answer(self, authorization: str | None, pairs: Iterable[tuple[str, str]], address: str) -> None:
        """Ends the token if it is the client's. An unknown or foreign token is no error (§2.2), and tells nothing."""
        sent = unique(pairs)
        client = await self._authentication.authenticate(presented(authorization, sent), address)
        if "token" not in sent:
            raise OAuthError("invalid_request", "token is missing")
        await self._keys.refresh()
        async with self._database.write() as connection:
            access = self._tokens.read_access_token(sent["token"])
            if access is None:
                refresh = await self._grants.by_refresh_token(connection, sent["token"])
                if refresh is not None and refresh.client_id == client.client_id:
                    await self._end(connection, client, refresh.held.grant.id, address)
            elif access.client_id == client.client_id:
                if access.grant_id is not None:
                    await self._end(connection, client, access.grant_id, address)
                else:
                    await self._forbid(connection, client, access, address)

    async def is_revoked(self, connection: Connection, access: AccessToken) -> bool:
        """For tokens that hang on no grant."""
        query = select(revoked_token_table.c.digest).where(revoked_token_table.c.digest == token_digest(access.jti))
        return await connection.scalar(query) is not None

    async def _end(self, connection: Connection, client: Client, grant_id: str, address: str) -> None:
        if await self._grants.revoke(connection, grant_id):
            await self._record(connection, client, address)

    async def _forbid(self, connection: Connection, client: Client, access: AccessToken, address: str) -> None:
        expires_at = datetime.fromtimestamp(access.claims["exp"], UTC)
        digest = token_digest(access.jti)
        if await insert_if_absent(connection, revoked_token_table, digest=digest, expires_at=expires_at):
            await self._record(connection, client, address)

    async def _record(self, connection: Connection, client: Client, address: str) -> None:
        actor = f"client:{client.client_id}"
        event = Event(action="oidc.revoke", result="success", actor=actor, client=client.client_id, address=address)
        await self._ledger.record(connection, event)
