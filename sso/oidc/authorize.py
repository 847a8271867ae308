"""The authorization endpoint (OIDC Core §3.1.2): client → exact redirect URI → checks → session → policy → code."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from core.clock import Clock
from core.database import Connection, Database
from sso.access import permits
from sso.authentication.sessions import Session
from sso.clients import Client, Clients
from sso.errors import OAuthError, SsoError
from sso.oidc.authorization_request import AuthorizationRequest, ResponseMode, parse, readable
from sso.oidc.consent import Consents
from sso.oidc.grants import Grants
from sso.oidc.interaction import UNBOUND, Interaction, Interactions
from sso.oidc.tokens import Tokens
from sso.redirect_uris import is_claimed, matches
from vault.ledger import Event, Ledger


@dataclass(frozen=True)
class Respond:
    """Send these parameters to the client's redirect URI; `iss` is among them (RFC 9207)."""

    redirect_uri: str
    parameters: Mapping[str, str] = field(repr=False)
    mode: ResponseMode


@dataclass(frozen=True)
class SignInNeeded:
    interaction: str


@dataclass(frozen=True)
class ConsentNeeded:
    interaction: str


Outcome = Respond | SignInNeeded | ConsentNeeded


@dataclass(frozen=True)
class ConsentQuestion:
    """What the consent page asks."""

    client: Client
    scopes: tuple[str, ...]
    redirect_uri: str
    ui_locales: str


class Authorize:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        issuer: str,
        clients: Clients,
        interactions: Interactions,
        consents: Consents,
        grants: Grants,
        tokens: Tokens,
        ledger: Ledger,
    ) -> None:
        self._database = database
        self._clock = clock
        self._issuer = issuer
        self._clients = clients
        self._interactions = interactions
        self._consents = consents
        self._grants = grants
        self._tokens = tokens
        self._ledger = ledger

    async def authorize(
        self, pairs: Iterable[tuple[str, str]], session: Session | None, browser: str, address: str
    ) -> Outcome:
        """A new request. Raises SsoError (shown to the person, no redirect) before client and redirect URI hold."""
        sent = readable(pairs)
        async with self._database.write() as connection:
            client, redirect_uri = await self._client_and_redirect(connection, sent)
            try:
                request = parse(client, redirect_uri, sent)
                return await self._decide(connection, request, sent, session, browser, address, None)
            except OAuthError as error:
                if _waits_for_person(session, sent):
                    return SignInNeeded(await self._interactions.begin(connection, client.client_id, sent, browser))
                return self._error(error, redirect_uri, sent)

    async def park(self, pairs: Iterable[tuple[str, str]]) -> str:
        """Keeps a request that came without the browser's cookies; gives the token for `resume`. Raises SsoError."""
        sent = readable(pairs)
        async with self._database.write() as connection:
            client, _ = await self._client_and_redirect(connection, sent)
            return await self._interactions.begin(connection, client.client_id, sent, UNBOUND)

    async def resume(self, token: str, session: Session | None, browser: str, address: str) -> Outcome:
        """Goes on with an interaction after a page. Raises ERR-INTERACTION."""
        async with self._database.write() as connection:
            await self._interactions.adopt(connection, token, browser)
            interaction = await self._interactions.find(connection, token, browser)
            sent = interaction.parameters
            client, redirect_uri = await self._client_and_redirect(connection, sent)
            try:
                request = parse(client, redirect_uri, sent)
                return await self._decide(connection, request, sent, session, browser, address, interaction)
            except OAuthError as error:
                if _waits_for_person(session, sent):
                    return SignInNeeded(interaction.token)
                await self._interactions.end(connection, interaction)
                return self._error(error, redirect_uri, sent)

    async def question(self, token: str, browser: str) -> ConsentQuestion:
        """What is being asked in this interaction, for the consent page. Raises ERR-INTERACTION."""
        async with self._database.read() as connection:
            interaction = await self._interactions.find(connection, token, browser)
            client, redirect_uri = await self._client_and_redirect(connection, interaction.parameters)
        request = parse(client, redirect_uri, interaction.parameters)
        ui_locales = interaction.parameters.get("ui_locales", "")
        return ConsentQuestion(client, request.consent_scopes, redirect_uri, ui_locales)

    async def decide_consent(self, token: str, session: Session, browser: str, *, allowed: bool) -> None:
        """Notes what the person decided; `resume` then answers the client."""
        async with self._database.write() as connection:
            interaction = await self._interactions.find(connection, token, browser)
            client, redirect_uri = await self._client_and_redirect(connection, interaction.parameters)
            request = parse(client, redirect_uri, interaction.parameters)
            await self._interactions.decide(connection, interaction, session.user.id, allowed=allowed)
            if allowed:
                await self._consents.grant(connection, session.user.id, client.client_id, request.consent_scopes)
            else:
                await self._consents.refuse(connection, session.user.id, client.client_id)

    async def _client_and_redirect(self, connection: Connection, sent: Mapping[str, str]) -> tuple[Client, str]:
        """The two steps before anything may be redirected (DESIGN §4.1; CVE-2026-41479)."""
        client = await self._clients.find(connection, sent.get("client_id", ""))
        if client is None or not client.is_active:
            raise SsoError("ERR-CLIENT", "unknown, missing or disabled client_id")
        registered = client.metadata.redirect_uris
        redirect_uri = sent.get("redirect_uri")
        if redirect_uri is None:
            # RFC 6749 §3.1.2.3; OIDC requires the parameter, so only plain clients with a single URI may omit it.
            if len(registered) != 1 or client.policy == "strict":
                raise SsoError("ERR-REDIRECT_URI", f"{client.client_id}: redirect_uri is missing")
            return client, registered[0]
        if not matches(redirect_uri, registered, native=client.is_native):
            raise SsoError("ERR-REDIRECT_URI", f"{client.client_id}: redirect_uri is not registered")
        return client, redirect_uri

    async def _decide(
        self,
        connection: Connection,
        request: AuthorizationRequest,
        sent: Mapping[str, str],
        session: Session | None,
        browser: str,
        address: str,
        interaction: Interaction | None,
    ) -> Outcome:
        if session is None or self._must_sign_in(request, session, interaction):
            if "none" in request.prompts:
                raise OAuthError("login_required")
            return SignInNeeded(await self._waiting(connection, request, sent, browser, interaction))
        await self._check_person(connection, request, session, address)
        if interaction is not None and interaction.decision_of(session.user.id) is False:
            raise OAuthError("access_denied", "the person refused")
        if await self._must_consent(connection, request, session, interaction):
            if "none" in request.prompts:
                raise OAuthError("consent_required")
            return ConsentNeeded(await self._waiting(connection, request, sent, browser, interaction))
        if interaction is not None and not await self._interactions.end(connection, interaction):
            raise SsoError("ERR-INTERACTION", "this interaction has ended")
        told = self._ledger.row_of(_event(request, session, address))
        code = await self._grants.create(connection, request, session, told)
        return self._respond(request.redirect_uri, {"code": code}, sent)

    def _must_sign_in(self, request: AuthorizationRequest, session: Session, interaction: Interaction | None) -> bool:
        if interaction is not None and session.auth_time >= interaction.created_at:
            return False  # the person has just signed in, for this very request
        if {"login", "select_account"} & request.prompts:
            return True
        age = self._clock.now() - session.auth_time
        return request.max_age is not None and age > timedelta(seconds=request.max_age)

    async def _check_person(
        self, connection: Connection, request: AuthorizationRequest, session: Session, address: str
    ) -> None:
        subject = self._tokens.subject(request.client, session.user.id)
        wanted = [request.claims.subject] if request.claims.subject is not None else []
        if request.id_token_hint is not None:
            wanted.append(self._tokens.hinted_subject(request.id_token_hint, request.client))
        if any(one != subject for one in wanted):  # Core §3.1.2.2
            raise OAuthError("login_required", "another person is signed in")
        if request.claims.acrs and session.acr not in request.claims.acrs:
            raise OAuthError("unmet_authentication_requirements", "the sign-in is not as strong as asked for")
        if not permits(session.user, request.client.access):
            await self._ledger.record(connection, _event(request, session, address, "ERR-ACCESS"))
            raise OAuthError("access_denied", "this person may not use the client")

    async def _must_consent(
        self,
        connection: Connection,
        request: AuthorizationRequest,
        session: Session,
        interaction: Interaction | None,
    ) -> bool:
        if interaction is not None and interaction.decision_of(session.user.id):
            return False
        if "consent" in request.prompts:
            return True
        if request.client.first_party:
            return False
        if request.client.is_public and not is_claimed(request.redirect_uri, request.client.metadata.redirect_uris):
            return True  # RFC 6749 §10.2: what was allowed to one program is not remembered for another
        allowed = await self._consents.find(connection, session.user.id, request.client.client_id)
        return not allowed.issuperset(request.consent_scopes)

    async def _waiting(
        self,
        connection: Connection,
        request: AuthorizationRequest,
        sent: Mapping[str, str],
        browser: str,
        interaction: Interaction | None,
    ) -> str:
        if interaction is not None:
            return interaction.token
        return await self._interactions.begin(connection, request.client.client_id, sent, browser)

    def _respond(self, redirect_uri: str, answer: Mapping[str, str], sent: Mapping[str, str]) -> Respond:
        parameters = {**answer, "iss": self._issuer}
        if "state" in sent:
            parameters["state"] = sent["state"]
        mode: ResponseMode = "form_post" if sent.get("response_mode") == "form_post" else "query"
        return Respond(redirect_uri, parameters, mode)

    def _error(self, error: OAuthError, redirect_uri: str, sent: Mapping[str, str]) -> Respond:
        answer = {"error": error.error}
        if error.error_description:
            answer["error_description"] = error.error_description
        return self._respond(redirect_uri, answer, sent)


def _event(request: AuthorizationRequest, session: Session, address: str, refusal: str | None = None) -> Event:
    return Event(
        action="oidc.authorize",
        result="success" if refusal is None else "refused",
        actor=f"user:{session.user.id}",
        client=request.client.client_id,
        session=session.id,
        address=address,
        reason=refusal,
        detail={"scope": " ".join(request.scopes)},
    )


def _waits_for_person(session: Session | None, sent: Mapping[str, str]) -> bool:
    """RFC 9700 §4.11.2: with nobody signed in, an error leads to no client; anybody can register one and send a link.
    Silent requests are the exception."""
    return session is None and "none" not in sent.get("prompt", "").split()
