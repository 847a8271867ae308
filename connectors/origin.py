"""The exact origin of a legacy system: scheme, host and port, nothing looser (DESIGN §4.16)."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

from connectors.errors import ConnectorError

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class ExactOrigin:
    """Made by `parse` only. `str()` gives the serialised origin of RFC 6454 §6.2, default port left out."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Takes `scheme://host[:port]`, or any http(s) URL whose origin is wanted. Raises ERR-ORIGIN."""
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as error:
            raise ConnectorError("ERR-ORIGIN", "the address does not parse") from error
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.username is not None:
            raise ConnectorError("ERR-ORIGIN", "an origin is http or https, a host and perhaps a port")
        try:
            host = parts.hostname.encode("idna").decode() if not parts.hostname.isascii() else parts.hostname
        except UnicodeError as error:
            raise ConnectorError("ERR-ORIGIN", "the host is not a valid name") from error
        return cls(parts.scheme, host.lower(), port or _DEFAULT_PORTS[parts.scheme])

    @property
    def authority(self) -> str:
        """The Host header: brackets around IPv6, the port unless it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def is_address(self) -> bool:
        try:
            ip_address(self.host)
        except ValueError:
            return False
        return True

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"
