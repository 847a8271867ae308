"""An authorization request (OIDC Core §3.1.2.1), and the checks it passes, in their order.

The list is the documentation of the order. Before it stand two steps that every request passes first: the client is
looked up, and its redirect URI compared; until both hold, nothing is ever sent back (DESIGN §4.1).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from sso.clients import Client
from sso.errors import OAuthError
from sso.oidc.claims_request import ClaimsRequest
from sso.oidc.parameters import MAX_LENGTH, unique
from sso.oidc.pkce import is_challenge

ResponseMode = Literal["query", "form_post"]
# Stands among the parameters, where no client can put it, when something was repeated or malformed.
MALFORMED = "malformed"
MAX_NONCE = 1024
PARAMETERS = frozenset(
    {
        *("client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "claims"),
        *("code_challenge", "code_challenge_method", "prompt", "max_age", "acr_values", "login_hint", "id_token_hint"),
        *("request", "request_uri", "registration", "ui_locales"),
    }
)
PROMPTS = frozenset({"none", "login", "consent", "select_account"})


@dataclass(frozen=True)
class AuthorizationRequest:
    """The request as the later steps need it."""

    client: Client
    redirect_uri: str
    redirect_uri_sent: bool
    scopes: tuple[str, ...]
    state: str | None
    nonce: str | None
    response_mode: ResponseMode
    prompts: frozenset[str]
    max_age: int | None
    code_challenge: str | None
    acr_values: tuple[str, ...]
    login_hint: str | None
    id_token_hint: str | None
    claims: ClaimsRequest = field(default_factory=ClaimsRequest)

    @property
    def consent_scopes(self) -> tuple[str, ...]:
        """What the person is asked about: the scopes, and those that the claims asked for by name belong to."""
        return tuple(dict.fromkeys((*self.scopes, *self.claims.scopes)))


Check = Callable[[Client, Mapping[str, str]], None]


def unambiguous(_client: Client, sent: Mapping[str, str]) -> None:
    if MALFORMED in sent:
        raise OAuthError("invalid_request", "a parameter is repeated or malformed")


def response_type(_client: Client, sent: Mapping[str, str]) -> None:
    if "response_type" not in sent:
        raise OAuthError("invalid_request", "response_type is missing")
    if sent["response_type"] != "code":  # RFC 9700 §2.1.2
        raise OAuthError("unsupported_response_type", "only the code flow is supported")


def response_mode(_client: Client, sent: Mapping[str, str]) -> None:
    if sent.get("response_mode", "query") not in ("query", "form_post"):
        raise OAuthError("invalid_request", "response_mode is query or form_post")


def request_objects(_client: Client, sent: Mapping[str, str]) -> None:
    for name in ("request", "request_uri", "registration"):
        if name in sent:  # OIDC Core §3.1.2.6
            raise OAuthError(f"{name}_not_supported", f"{name} is not supported")


def grant_type(client: Client, _sent: Mapping[str, str]) -> None:
    if "authorization_code" not in client.metadata.grant_types:
        raise OAuthError("unauthorized_client", "the client may not use the code flow")


def scope(client: Client, sent: Mapping[str, str]) -> None:
    wanted = sent.get("scope", "").split()
    if "openid" not in wanted:
        raise OAuthError("invalid_scope", "scope must contain openid")
    if not client.scopes.issuperset(set(wanted) - {"openid"}) and client.metadata.scope:
        raise OAuthError("invalid_scope", "the client may not ask for this scope")


def code_challenge(client: Client, sent: Mapping[str, str]) -> None:
    """RFC 9700 §2.1.1: PKCE for public and for strict clients; never `plain`."""
    challenge, method = sent.get("code_challenge"), sent.get("code_challenge_method")
    if challenge is None:
        if method is not None:
            raise OAuthError("invalid_request", "code_challenge_method without code_challenge")
        if client.is_public or client.policy == "strict":
            raise OAuthError("invalid_request", "code_challenge is required")
        return
    if method != "S256":
        raise OAuthError("invalid_request", "code_challenge_method must be S256")
    if not is_challenge(challenge):
        raise OAuthError("invalid_request", "code_challenge is malformed")


def prompt(_client: Client, sent: Mapping[str, str]) -> None:
    wanted = set(sent.get("prompt", "").split())
    if not wanted <= PROMPTS or ("none" in wanted and len(wanted) > 1):
        raise OAuthError("invalid_request", "prompt is malformed")


def max_age(_client: Client, sent: Mapping[str, str]) -> None:
    text = sent.get("max_age", "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise OAuthError("invalid_request", "max_age is not a number of seconds")


def nonce(_client: Client, sent: Mapping[str, str]) -> None:
    if len(sent.get("nonce", "")) > MAX_NONCE:
        raise OAuthError("invalid_request", "nonce is too long")


def claims(client: Client, sent: Mapping[str, str]) -> None:
    _claims(client, sent)


CHECKS: tuple[Check, ...] = (
    unambiguous,
    response_type,
    response_mode,
    request_objects,
    grant_type,
    scope,
    code_challenge,
    prompt,
    max_age,
    nonce,
    claims,
)


def parse(client: Client, redirect_uri: str, sent: Mapping[str, str]) -> AuthorizationRequest:
    """Runs the checks in order, then types the request. Raises OAuthError, to be told to the client."""
    for check in CHECKS:
        check(client, sent)
    wanted_age = int(sent["max_age"]) if "max_age" in sent else client.metadata.default_max_age
    prompts = frozenset(sent.get("prompt", "").split())
    allowed = client.scopes | {"openid"}
    return AuthorizationRequest(
        client=client,
        redirect_uri=redirect_uri,
        redirect_uri_sent="redirect_uri" in sent,
        scopes=tuple(dict.fromkeys(word for word in sent["scope"].split() if word in allowed)),
        state=sent.get("state"),
        nonce=sent.get("nonce"),
        response_mode="form_post" if sent.get("response_mode") == "form_post" else "query",
        # OIDC Core §3.1.2.1: max_age=0 is prompt=login.
        prompts=prompts | {"login"} if wanted_age == 0 and "none" not in prompts else prompts,
        max_age=wanted_age,
        code_challenge=sent.get("code_challenge"),
        acr_values=tuple(sent.get("acr_values", "").split()),
        login_hint=sent.get("login_hint"),
        id_token_hint=sent.get("id_token_hint"),
        claims=_claims(client, sent),
    )


def readable(pairs: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """The parameters that we know, each once; MALFORMED stands among them when one was repeated or malformed.

    A redirect_uri of that kind never counts as left out: what is ambiguous must not choose where the answer goes.
    """
    every = list(pairs)
    try:
        return {name: value for name, value in unique(every).items() if name in PARAMETERS}
    except OAuthError:
        pass
    names = [name for name, _ in every]
    once: dict[str, str] = {MALFORMED: MALFORMED}
    for name, value in every:
        if name in PARAMETERS and value:
            fine = names.count(name) == 1 and len(value) <= MAX_LENGTH and "\x00" not in value
            if fine or name == "redirect_uri":
                once[name] = value if fine else MALFORMED
    return once


def _claims(client: Client, sent: Mapping[str, str]) -> ClaimsRequest:
    return ClaimsRequest.parse(sent["claims"], client.scopes) if "claims" in sent else ClaimsRequest()
