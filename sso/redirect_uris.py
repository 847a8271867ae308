"""Redirect URIs: what may be registered, and when a request names a registered one. Exact, but for RFC 8252 ports."""

from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from sso.errors import SsoError

_FORBIDDEN = set('\\"<>^`{|} \t\r\n') | {chr(code) for code in range(32)} | {"\x7f"}


def require_registrable(uri: str, *, native: bool, loopback_allowed: bool) -> None:
    """Raises ERR-CLIENT_METADATA unless the URI is complete, without fragment or wildcard, and https.

    http is for native clients on a loopback address (RFC 8252 §7.3); `loopback_allowed` extends that to every client
    where the provider itself stands on loopback. A private-use scheme needs a dot (RFC 8252 §7.1).
    """
    parts = _split(uri)
    if parts is None or parts.fragment or "#" in uri or "*" in uri:
        raise SsoError("ERR-CLIENT_METADATA", "a redirect URI is complete, with no fragment, wildcard or user part")
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http":
        if (native or loopback_allowed) and _is_loopback(parts.hostname or ""):
            return
        raise SsoError("ERR-CLIENT_METADATA", "an http redirect URI is for native clients on loopback only")
    if native and "." in parts.scheme:
        return
    raise SsoError("ERR-CLIENT_METADATA", "a redirect URI is https, or the private scheme of a native client")


def matches(uri: str, registered: Sequence[str], *, native: bool) -> bool:
    """Exact string comparison (RFC 9700 §4.1.3); for native clients on a loopback *address* the port is free."""
    if uri in registered:
        return True
    if not native:
        return False
    wanted = _without_port(uri)
    return wanted is not None and any(wanted == _without_port(candidate) for candidate in registered)


def is_claimed(uri: str, registered: Sequence[str]) -> bool:
    """True when the URI itself says who gets the answer. On another loopback port than the registered one, or under a
    private scheme, it may be any program of the person's machine (RFC 8252 §8.6)."""
    return uri in registered and urlsplit(uri).scheme in ("https", "http")


def origin_of(uri: str) -> str | None:
    """The web origin of an http(s) URI, for CORS and CSP."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}".lower() if parts.scheme in ("http", "https") else None


def _split(uri: str) -> SplitResult | None:
    if not uri.isascii() or not _FORBIDDEN.isdisjoint(uri):
        return None
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return None
    if not parts.scheme or parts.username is not None or parts.password is not None:
        return None
    return parts


def _without_port(uri: str) -> str | None:
    """The URI without its port when it is http on a loopback address literal; else None (RFC 8252 §7.3, §8.3)."""
    parts = _split(uri)
    if parts is None or parts.scheme != "http" or not _is_loopback(parts.hostname or "", literal=True):
        return None
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    authority = host if parts.port is None else f"{host}:{parts.port}"
    if parts.netloc != authority:
        return None
    return f"http://{host}{uri[len('http://') + len(parts.netloc) :]}"


def _is_loopback(hostname: str, *, literal: bool = False) -> bool:
    try:
        return ip_address(hostname).is_loopback
    except ValueError:
        return not literal and (hostname == "localhost" or hostname.endswith(".localhost"))
