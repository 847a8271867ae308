"""RP-initiated logout (OIDC RP-Initiated Logout 1.0): what is asked, and whether the person must confirm it."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from core.database import Database
from sso.authentication.sessions import Session, Sessions
from sso.clients import Client, Clients
from sso.errors import SsoError
from sso.oidc.keys import SigningKeys
from sso.oidc.parameters import unique
from sso.oidc.tokens import Tokens


@dataclass(frozen=True)
class LogoutRequest:
    """`session_id` is the session the hint is about; `return_to` the checked address to go to afterwards."""

    client: Client | None
    session_id: str | None
    return_to: str | None

    def needs_asking(self, session: Session | None) -> bool:
        """Anybody can link to the endpoint, so only the hint of this very session ends it unasked (§6)."""
        return session is not None and session.id != self.session_id


class Logout:
    def __init__(
        self, database: Database, clients: Clients, sessions: Sessions, tokens: Tokens, keys: SigningKeys
    ) -> None:
        self._database = database
        self._clients = clients
        self._sessions = sessions
        self._tokens = tokens
        self._keys = keys

    async def read(self, pairs: Iterable[tuple[str, str]]) -> LogoutRequest:
        """Raises an error that is shown to the person; nothing that is wrong ever redirects."""
        sent = unique(pairs)
        await self._keys.refresh()
        claims = self._tokens.read_id_token(sent["id_token_hint"]) if "id_token_hint" in sent else {}
        if claims is None:
            raise SsoError("ERR-ID_TOKEN_HINT", "not an ID token of ours")
        audience = claims.get("aud")
        client_id = sent.get("client_id", audience)
        if audience is not None and client_id != audience:
            raise SsoError("ERR-ID_TOKEN_HINT", "the ID token is another client's")
        client = await self._client(client_id) if client_id else None
        return_to = sent.get("post_logout_redirect_uri")
        if return_to is not None:
            if client is None or return_to not in client.metadata.post_logout_redirect_uris:
                raise SsoError("ERR-POST_LOGOUT_REDIRECT_URI", "not registered for this client")
            if "state" in sent:
                return_to += f"{'&' if '?' in return_to else '?'}{urlencode({'state': sent['state']})}"
        return LogoutRequest(client, str(claims["sid"]) if "sid" in claims else None, return_to)

    async def end(self, session: Session) -> None:
        """Signs the person out: the session and every grant in it that is not offline."""
        async with self._database.write() as connection:
            await self._sessions.revoke(connection, session.id, actor=f"user:{session.user.id}", reason="sign_out")

    async def _client(self, client_id: str) -> Client:
        async with self._database.read() as connection:
            client = await self._clients.find(connection, client_id)
        if client is None or not client.is_active:
            raise SsoError("ERR-CLIENT", "unknown or disabled client_id")
        return client
