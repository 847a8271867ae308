"""Which host a request is for, and whether this process serves it. It stands before everything else of a surface."""

import re
from enum import Enum
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from core.origins import DEFAULT_PORTS
from core.settings import Settings

HEALTH_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
# A host as RFC 3986 §3.2.2 writes it, without percent-encoding, and a port.
_AUTHORITY = re.compile(r"(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._~!$&'()*+,;=-]{1,255})(?::[0-9]{0,5})?")


class Whose(Enum):
    ISSUER = "the issuer's"
    GATEWAY = "a gateway's"
    MOVED = "a gateway's, with another port"
    FOREIGN = "nobody's here"
    MALFORMED = "no host"


class Hosts:
    """The settings' hosts, told apart."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        port = urlsplit(settings.issuer).port
        default = DEFAULT_PORTS[urlsplit(settings.issuer).scheme]
        written = settings.issuer_authority
        self._issuer = {written} if port else {written, f"{written}:{default}"}
        # A browser asks many times in a row for one host; what is asked for once must not fill the memory.
        self.whose = lru_cache(maxsize=1024)(self._whose)

    def asked_for(self, scope: Scope) -> str | None:
        """The Host field; None where there is not exactly one (RFC 9112 §3.2)."""
        fields = [value for name, value in scope["headers"] if name == b"host"]
        return fields[0].decode("latin-1") if len(fields) == 1 else None

    def _whose(self, authority: str) -> Whose:
        if not _AUTHORITY.fullmatch(authority):
            return Whose.MALFORMED
        if authority.lower() in self._issuer:
            return Whose.ISSUER
        if self._settings.gateway_slug(authority) is not None:
            return Whose.GATEWAY
        if self._settings.gateway_slug_at_any_port(authority) is not None:
            return Whose.MOVED
        return Whose.FOREIGN


class OnlyItsHosts:
    """Lets through to `app` what is for the host `own`. Health is told to whoever asks for any host but a gateway's
    own, where these paths are the legacy system's: a monitor knows addresses, not names."""

    def __init__(self, app: ASGIApp, health: ASGIApp, own: Whose | None, settings: Settings) -> None:
        self._app = app
        self._health = health
        self._own = own
        self._settings = settings
        self._hosts = Hosts(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = self._hosts.asked_for(scope)
        whose = Whose.MALFORMED if host is None else self._hosts.whose(host)
        is_health = scope["type"] == "http" and scope["path"] in HEALTH_PATHS
        if host is not None and whose is self._own:
            await self._app(scope, receive, send)
        elif is_health and (whose is not Whose.MALFORMED or _needs_no_host(scope)):
            await self._health(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif host is None or whose is Whose.MALFORMED:
            await _answer(send, 400, "ERR-HOST: a request names one host")
        elif self._own is Whose.ISSUER and whose is Whose.MOVED and scope["method"] in ("GET", "HEAD"):
            await _answer(send, 307, "moved", location=self._at_the_gateway(host, scope))
        else:
            # RFC 9110 §15.5.20 Misdirected Request
            await _answer(send, 421, f"ERR-MISDIRECTED: the host is {whose.value}; nothing of it is served here")

    def _at_the_gateway(self, host: str, scope: Scope) -> bytes:
        """The same path and query, as they were sent, where the gateway answers now."""
        slug = self._settings.gateway_slug_at_any_port(host) or ""
        query: bytes = scope["query_string"]
        path: bytes = scope["raw_path"]
        return self._settings.gateway_origin(slug).encode() + path + (b"?" + query if query else b"")


def _needs_no_host(scope: Scope) -> bool:
    """HTTP/1.0 knew none, and some monitors still speak it."""
    return scope["http_version"] == "1.0" and all(name != b"host" for name, _ in scope["headers"])


async def _answer(send: Send, status: int, text: str, *, location: bytes | None = None) -> None:
    body = f"{text}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if location is not None:
        headers.append((b"location", location))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
