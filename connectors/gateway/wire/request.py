"""A request to a system: what it is, and its head as browsers write it (RFC 9112 §3)."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from connectors.errors import ConnectorError
from connectors.gateway.wire.headers import Header
from connectors.gateway.wire.pool import Destination
from connectors.origin import ExactOrigin
from core.trust import Trust, public_trust

_UNWRITABLE = frozenset(map(chr, (*range(0x21), 0x7F)))
_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS"})

Body = AsyncIterator[bytes] | bytes | bytearray | None


@dataclass(frozen=True)
class UpstreamRequest:
    """`target` is the path with its query, exactly as it came. `trust` is whose certificates the system may show,
    `person` whose connections may be used. `gone` ends when nobody waits for the answer any more."""

    method: str
    origin: ExactOrigin
    target: str
    headers: Sequence[Header] = field(repr=False)
    body: Body = field(repr=False)
    trust: Trust = field(default_factory=public_trust)
    person: str = ""
    gone: Callable[[], Awaitable[None]] | None = field(default=None, repr=False, compare=False)

    @property
    def address(self) -> str:
        return f"{self.origin}{self.target}"

    @property
    def destination(self) -> Destination:
        return Destination(self.origin, self.trust, self.person)

    @property
    def is_repeatable(self) -> bool:
        """It changes nothing (RFC 9110 §9.2.2), so it may be sent again when a kept connection turns out dead."""
        return self.method in _REPEATABLE and self.body is None


def require_target(target: str) -> None:
    """Raises ERR-PATH for what would not stay in the first line of a request."""
    if not target.startswith("/") or not target.isascii() or not _UNWRITABLE.isdisjoint(target):
        raise ConnectorError("ERR-PATH", "the target is no path", status=400)


def request_head(method: str, target: str, headers: Sequence[Header]) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", *(f"{_spelled(name)}: {value}" for name, value in headers)]
    text = "\r\n".join([*lines, "", ""])
    # Whoever made the fields has seen to it; this is where a mistake would become another request (RFC 9112 §11.1).
    if text.count("\n") != len(lines) + 1 or text.count("\r") != len(lines) + 1 or "\x00" in text:
        raise ConnectorError("ERR-HEADER", "a field has a line break", status=400)
    return text.encode("latin-1")


@lru_cache(maxsize=512)
def _spelled(name: str) -> str:
    """Old servers look for `Content-Length` and find no `content-length`."""
    return "-".join(part.capitalize() for part in name.split("-"))
