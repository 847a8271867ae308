"""The token endpoint (RFC 6749 §3.2): client authentication → grant → tokens → ledger, in one transaction."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from core.clock import Clock
from core.database import Connection, Database, Values
from sso.access import permits
from sso.clients import Client
from sso.errors import OAuthError
from sso.oidc.claims import released
from sso.oidc.client_authentication import ClientAuthentication, presented
from sso.oidc.grants import TOKEN_ACTION, Grant, Grants, Held, PresentedCode, PresentedRefreshToken, Renewal
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
            code = await self._presented_code(connection, client, proof)
            told = self._told(client, code.held.grant, "authorization_code", address, code.since)
            is_ours = not code.is_used and await self._grants.spend_code(connection, proof.code, told)
        if not is_ours:
            raise await self._replayed(client, code.held, "oidc.code_reuse", "the code was used before", address)
        return code.held

    # Authorization code (RFC 6749 §4.1.3)

    async def _code(self, client: Client, sent: Mapping[str, str], address: str) -> TokenAnswer:
        if "code" not in sent:
            raise OAuthError("invalid_request", "code is missing")
        proof = CodeProof(sent["code"], sent.get("redirect_uri"), sent.get("code_verifier"))
        answer: TokenAnswer | None = None
        async with self._database.write() as connection:
            code = await self._presented_code(connection, client, proof)
            if not code.is_used:
                told = self._told(client, code.held.grant, "authorization_code", address, code.since)
                prepared, renewal = self._prepare(client, code.held, code.held.grant.scopes, told)
                if await self._grants.spend_code(connection, proof.code, told, renewal):
                    answer = prepared
        if answer is None:
            raise await self._replayed(client, code.held, "oidc.code_reuse", "the code was used before", address)
        return answer

    async def _presented_code(self, connection: Connection, client: Client, proof: CodeProof) -> PresentedCode:
        """The code, used or not, where everything else holds. Raises invalid_grant; nothing is consumed."""
        code = await self._grants.by_code(connection, proof.code)
        if code is None:
            raise OAuthError("invalid_grant", "the code is unknown")
        _require_same_request(client, code, proof)
        if code.is_used:
            return code
        if code.is_over:
            raise OAuthError("invalid_grant", "the code is over")
        if not code.held.is_live or not permits(code.held.user, client.access):
            raise OAuthError("invalid_grant", "the grant has ended")
        return code

    # Refresh (RFC 6749 §6, RFC 9700 §4.14)

    async def _refresh(self, client: Client, sent: Mapping[str, str], address: str, arrival: Arrival) -> TokenAnswer:
        if "refresh_token" not in sent:
            raise OAuthError("invalid_request", "refresh_token is missing")
        async with self._database.write() as connection:
            token = await self._grants.by_refresh_token(connection, sent["refresh_token"])
            if token is None or token.client_id != client.client_id:
                raise OAuthError("invalid_grant", "the refresh token is unknown")
            is_replay = self._is_replay(client, token, arrival)
            if not is_replay:
                scopes = _narrowed(token.held.grant, sent.get("scope"))
                told = self._told(client, token.held.grant, "refresh_token", address, token.since)
                answer, renewal = self._prepare(client, token.held, scopes, told, refreshed=True)
                if not await self._grants.spend_refresh_token(connection, sent["refresh_token"], told, renewal):
                    raise OAuthError("invalid_grant", "the refresh token is being used")
        if is_replay:
            why = "the refresh token was used before"
            raise await self._replayed(client, token.held, "oidc.refresh_reuse", why, address)
        return answer

    def _is_replay(self, client: Client, token: PresentedRefreshToken, arrival: Arrival) -> bool:
        """True for one that ends its family, whatever else the request asks for. Raises invalid_grant for another token
        that gives nothing."""
        if not token.held.is_live or not permits(token.held.user, client.access):
            raise OAuthError("invalid_grant", "the grant has ended")
        if token.used_at is None and token.is_over:
            raise OAuthError("invalid_grant", "the refresh token is over")
        if token.used_at is not None and arrival.races_with(token.used_at, self._clock.now()):
            raise OAuthError("invalid_grant", "the refresh token is being used")
        return token.used_at is not None

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

    def _prepare(
        self, client: Client, held: Held, scopes: tuple[str, ...], told: Values, *, refreshed: bool = False
    ) -> tuple[TokenAnswer, Renewal | None]:
        """The answer, and the refresh token in it, which is good once its row is written."""
        grant = held.grant
        subject = self._tokens.subject(client, grant.user_id)
        access = self._tokens.access_token(client, subject=subject, scopes=scopes, grant=grant)
        answer = _bearer(access, scopes)
        if "openid" in scopes:
            extra = released(held.user, scopes, grant.claims["id_token"])
            answer["id_token"] = self._tokens.id_token(client, grant, access, extra, refreshed=refreshed)
        if "refresh_token" not in client.metadata.grant_types:
            return answer, None
        renewal = self._grants.renewal(grant, after=told["id"])
        answer["refresh_token"] = renewal.token
        return answer, renewal

    async def _replayed(self, client: Client, held: Held, action: str, why: str, address: str) -> OAuthError:
        """Ends the grant of a code or token that was used before, and gives the refusal, which leaves after the commit.

        The replay is valid in all else, so the first use may have been the thief's (OAuth 2.1 §4.1.3).
        """
        event = Event(
            action=action,
            result="refused",
            actor=f"client:{client.client_id}",
            subject=f"user:{held.user.id}",
            client=client.client_id,
            session=held.grant.session_id,
            address=address,
            reason="ERR-INVALID_GRANT",
        )
        async with self._database.write() as connection:
            await self._grants.revoke(connection, held.grant.id)
            await self._ledger.record(connection, event)
        return OAuthError("invalid_grant", why)

    def _told(self, client: Client, grant: Grant, kind: str, address: str, since: str) -> dict[str, object]:
        return self._ledger.row_of(_event(client, kind, address, grant), after=since)


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
