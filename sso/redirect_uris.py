"""Redirect URIs: what may be registered, and when a request names a registered one. Exact, but for RFC 8252 ports.

One at a host of our own gateway is kept by that host's name, so that it is always where the gateway is now.
"""

from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from core.settings import Settings
from sso.errors import SsoError

# Nobody registers one: it has no dot, which the scheme of a native client needs.
_AT_GATEWAY = "gateway:"
_MEMBERS = ("redirect_uris", "post_logout_redirect_uris")
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


def to_keep(metadata: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Client metadata as it is written down."""
    return _with_each(metadata, lambda uri: _kept_form(uri, settings))


def as_of_now(kept: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """The client metadata of what was written down."""
    return _with_each(kept, lambda uri: _uri_of(uri, settings))


def _with_each(metadata: Mapping[str, Any], other: Callable[[str], str]) -> dict[str, Any]:
    return {name: [*map(other, value)] if name in _MEMBERS else value for name, value in metadata.items()}


def _kept_form(uri: str, settings: Settings) -> str:
    host = settings.gateway_slug(urlsplit(uri).netloc)
    origin = settings.gateway_origin(host) if host is not None else ""
    return f"{_AT_GATEWAY}{host}{uri.removeprefix(origin)}" if origin and uri.startswith(f"{origin}/") else uri


def _uri_of(kept: str, settings: Settings) -> str:
    if not kept.startswith(_AT_GATEWAY):
        return kept
    host, slash, path = kept.removeprefix(_AT_GATEWAY).partition("/")
    return f"{settings.gateway_origin(host)}{slash}{path}"


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
