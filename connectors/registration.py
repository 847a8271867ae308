"""What a department says about its system: the form of the inventory, and what it refuses."""

import re
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from connectors.errors import ConnectorError
from connectors.gateway.wire.rewrite import HostHeader
from connectors.origin import ExactOrigin
from core.trust import Trust, public_trust, trust_of
from sso.access import AccessRule

_SLUG = re.compile(r"[a-z][a-z0-9-]{0,38}[a-z0-9]\Z")
_RESERVED_SLUGS = frozenset({"www", "api", "sso", "admin", "localhost", "gateway", "portal"})


class WayInKind(StrEnum):
    OIDC = "oidc"
    GATEWAY = "gateway"
    BASIC = "basic"
    LINK = "link"
    NONE = "none"


class SystemStatus(StrEnum):
    DRAFT = "draft"
    LIVE = "live"
    DISABLED = "disabled"


class WayIn(BaseModel):
    """How the system is reached; `reason` says why where there is no better way."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: WayInKind
    reason: str = Field("", max_length=500)


class LocalName(BaseModel):
    """A name people read: Chinese always, English where there is one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    zh: str = Field(min_length=1, max_length=100)
    en: str = Field("", max_length=100)

    def in_locale(self, locale: str) -> str:
        return self.zh if locale.startswith("zh") or not self.en else self.en


class FurtherOrigin(BaseModel):
    """Another origin of the same system: its sign-in, its reports. It has a gateway host of its own, and is approved as
    the first is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9]{1,12}$", description="Its gateway host is <slug>--<name>.<gateway domain>")
    upstream: str = Field(description="Exact origin: scheme://host[:port]")
    http_approved_by: str | None = Field(None, description="The security administrator who signed for plain http")

    @field_validator("upstream")
    @classmethod
    def _check_upstream(cls, value: str) -> str:
        try:
            return str(ExactOrigin.parse(value))
        except ConnectorError as error:
            raise ValueError(error.detail) from error

    @model_validator(mode="after")
    def _is_approved(self) -> Self:
        if self.upstream.startswith("http:") and not self.http_approved_by:
            raise ValueError("plain http needs `http_approved_by`: the security administrator who signed for it")
        return self


class SystemRegistration(BaseModel):
    """What a department says about its system. Everything the inventory form asks for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    slug: str = Field(description="Its host name at the gateway: lower-case letters, digits, hyphens")
    name: LocalName
    description: str = Field("", max_length=500)
    owner: str | None = Field(None, description="Id of the organisation that owns the system (主办单位)")
    level: str | None = Field(None, description="Level at which it is used (使用层级)", max_length=20)
    category: str = Field("", max_length=50)
    filing_number: str = Field("", description="备案编号", max_length=60)
    data_items: tuple[str, ...] = Field((), description="What cadres type into it (数据项)")
    way_in: tuple[WayIn, ...] = Field(min_length=1, description="Best way first")
    upstream: str | None = Field(None, description="Exact origin of the legacy server: scheme://host[:port]")
    login_path: str = Field("/", description="Where its login page is")
    path_prefix: str = Field("/", description="The gateway serves nothing outside this path")
    http_approved_by: str | None = Field(None, description="The security administrator who signed for plain http")
    upstream_ca: str | None = Field(
        None, description="PEM: the authorities that this https server alone is believed by, or its own certificate"
    )
    upstream_ca_approved_by: str | None = Field(None, description="The security administrator who signed for it")
    host_header: HostHeader = Field(
        "system",
        description="Which address of itself the system is told: its own (system), its own and the gateway's in "
        "X-Forwarded-Host and -Proto (forwarded), or the gateway's as the browser sees it (gateway)",
    )
    forwards_address: bool = Field(False, description="Tell the system the cadre's address in X-Forwarded-For")
    client_id: str | None = Field(None, description="Its OpenID Connect client")
    initiate_login_uri: str | None = Field(None, description="Where its own sign-in starts (OIDC Core §4)")
    link: str | None = Field(None, description="Address for a system that can only be linked to")
    further_origins: tuple[FurtherOrigin, ...] = Field(
        (), max_length=4, description="Other origins of the same system, such as that of its sign-in"
    )
    signed_login: bool = Field(
        False, description="No password is put in before a security administrator has signed the login request"
    )
    recipe: str | None = Field(None, description="Id of the recipe of its login; an ordinary form needs none")
    access: AccessRule = Field(default_factory=AccessRule, description="Who may open it; empty: everyone signed in")
    status: SystemStatus = SystemStatus.LIVE

    @field_validator("slug")
    @classmethod
    def _check_slug(cls, value: str) -> str:
        if not _SLUG.match(value) or value in _RESERVED_SLUGS or "--" in value:
            raise ValueError("2-40 lower-case letters, digits and single hyphens, starting with a letter")
        return value

    @field_validator("login_path", "path_prefix")
    @classmethod
    def _check_path(cls, value: str) -> str:
        if not value.startswith("/") or value.startswith("//") or ".." in value or "\\" in value:
            raise ValueError("must be an absolute path such as /login")
        return value

    @field_validator("upstream")
    @classmethod
    def _check_upstream(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            return str(ExactOrigin.parse(value))
        except ConnectorError as error:
            raise ValueError(error.detail) from error

    @field_validator("upstream_ca")
    @classmethod
    def _check_upstream_ca(cls, value: str | None) -> str | None:
        if value is not None:
            trust_of(value)
        return value

    @field_validator("initiate_login_uri", "link")
    @classmethod
    def _check_link(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"https?://[^/\s@\\]+", value):
            raise ValueError("must be a complete http(s) address")
        return value

    @property
    def gateway_hosts(self) -> list[str]:
        """The names of its gateway hosts: that of the system first."""
        return [self.slug, *(f"{self.slug}--{one.name}" for one in self.further_origins)]

    @property
    def origins(self) -> str:
        """Its exact origins; "" where the gateway does not lead to it."""
        return " ".join([self.upstream, *(one.upstream for one in self.further_origins)]) if self.upstream else ""

    @property
    def needs_gateway(self) -> bool:
        return any(way.kind in (WayInKind.GATEWAY, WayInKind.BASIC) for way in self.way_in)

    @property
    def trust(self) -> Trust:
        """Whose certificates the system may show."""
        return trust_of(self.upstream_ca) if self.upstream_ca is not None else public_trust()

    @model_validator(mode="after")
    def _check_upstream_trust(self) -> Self:
        if self.upstream_ca is None:
            return self
        if not (self.upstream or "").startswith("https:"):
            raise ValueError("`upstream_ca` is for an `upstream` with https")
        if not self.upstream_ca_approved_by:
            raise ValueError("`upstream_ca` needs `upstream_ca_approved_by`: the security administrator who signed")
        return self

    @model_validator(mode="after")
    def _check_ways(self) -> Self:
        kinds = {way.kind for way in self.way_in}
        if self.needs_gateway:
            if self.upstream is None:
                raise ValueError("a gateway or basic way in needs `upstream`")
            if self.upstream.startswith("http:") and not self.http_approved_by:
                raise ValueError("plain http needs `http_approved_by`: the security administrator who signed for it")
        self._check_further_origins()
        if WayInKind.OIDC in kinds and not (self.client_id and self.initiate_login_uri):
            raise ValueError("an oidc way in needs `client_id` and `initiate_login_uri`")
        if WayInKind.LINK in kinds and not (self.link or self.upstream):
            raise ValueError("a link way in needs `link`")
        if any(way.kind is WayInKind.NONE and not way.reason for way in self.way_in):
            raise ValueError("`none` needs a reason: people are told why")
        return self

    def _check_further_origins(self) -> None:
        names = [one.name for one in self.further_origins]
        upstreams = [self.upstream, *(one.upstream for one in self.further_origins)]
        if len(set(names)) < len(names) or len(set(upstreams)) < len(upstreams):
            raise ValueError("`further_origins`: each name and each origin stands once")
