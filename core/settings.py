"""What the operator decides, read from `YIMEN_*` variables and an optional TOML file, checked before anything starts.

A setting that would be unsafe is refused with a sentence a person understands, never corrected in silence.
"""

import os
import tomllib
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from core.addresses import IpNetwork
from core.errors import ConfigurationError
from core.forwarding import ForwardedField
from core.local_time import LocalTime, zone_named
from core.origins import DEFAULT_PORTS, canonical_origin, is_dns_name, is_loopback

RETENTION_FLOOR_DAYS = 200
_LAST_PORT = 65535
_PRIVATE_RANGES = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")

Networks = Annotated[tuple[IpNetwork, ...], NoDecode]


def _credentials_of_systemd() -> Path | None:
    """The folder that a service with `LoadCredential=` is given (systemd.exec(5)), or None."""
    given = os.environ.get("CREDENTIALS_DIRECTORY")
    return Path(given) if given else None


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="YIMEN_", extra="forbid", frozen=True)

    issuer: str = Field("http://localhost:8000", description="The address people and clients use; https in production")
    gateway_domain: str = Field(
        "localhost", description="Legacy systems open at <slug>.<gateway_domain>; `:port` after it is the public port"
    )

    time_zone: ZoneInfo = Field(
        ZoneInfo("Asia/Shanghai"), description="The county's: its days begin and end at midnight there"
    )

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    gateway_port: int | None = Field(None, ge=0, le=65535, description="Where the gateway listens; None: PORT + 1")
    workers: int = Field(1, ge=1, le=64, description="Identity processes")
    gateway_processes: int = Field(1, ge=1, le=64)
    grace_seconds: int = Field(10, ge=1, le=300, description="From SIGTERM until what still runs is killed")
    connections_per_address: int = Field(
        256, ge=16, le=100_000, description="Open connections of one address to one process; an office shares one"
    )
    tls_cert: Path | None = None
    tls_key: Path | None = None
    gateway_tls_cert: Path | None = Field(None, description="Where the gateway's certificate is another one")
    gateway_tls_key: Path | None = None
    role: Literal["all", "identity", "gateway", "worker"] = "all"

    data_dir: Path = Path("yimen-data")
    database_url: str = Field("", repr=False, description="Empty: SQLite in data_dir")
    custodian: Literal["auto", "os", "keyfile", "credential"] = "auto"
    key_file: Path = Field(Path(), description="Empty: root.key in data_dir")
    credential_dir: Path | None = Field(
        default_factory=_credentials_of_systemd, description="A systemd credential directory or a Secret"
    )
    suite: Literal["aes", "sm4"] = "aes"

    trusted_proxies: Networks = ()
    forwarded_field: ForwardedField = Field("either", description="The field in which trusted proxies name the caller")
    proxy_protocol: bool = Field(False, description="Trusted proxies begin each connection with a PROXY header")
    outbound_allow: Networks = Field((), description="Private networks that protocol fetches may reach")
    upstream_allow: Networks = Field(
        tuple(ip_network(value) for value in _PRIVATE_RANGES),
        description="Private networks that registered legacy systems may stand in",
    )

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"

    session_idle_minutes: int = Field(30, ge=1, le=240)
    admin_session_idle_minutes: int = Field(15, ge=1, le=60)
    session_absolute_hours: int = Field(12, ge=1, le=24)
    lockout_attempts: int = Field(5, ge=3, le=10)
    lockout_minutes: int = Field(10, ge=10, le=1440)
    address_attempts: int = Field(
        50, ge=5, le=10_000, description="Failures per address before it waits; an office shares one address"
    )
    password_max_age_days: int = Field(90, ge=0, le=365, description="0: never expires")
    retention_days: int = Field(RETENTION_FLOOR_DAYS, ge=RETENTION_FLOOR_DAYS)

    @field_validator("trusted_proxies", "outbound_allow", "upstream_allow", mode="before")
    @classmethod
    def _parse_networks(cls, value: Any) -> Any:
        parts = value.split(",") if isinstance(value, str) else value
        return tuple(_network(str(part).strip()) for part in parts if str(part).strip())

    @field_validator("time_zone", mode="before")
    @classmethod
    def _parse_zone(cls, value: Any) -> ZoneInfo:
        return value if isinstance(value, ZoneInfo) else zone_named(str(value).strip())

    @field_validator("issuer")
    @classmethod
    def _check_issuer(cls, value: str) -> str:
        return canonical_origin(value)

    @field_validator("gateway_domain")
    @classmethod
    def _check_gateway_domain(cls, value: str) -> str:
        domain = value.strip().lower()
        if "/" in domain:
            raise ValueError("must be a domain name without scheme or path, e.g. gw.example.gov.cn")
        host, colon, port = domain.partition(":")
        if not is_dns_name(host):
            raise ValueError("must be a domain name without scheme or path, e.g. gw.example.gov.cn")
        if colon and not _is_port(port):
            raise ValueError("has a port that is none: 1 to 65535")
        return domain

    @model_validator(mode="after")
    def _check_together(self) -> "Settings":
        self._check_tls()
        on_loopback = is_loopback(self._hostname)
        if self.secure and self._gateway_host == "localhost" and not on_loopback:
            raise ValueError("YIMEN_GATEWAY_DOMAIN must be set, e.g. gw.example.gov.cn with a wildcard certificate")
        if self._gateway_host == self._hostname and not on_loopback:
            raise ValueError(
                "YIMEN_GATEWAY_DOMAIN must differ from the host of YIMEN_ISSUER: legacy pages need a site of their own"
            )
        if self._hostname.endswith(f".{self._gateway_host}"):
            raise ValueError(
                f"YIMEN_GATEWAY_DOMAIN must not be a parent of the host of YIMEN_ISSUER ({self._hostname}), which "
                "would itself be taken for a legacy system; set a domain of its own, e.g. gw.example.gov.cn"
            )
        if self.proxy_protocol and not self.trusted_proxies:
            raise ValueError("YIMEN_PROXY_PROTOCOL needs YIMEN_TRUSTED_PROXIES: only from them is the header taken")
        self._check_ports()
        return self

    def _check_tls(self) -> None:
        for name in ("tls", "gateway_tls"):
            if (getattr(self, f"{name}_cert") is None) != (getattr(self, f"{name}_key") is None):
                pair = f"YIMEN_{name.upper()}_CERT and YIMEN_{name.upper()}_KEY"
                raise ValueError(f"{pair} belong together: set both or neither")
        if self.gateway_tls_cert is not None and self.tls_cert is None and self.role != "gateway":
            raise ValueError("YIMEN_GATEWAY_TLS_CERT needs YIMEN_TLS_CERT: people reach both by the same scheme")
        if (self.tls_cert is not None or self.gateway_tls_cert is not None) and not self.secure:
            raise ValueError("YIMEN_TLS_CERT needs an https YIMEN_ISSUER: with a certificate nothing answers by http")

    def _check_ports(self) -> None:
        if self.gateway_port is None and self.port == _LAST_PORT:
            raise ValueError(f"YIMEN_GATEWAY_PORT must be set: there is none after YIMEN_PORT {_LAST_PORT}")
        if self.port and self.port == self.effective_gateway_port:
            raise ValueError("YIMEN_GATEWAY_PORT must differ from YIMEN_PORT: the gateway is a process of its own")
        if (urlsplit(self.issuer).port or 0) == _LAST_PORT and ":" not in self.gateway_domain:
            raise ValueError(f"YIMEN_GATEWAY_DOMAIN must name the gateway's port: there is none after {_LAST_PORT}")

    @property
    def _hostname(self) -> str:
        return urlsplit(self.issuer).hostname or ""

    @property
    def secure(self) -> bool:
        """True when people reach Yimen by https, so cookies are Secure and `__Host-`."""
        return self.issuer.startswith("https:")

    @cached_property
    def local_time(self) -> LocalTime:
        return LocalTime(self.time_zone)

    @cached_property
    def issuer_authority(self) -> str:
        return urlsplit(self.issuer).netloc

    @cached_property
    def effective_database_url(self) -> str:
        return self.database_url or f"sqlite:///{(self.data_dir / 'yimen.db').absolute()}"

    @cached_property
    def effective_key_file(self) -> Path:
        return self.key_file if self.key_file != Path() else self.data_dir / "root.key"

    @property
    def effective_gateway_port(self) -> int:
        """Where the gateway listens. Beside a port that the system chooses (0), it chooses one for the gateway too."""
        if self.gateway_port is not None:
            return self.gateway_port
        return self.port + 1 if self.port else 0

    @property
    def _gateway_host(self) -> str:
        return self.gateway_domain.partition(":")[0]

    @cached_property
    def _gateway_suffix(self) -> str:
        """`.localhost:8001`: what stands after the slug in the Host header of a gateway host.

        The port is the one that YIMEN_GATEWAY_DOMAIN names. Else an issuer with a port of its own is reached without a
        proxy, and the gateway is next to it; an issuer without one stands behind a proxy, which routes by host.
        """
        scheme, issuer_port = urlsplit(self.issuer).scheme, urlsplit(self.issuer).port
        named = self.gateway_domain.partition(":")[2]
        port = int(named) if named else issuer_port + 1 if issuer_port else None
        return f".{self._gateway_host}" + ("" if port in (None, DEFAULT_PORTS[scheme]) else f":{port}")

    def gateway_authority(self, slug: str) -> str:
        return f"{slug}{self._gateway_suffix}"

    def gateway_origin(self, slug: str) -> str:
        return f"{urlsplit(self.issuer).scheme}://{self.gateway_authority(slug)}"

    def gateway_slug(self, authority: str) -> str | None:
        """The slug of a Host header on the gateway domain, or None for any other host."""
        return _slug_before(self._gateway_suffix, authority.lower())

    def gateway_slug_at_any_port(self, authority: str) -> str | None:
        """As `gateway_slug`, for an old link whose port is another one."""
        return _slug_before(f".{self._gateway_host}", authority.lower().partition(":")[0])


def _slug_before(suffix: str, host: str) -> str | None:
    slug = host.removesuffix(suffix)
    is_label = "." not in slug and is_dns_name(f"{slug}.localhost")
    return slug if is_label and host.endswith(suffix) else None


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 0 < int(text) <= _LAST_PORT


def _network(text: str) -> IpNetwork:
    try:
        return ip_network(text)
    except ValueError as error:
        raise ValueError(f"{error}; write networks as 10.0.0.0/8, several with commas between") from None


def load_settings(**overrides: Any) -> Settings:
    """Settings from `YIMEN_CONFIG` (a TOML file), over it the environment, over it `overrides`.

    Raises ConfigurationError naming every setting that is wrong.
    """
    try:
        return Settings(**{**_from_file(), **_from_environment(), **overrides})
    except ValidationError as error:
        problems = "; ".join(
            _sentence(problem["loc"], problem["msg"], problem["type"])
            for problem in error.errors(include_input=False, include_context=False)
        )
        raise ConfigurationError("ERR-SETTINGS", problems) from None


def _sentence(location: tuple[int | str, ...], message: str, kind: str) -> str:
    """The complaint under the name a person can change; a check of several settings names them itself."""
    text = "there is no such setting" if kind == "extra_forbidden" else message.removeprefix("Value error, ")
    return f"YIMEN_{str(location[0]).upper()}: {text}" if location else text


def _from_file() -> dict[str, Any]:
    path = os.environ.get("YIMEN_CONFIG")
    if not path:
        return {}
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except (OSError, ValueError) as error:
        raise ConfigurationError("ERR-SETTINGS", f"{path}: {error}") from error


def _from_environment() -> dict[str, str]:
    """The environment as overrides of the file; an unknown YIMEN_ name is a typing error and is refused."""
    reserved = {"YIMEN_CONFIG"}
    return {
        name.removeprefix("YIMEN_").lower(): value
        for name, value in os.environ.items()
        if name.startswith("YIMEN_") and name not in reserved and not name.startswith("YIMEN_TEST_")
    }
