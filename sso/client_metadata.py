"""Client metadata: the members of RFC 7591 §2 and OpenID Registration §2 that Yimen acts on."""

from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

AuthMethod = Literal["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]

# As many digits as `max_age` of a request may have.
_MAX_AGE = 999_999_999


class ClientMetadata(BaseModel):
    """The members of RFC 7591 §2 and OpenID Registration §2 that Yimen acts on; others are kept as they are."""

    model_config = ConfigDict(extra="allow", frozen=True)

    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    application_type: Literal["web", "native"] = "web"
    token_endpoint_auth_method: AuthMethod = "client_secret_basic"
    token_endpoint_auth_signing_alg: Literal["ES256", "RS256", "PS256", "EdDSA", "Ed25519"] | None = None
    grant_types: tuple[Literal["authorization_code", "refresh_token", "client_credentials"], ...] = (
        "authorization_code",
    )
    response_types: tuple[Literal["code"], ...] = ("code",)
    scope: str = Field("", max_length=1000)
    jwks: dict[str, Any] | None = None
    jwks_uri: str | None = None
    id_token_signed_response_alg: Literal["ES256", "RS256"] | None = None
    subject_type: Literal["public", "pairwise"] = "public"
    sector_identifier_uri: str | None = None
    default_max_age: int | None = Field(None, ge=0, le=_MAX_AGE)
    require_auth_time: bool = False
    client_name: str = ""
    client_uri: str | None = None
    logo_uri: str | None = None
    initiate_login_uri: str | None = None

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if "authorization_code" in self.grant_types and not self.redirect_uris:
            raise ValueError("the authorization_code grant needs redirect_uris")
        if "client_credentials" in self.grant_types and self.token_endpoint_auth_method == "none":
            raise ValueError("client_credentials needs a client that authenticates")
        if self.token_endpoint_auth_method == "private_key_jwt" and (self.jwks is None) == (self.jwks_uri is None):
            raise ValueError("private_key_jwt needs either jwks or jwks_uri")
        return self

    @field_validator("jwks")
    @classmethod
    def _check_jwks(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        if value is None:
            return None
        keys = value.get("keys")
        if not (isinstance(keys, list) and keys and all(isinstance(key, dict) for key in keys)):
            raise ValueError("a JWK Set has a list of keys")  # RFC 7517 §5
        if any("d" in key or key.get("kty") == "oct" for key in keys):
            raise ValueError("jwks must hold public keys only")
        return value

    @property
    def sectors(self) -> frozenset[str]:
        """The hosts, without port or path, that know a person by one pairwise subject (OIDC Core §8.1); the scheme of
        an app that has no host."""
        uris = (self.sector_identifier_uri,) if self.sector_identifier_uri else self.redirect_uris
        return frozenset(parts.hostname or parts.scheme for parts in map(urlsplit, uris))
