"""How a client proves itself at the token, introspection and revocation endpoints (RFC 6749 §2.3, RFC 7523)."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import unquote_plus

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key
from sqlalchemy import Column, LargeBinary, Table

from core.clock import Clock
from core.database import Database, UtcDateTime, insert_if_absent, metadata
from core.errors import YimenError
from core.expiry import forgotten
from core.fresh import Fresh
from core.identifiers import token_digest
from core.integrity import harmless
from core.outbound import Outbound
from sso.authentication.lockout import Lockout
from sso.clients import Client, Clients
from sso.errors import OAuthError
from sso.oidc.client_keys import ALGORITHMS, read_keys, verified
from vault.ledger import Event, Ledger

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_LIFE = {"strict": timedelta(minutes=5), "oidc": timedelta(hours=1)}
_REFUSED_HEADERS = frozenset({"crit", "b64", "jwk", "jku", "x5u", "x5c"})
_MAX_CLIENT_ID = 255
_MAX_JTI = 255
_MAX_TIME = 1e12  # seconds
_SKEW = timedelta(seconds=30)
_JWKS_SECONDS = 300.0
_JWKS_RETRY_SECONDS = 10.0

assertion_table = Table(
    "sso_client_assertion",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    info=forgotten("expires_at")
    | harmless(
        because="a row only refuses an assertion; that one was deleted, no MAC can tell, and it lives for minutes"
    ),
)


@dataclass(frozen=True)
class Presented:
    """What came with the request. Exactly one method may be used."""

    client_id: str
    method: str
    # The id to the letter, where that differs.
    plain_id: str | None = None
    # What the secret may be: as the standard writes it, then as many libraries do.
    secrets: tuple[str, ...] = field(default=(), repr=False)
    assertion: str | None = field(default=None, repr=False)


def presented(authorization: str | None, form: Mapping[str, str]) -> Presented:
    """Reads the one method used. Raises invalid_client, or invalid_request when there are several."""
    found = _presented(authorization, form)
    if not (found.client_id.isprintable() and len(found.client_id) <= _MAX_CLIENT_ID):
        raise OAuthError("invalid_client", "malformed client_id", status=401)
    return found


def _presented(authorization: str | None, form: Mapping[str, str]) -> Presented:
    basic = authorization is not None and authorization[:6].lower() == "basic "
    ways = [basic, "client_secret" in form, "client_assertion" in form]
    if sum(ways) > 1:
        raise OAuthError("invalid_request", "more than one client authentication method")
    if basic:
        ids, secrets = _basic(authorization or "")
        if form.get("client_id", ids[0]) not in ids:
            raise OAuthError("invalid_request", "client_id differs from the Authorization header")
        return Presented(ids[0], "client_secret_basic", ids[1] if len(ids) > 1 else None, secrets=secrets)
    if "client_assertion" in form:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise OAuthError("invalid_client", "unknown client_assertion_type", status=401)
        client_id = form.get("client_id") or _unverified_issuer(form["client_assertion"])
        return Presented(client_id, "private_key_jwt", assertion=form["client_assertion"])
    if not form.get("client_id"):
        raise OAuthError("invalid_client", "no client authentication", status=401)
    if "client_secret" in form:
        return Presented(form["client_id"], "client_secret_post", secrets=(form["client_secret"],))
    return Presented(form["client_id"], "none")


class ClientAuthentication:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        issuer: str,
        clients: Clients,
        lockout: Lockout,
        outbound: Outbound,
        ledger: Ledger,
    ) -> None:
        self._database = database
        self._clock = clock
        self._issuer = issuer
        self._clients = clients
        self._lockout = lockout
        self._outbound = outbound
        self._ledger = ledger
        self._jwks: Fresh[str, Sequence[Key]] = Fresh(_JWKS_SECONDS, now=lambda: clock.now().timestamp())

    async def authenticate(self, credentials: Presented, address: str) -> Client:
        """The client that proved itself. Raises invalid_client, in the same words for every reason."""
        client = await self._find(credentials.client_id)
        if client is None and credentials.plain_id is not None:
            client = await self._find(credentials.plain_id)
        proved = await self._proves(client, credentials, address)
        if client is None or not proved or not client.is_active:
            raise await self._refusal(client, credentials.client_id, address)
        return client

    async def _find(self, client_id: str) -> Client | None:
        cached = self._clients.cached(client_id)
        if cached is not None:
            return cached
        async with self._database.read() as connection:
            return await self._clients.find(connection, client_id)

    async def _proves(self, client: Client | None, credentials: Presented, address: str) -> bool:
        if credentials.secrets:
            matched = await self._secret_matches(client, credentials, address)
            # Libraries differ in which of the two they use by default; the secret is the same and TLS carries both.
            return (
                matched
                and client is not None
                and client.metadata.token_endpoint_auth_method.startswith("client_secret")
            )
        if client is None:
            return False
        if credentials.assertion is not None:
            return client.metadata.token_endpoint_auth_method == "private_key_jwt" and await self._assertion_holds(
                client, credentials.assertion
            )
        return client.is_public

    async def _secret_matches(self, client: Client | None, credentials: Presented, address: str) -> bool:
        """What is not plainly right is an attempt, reserved first: per client *and* address, so that nobody can lock a
        client out from elsewhere. Known and unknown clients are counted alike (checklist 28)."""
        if any(self._clients.quickly_matches(client, secret) for secret in credentials.secrets):
            return True
        account = f"{credentials.client_id}\n{address}"
        async with self._lockout.attempt("client", account, address) as attempt:
            matched = False
            for secret in credentials.secrets:
                matched = matched or await self._clients.verify_secret(client, secret)
            async with self._database.write() as connection:
                await (attempt.succeed(connection) if matched else attempt.fail(connection))
        return matched

    async def _refusal(self, client: Client | None, client_id: str, address: str) -> OAuthError:
        """In the ledger; the answer tells nothing. An id that no client has may be a secret in the wrong field."""
        about = client.client_id if client else self._ledger.pseudonym(client_id)
        event = Event(
            action="oidc.client", result="failure", client=about, address=address, reason="ERR-INVALID_CLIENT"
        )
        await self._ledger.append(event)
        return OAuthError("invalid_client", "client authentication failed", status=401)

    async def _assertion_holds(self, client: Client, assertion: str) -> bool:
        """RFC 7523 §3; strict clients name the issuer as the one audience (draft rfc7523bis)."""
        try:
            read = await self._verified(client, assertion)
        except (JoseError, YimenError, ValueError, KeyError, TypeError, RecursionError):
            return False
        claims = read.claims
        if not _header_holds(read.header) or not self._claims_hold(client, claims):
            return False
        return await self._first_use(client, str(claims["jti"]), float(claims["exp"]))

    async def _verified(self, client: Client, assertion: str) -> jwt.Token:
        """The assertion, signed by one of the client's keys. Raises what the JOSE library raises."""
        wanted = client.metadata.token_endpoint_auth_signing_alg
        allowed = (wanted,) if wanted else ALGORITHMS
        try:
            return verified(assertion, await self._keys_of(client, _JWKS_SECONDS), allowed)
        except (JoseError, ValueError):
            if client.metadata.jwks is not None:
                raise
        # OIDC Core §10.1.1: a key that we do not know may have been published since.
        return verified(assertion, await self._keys_of(client, _JWKS_RETRY_SECONDS), allowed)

    def _claims_hold(self, client: Client, claims: Mapping[str, Any]) -> bool:
        now = self._clock.now().timestamp()
        times = [claims.get("exp"), claims.get("iat", now), claims.get("nbf", now)]
        if not all(_is_time(value) for value in times):
            return False
        expires, issued, begins = (float(value) for value in times if value is not None)
        jti = claims.get("jti")
        return (
            claims.get("iss") == claims.get("sub") == client.client_id
            and self._is_meant_for_us(client, claims.get("aud"))
            and isinstance(jti, str)
            and 0 < len(jti) <= _MAX_JTI
            and jti.isprintable()
            and now < expires <= now + (_ASSERTION_LIFE[client.policy] + _SKEW).total_seconds()
            and max(issued, begins) <= now + _SKEW.total_seconds()
        )

    def _is_meant_for_us(self, client: Client, audience: Any) -> bool:
        """Strict clients name the issuer alone. Others may name the token endpoint, or several addresses of ours."""
        if client.policy == "strict":
            return bool(audience == self._issuer)
        named = audience if isinstance(audience, list) else [audience]
        return bool(named) and all(one in (self._issuer, f"{self._issuer}/token") for one in named)

    async def _first_use(self, client: Client, jti: str, expires: float) -> bool:
        """False for a replay (CVE-2020-5300), whichever process saw the first."""
        async with self._database.write() as connection:
            return await insert_if_absent(
                connection,
                assertion_table,
                digest=token_digest(f"{client.client_id}\n{jti}"),
                expires_at=datetime.fromtimestamp(expires, UTC) + _SKEW,
            )

    async def _keys_of(self, client: Client, max_age: float) -> Sequence[Key]:
        if client.metadata.jwks is not None:
            return read_keys(client.metadata.jwks)
        uri = client.metadata.jwks_uri or ""
        return await self._jwks.get(uri, partial(self._fetch_keys, uri), seconds=max_age)

    async def _fetch_keys(self, uri: str) -> Sequence[Key]:
        return read_keys((await self._outbound.fetch(uri)).json())


def _header_holds(header: Mapping[str, Any]) -> bool:
    """RFC 8725 §3.11: a token of another kind is no assertion. We understand no `crit`, and believe no key that a token
    brings along (checklist 50)."""
    kind = str(header.get("typ", "JWT")).lower()
    return kind in ("jwt", "client-authentication+jwt") and _REFUSED_HEADERS.isdisjoint(header)


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MAX_TIME


def _basic(authorization: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What client id and secret may be. RFC 6749 §2.3.1: both are form-urlencoded before base64. Many libraries leave
    that out, which matters where there is a `+` or a `%`. Raises invalid_client (CVE-2026-9803)."""
    try:
        decoded = base64.b64decode(authorization[6:].strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise OAuthError("invalid_client", "malformed Authorization header", status=401) from None
    client_id, _, secret = decoded.partition(":")
    if not secret:
        raise OAuthError("invalid_client", "malformed Authorization header", status=401)
    return _readings(client_id), _readings(secret)


def _readings(sent: str) -> tuple[str, ...]:
    """As the standard writes it, then to the letter where that differs."""
    return tuple(dict.fromkeys((unquote_plus(sent), sent)))


def _unverified_issuer(assertion: str) -> str:
    """Whose assertion it claims to be; nothing is believed until the client's key has verified it."""
    try:
        payload = assertion.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["sub"])
    except (IndexError, ValueError, KeyError, TypeError, RecursionError):
        raise OAuthError("invalid_client", "malformed client_assertion", status=401) from None
