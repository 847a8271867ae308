"""The token endpoint (RFC 6749 §3.2): client authentication → grant → tokens → ledger, in one transaction."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from core.clock import Clock
from core.database import Connection, Database
from sso.access import permits
from sso.clients import Client
from sso.errors import OAuthError
from sso.oidc.claims import released
from sso.oidc.client_authentication import ClientAuthentication, presented
from sso.oidc.grants import TOKEN_ACTION, Grant, Grants, Held, PresentedCode, PresentedRefreshToken
from sso.oidc.keys import SigningKeys
from sso.oidc.parameters import unique
from sso.oidc.pkce import verifies
from sso.oidc.refresh_race import Arrival, Arrivals
from sso.oidc.tokens import ACCESS_LIFETIME, Tokens
from vault.ledger import Event, Ledger

GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")
# Scopes about a person mean nothing where there is no person.
_PERSONAL_SCOPES = frozenset({"openid", "profile", "email", "phone", "organization", "offline_access"})

TokenAnswer = dict[str, Any]


@dataclass(frozen=True)
class CodeProof:
    """What a client shows for a code."""

    code: str
    redirect_uri: str | None
    verifier: str | None


class TokenEndpoint:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        authentication: ClientAuthentication,
        grants: Grants,
        tokens: Tokens,
        keys: SigningKeys,
        ledger: Ledger,
    ) -> None:
        self._database = database
        self._clock = clock
        self._arrivals = Arrivals(clock)
        self._authentication = authentication
        self._grants = grants
        self._tokens = tokens
        self._keys = keys
        self._ledger = ledger

    async def answer(
        self, authorization: str | None, pairs: Iterable[tuple[str, str]], address: str
    ) -> Mapping[str, Any]:
        """The token response. Raises OAuthError for everything that is refused."""
        sent = unique(pairs)
        with self._arrivals.of(sent.get("refresh_token", "")) as arrival:
            return await self._answer(authorization, sent, address, arrival)

    async def _answer(
        self, authorization: str | None, sent: Mapping[str, str], address: str, arrival: Arrival
    ) -> TokenAnswer:
        if "grant_type" not in sent:
            raise OAuthError("invalid_request", "grant_type is missing")
        if sent["grant_type"] not in GRANT_TYPES:
            raise OAuthError("unsupported_grant_type", "this grant type is not supported")
        client = await self._authentication.authenticate(presented(authorization, sent), address)
        if sent["grant_type"] not in client.metadata.grant_types:
            raise OAuthError("unauthorized_client", "the client is not registered for this grant type")
        await self._keys.refresh()
        if sent["grant_type"] == "authorization_code":
            return await self._code(client, sent, address)
        if sent["grant_type"] == "refresh_token":
            return await self._refresh(client, sent, address, arrival)
        return await self._client_credentials(client, sent, address)

    async def redeem_code(self, client: Client, proof: CodeProof, address: str) -> Held:
        """Exchanges a code for its grant and person, with no token: for surfaces of our own. Raises invalid_grant."""
        async with self._database.write() as connection:
            taken, refusal = await self._take_code(connection, client, proof, address)
        if refusal is not None or taken is None:
            raise refusal or OAuthError("invalid_grant")
        return taken[0]

    # Authorization code (RFC 6749 §4.1.3)

    async def _code(self, client: Client, sent: Mapping[str, str], address: str) -> TokenAnswer:
        if "code" not in sent:
            raise OAuthError("invalid_request", "code is missing")
        proof = CodeProof(sent["code"], sent.get("redirect_uri"), sent.get("code_verifier"))
        answer: TokenAnswer | None = None
        async with self._database.write() as connection:
            taken, refusal = await self._take_code(connection, client, proof, address)
            if taken is not None:
                held, used = taken
                answer = await self._issue(connection, client, held, held.grant.scopes, used)
        # The refusal leaves after the commit: a recognised replay has revoked the grant.
        if refusal is not None or answer is None:
            raise refusal or OAuthError("invalid_grant")
        return answer

    async def _take_code(
        self, connection: Connection, client: Client, proof: CodeProof, address: str
    ) -> tuple[tuple[Held, str] | None, OAuthError | None]:
        """What the code is worth, with the id of the event that tells of its use; or why it is worth nothing."""
        code = await self._grants.by_code(connection, proof.code)
        if code is None:
            return None, OAuthError("invalid_grant", "the code is unknown")
        _require_same_request(client, code, proof)
        if code.is_over and not code.is_used:
            return None, OAuthError("invalid_grant", "the code is over")
        if code.is_used or not await self._grants.consume_code(connection, proof.code):
            # The replay is valid in all else, so the first use may have been the thief's (OAuth 2.1 §4.1.3).
            await self._revoke_family(connection, client, code.held, "oidc.code_reuse", address)
            return None, OAuthError("invalid_grant", "the code was used before")
        if not code.held.is_live or not permits(code.held.user, client.access):
            return None, OAuthError("invalid_grant", "the grant has ended")
        used = await self._record(connection, client, code.held.grant, "authorization_code", address, code.since)
        return (code.held, used), None

    # Refresh (RFC 6749 §6, RFC 9700 §4.14)

    async def _refresh(self, client: Client, sent: Mapping[str, str], address: str, arrival: Arrival) -> TokenAnswer:
        if "refresh_token" not in sent:
            raise OAuthError("invalid_request", "refresh_token is missing")
        answer: TokenAnswer | None = None
        async with self._database.write() as connection:
            token = await self._grants.by_refresh_token(connection, sent["refresh_token"])
            if token is None or token.client_id != client.client_id:
                raise OAuthError("invalid_grant", "the refresh token is unknown")
            refusal = await self._refresh_refusal(connection, client, token, address, arrival)
            if refusal is None:
                scopes = _narrowed(token.held.grant, sent.get("scope"))
                used = await self._record(connection, client, token.held.grant, "refresh_token", address, token.since)
                answer = await self._issue(connection, client, token.held, scopes, used, refreshed=True)
                # Last of all, so that the time of use is that of the answer. Who loses the race leaves nothing behind.
                if not await self._grants.consume_refresh_token(connection, sent["refresh_token"]):
                    raise OAuthError("invalid_grant", "the refresh token is being used")
        # The refusal leaves after the commit: a recognised replay has revoked the grant.
        if refusal is not None or answer is None:
            raise refusal or OAuthError("invalid_grant")
        return answer

    async def _refresh_refusal(
        self,
        connection: Connection,
        client: Client,
        token: PresentedRefreshToken,
        address: str,
        arrival: Arrival,
    ) -> OAuthError | None:
        """Why this token gives nothing; a replay ends its family, whatever else the request asks for."""
        if not token.held.is_live or not permits(token.held.user, client.access):
            return OAuthError("invalid_grant", "the grant has ended")
        if token.used_at is None:
            return OAuthError("invalid_grant", "the refresh token is over") if token.is_over else None
        if arrival.races_with(token.used_at, self._clock.now()):
            return OAuthError("invalid_grant", "the refresh token is being used")
        await self._revoke_family(connection, client, token.held, "oidc.refresh_reuse", address)
        return OAuthError("invalid_grant", "the refresh token was used before")

    # Client credentials (RFC 6749 §4.4)

    async def _client_credentials(self, client: Client, sent: Mapping[str, str], address: str) -> TokenAnswer:
        allowed = client.scopes - _PERSONAL_SCOPES
        wanted = tuple(dict.fromkeys(sent["scope"].split())) if "scope" in sent else tuple(sorted(allowed))
        if not allowed.issuperset(wanted):
            raise OAuthError("invalid_scope", "the client may not ask for this scope")
        token = self._tokens.access_token(client, subject=client.client_id, scopes=wanted, grant=None)
        await self._ledger.append(_event(client, "client_credentials", address))
        return _bearer(token, wanted)

    # What all have in common

    async def _issue(
        self,
        connection: Connection,
        client: Client,
        held: Held,
        scopes: tuple[str, ...],
        used: str,
        *,
        refreshed: bool = False,
    ) -> TokenAnswer:
        grant = held.grant
        subject = self._tokens.subject(client, grant.user_id)
        access = self._tokens.access_token(client, subject=subject, scopes=scopes, grant=grant)
        answer = _bearer(access, scopes)
        if "openid" in scopes:
            extra = released(held.user, scopes, grant.claims["id_token"])
            answer["id_token"] = self._tokens.id_token(client, grant, access, extra, refreshed=refreshed)
        if "refresh_token" in client.metadata.grant_types:
            answer["refresh_token"] = await self._grants.issue_refresh_token(connection, grant, after=used)
        return answer

    async def _revoke_family(
        self, connection: Connection, client: Client, held: Held, action: str, address: str
    ) -> None:
        await self._grants.revoke(connection, held.grant.id)
        await self._ledger.record(
            connection,
            Event(
                action=action,
                result="refused",
                actor=f"client:{client.client_id}",
                subject=f"user:{held.user.id}",
                client=client.client_id,
                session=held.grant.session_id,
                address=address,
                reason="ERR-INVALID_GRANT",
            ),
        )

    async def _record(
        self, connection: Connection, client: Client, grant: Grant, kind: str, address: str, since: str
    ) -> str:
        return await self._ledger.record(connection, _event(client, kind, address, grant), after=since)


def _require_same_request(client: Client, code: PresentedCode, proof: CodeProof) -> None:
    """The code belongs to this client, redirect URI and PKCE challenge. Raises invalid_grant; nothing is consumed."""
    if code.client_id != client.client_id:
        raise OAuthError("invalid_grant", "the code is another client's")
    if proof.redirect_uri is None and code.redirect_uri_sent and client.policy == "oidc":
        raise OAuthError("invalid_grant", "redirect_uri is missing")  # RFC 6749 §4.1.3; OAuth 2.1 §10.2 drops it
    if proof.redirect_uri is not None and proof.redirect_uri != code.redirect_uri:
        raise OAuthError("invalid_grant", "redirect_uri differs from the authorization request")
    if code.code_challenge is None and proof.verifier is not None:
        raise OAuthError("invalid_grant", "code_verifier without a code_challenge")  # RFC 9700 §4.8.2
    if code.code_challenge is not None and proof.verifier is None:
        raise OAuthError("invalid_grant", "code_verifier is missing")
    if code.code_challenge is not None and not verifies(proof.verifier or "", code.code_challenge):
        raise OAuthError("invalid_grant", "code_verifier is wrong")


def _narrowed(grant: Grant, scope: str | None) -> tuple[str, ...]:
    """RFC 6749 §6: a refresh may narrow the scope, never widen it."""
    if scope is None:
        return grant.scopes
    wanted = set(scope.split())
    if not wanted.issubset(grant.scopes):
        raise OAuthError("invalid_scope", "scope cannot grow at refresh")
    return tuple(word for word in grant.scopes if word in wanted)


def _bearer(access_token: str, scopes: tuple[str, ...]) -> TokenAnswer:
    answer: TokenAnswer = {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": int(ACCESS_LIFETIME.total_seconds()),
    }
    if scopes:
        answer["scope"] = " ".join(scopes)
    return answer


def _event(client: Client, kind: str, address: str, grant: Grant | None = None) -> Event:
    return Event(
        action=TOKEN_ACTION,
        result="success",
        actor=f"client:{client.client_id}",
        subject=f"user:{grant.user_id}" if grant else None,
        client=client.client_id,
        session=grant.session_id if grant else None,
        address=address,
        detail={"grant_type": kind} | ({"grant": grant.id} if grant else {}),
    )
