"""Tokens Yimen signs: ID tokens (OIDC Core §2) and access tokens (RFC 9068), and reading its own ones again."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from core.clock import Clock
from core.identifiers import new_token
from sso.clients import Client
from sso.errors import OAuthError
from sso.oidc.grants import Grant
from sso.oidc.jws import verified
from sso.oidc.keys import SigningKeys
from vault.keys.sealing import Sealer

ACCESS_LIFETIME = timedelta(minutes=10)
ID_LIFETIME = timedelta(minutes=10)
_MAX_TOKEN = 8192
_MOST_REMEMBERED = 1000


@dataclass(frozen=True)
class AccessToken:
    """A verified access token of ours. `grant_id` is None for client credentials."""

    jti: str
    subject: str
    client_id: str
    scopes: tuple[str, ...]
    grant_id: str | None
    claims: Mapping[str, Any]


class Tokens:
    def __init__(self, clock: Clock, issuer: str, keys: SigningKeys, sealer: Sealer) -> None:
        self._clock = clock
        self._issuer = issuer
        self._keys = keys
        self._sealer = sealer
        # What a key has signed stays signed, for as long as the key is one of ours.
        self._read_before: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {}

    def subject(self, client: Client, user_id: str) -> str:
        """The `sub` this client knows the person by; pairwise subjects link nobody across sectors (Core §8.1)."""
        if client.metadata.subject_type != "pairwise":
            return user_id
        digest = self._sealer.mac("pairwise", f"{min(client.metadata.sectors)}\n{user_id}".encode())
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def access_token(self, client: Client, *, subject: str, scopes: tuple[str, ...], grant: Grant | None) -> str:
        now = int(self._clock.now().timestamp())
        prefix = f"{grant.id}." if grant else ""
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "sub": subject,
            "aud": self._issuer,
            "client_id": client.client_id,
            "scope": " ".join(scopes),
            "iat": now,
            "exp": now + int(ACCESS_LIFETIME.total_seconds()),
            # The grant stands in the id, so that revoking the grant ends its access tokens too.
            "jti": prefix + new_token()[:22],
        }
        if grant is not None:
            claims |= {"auth_time": int(grant.auth_time.timestamp()), "acr": grant.acr, "amr": list(grant.amr)}
        return self._sign("at+jwt", "ES256", claims)

    def id_token(
        self, client: Client, grant: Grant, access_token: str, extra: Mapping[str, Any], *, refreshed: bool = False
    ) -> str:
        now = int(self._clock.now().timestamp())
        claims: dict[str, Any] = {
            **extra,
            "iss": self._issuer,
            "sub": self.subject(client, grant.user_id),
            "aud": client.client_id,
            "iat": now,
            "exp": now + int(ID_LIFETIME.total_seconds()),
            "auth_time": int(grant.auth_time.timestamp()),
            "acr": grant.acr,
            "amr": list(grant.amr),
            "sid": grant.session_id,
            "at_hash": _half_hash(access_token),
        }
        # OIDC Core §12.2: a refreshed ID token should not carry the nonce.
        if grant.nonce is not None and not refreshed:
            claims["nonce"] = grant.nonce
        return self._sign("JWT", client.id_token_alg, claims)

    def read_access_token(self, token: str) -> AccessToken | None:
        """The access token if it is ours, right and not over; None for everything else, ID tokens included."""
        read = self._read(token)
        if read is None:
            return None
        header, claims = read
        if header.get("typ") != "at+jwt" or (claims.get("iss"), claims.get("aud")) != (self._issuer, self._issuer):
            return None
        if claims["exp"] <= self._clock.now().timestamp():
            return None
        jti = str(claims["jti"])
        return AccessToken(
            jti=jti,
            subject=claims["sub"],
            client_id=claims["client_id"],
            scopes=tuple(claims["scope"].split()),
            grant_id=jti.partition(".")[0] if "." in jti else None,
            claims=claims,
        )

    def read_id_token(self, token: str) -> Mapping[str, Any] | None:
        """The claims of an ID token of ours, also when it is over: it is a hint (RP-Initiated Logout §2). The key says
        that it is ours: after a move clients still have some of our issuer of before."""
        read = self._read(token)
        if read is None or read[0].get("typ", "JWT") != "JWT" or "sid" not in read[1]:
            return None
        return read[1]

    def hinted_subject(self, hint: str, client: Client) -> str:
        """The subject of an id_token_hint. Raises invalid_request when it is not ours or for another client."""
        claims = self.read_id_token(hint)
        if claims is None or claims.get("aud") != client.client_id:
            raise OAuthError("invalid_request", "id_token_hint is not one of ours for this client")
        return str(claims["sub"])

    def _sign(self, kind: str, alg: str, claims: Mapping[str, Any]) -> str:
        return self._keys.signing_key(alg).signer.sign(kind, claims)

    def _read(self, token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
        """Header and claims of a token that one of our keys signed. The same token is asked about many times."""
        known = self._read_before.get(token)
        if known is not None and self._keys.verification_key(known[0]["kid"]) is not None:
            return known
        read = verified(token, self._keys.verification_key) if len(token) <= _MAX_TOKEN else None
        if read is not None:
            if len(self._read_before) >= _MOST_REMEMBERED:
                self._read_before.clear()
            self._read_before[token] = read
        return read


def _half_hash(token: str) -> str:
    """OIDC Core §3.1.3.6; ES256 and RS256 both hash with SHA-256."""
    digest = hashlib.sha256(token.encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
