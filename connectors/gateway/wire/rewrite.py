"""Absolute addresses of the legacy server become addresses of its gateway host, in header fields and in bodies.

Bodies are rewritten as bytes, whatever their charset: an origin is ASCII, and the charsets of legacy pages keep ASCII
as it is. A body that does not name the server's host is not touched. Streaming: what might be the beginning of an
address at the end of a piece waits for the next. The cost is linear in the body, whatever stands in it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Literal

from ahocorasick_rs import BytesAhoCorasick, MatchKind

from connectors.origin import ExactOrigin

# Which address of itself a system is told: its own, as if there were no gateway; its own, and the gateway's in the
# X-Forwarded fields; or the gateway's alone, as the browser sees it.
HostHeader = Literal["system", "forwarded", "gateway"]

_TEXTUAL = frozenset(
    {
        *("text/html", "text/css", "text/javascript", "text/xml", "text/x-json"),
        *("application/json", "application/javascript", "application/x-javascript", "application/xml"),
        "application/xhtml+xml",
    }
)
# How a colon and a slash are written: in markup and scripts, in JSON, in addresses inside addresses.
_SPELLINGS = ((":", "/"), (":", "\\/"), (":", "\\u002F"), ("%3A", "%2F"))
# A server behind a TLS front often takes its own scheme for http; sockets have schemes of their own.
_SCHEMES = {"http": ("http", "https"), "ws": ("ws", "wss")}
# What continues a host or a port.
_CONTINUES = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789.:_-")
_SCHEME_ENDS = frozenset(char.encode() for char in "abcdefghijklmnopqrstuvwxyz0123456789+.-")
# As much of what stands before an address as tells whether another scheme does: `x%3A`.
_CONTEXT = 4
# As much of what follows an address as tells whether a port does: `%3A`.
_LOOKAHEAD = 3
_BLOCK = 64 * 1024


def is_rewritable(content_type: str) -> bool:
    kind = _media_type(content_type)
    return kind in _TEXTUAL or (kind.startswith("application/") and kind.endswith("+json"))


def is_text(content_type: str) -> bool:
    """What can hold an echo or a key in words."""
    return is_rewritable(content_type) or content_type.strip().lower().startswith("text/")


def is_data(content_type: str) -> bool:
    """What a page's script asks for: JSON, or plain text."""
    kind = _media_type(content_type)
    return kind in ("text/plain", "text/json", "application/javascript", "text/javascript") or kind.endswith("json")


def is_form(content_type: str) -> bool:
    """What a page sends of its fields."""
    kind = _media_type(content_type)
    return kind in ("application/x-www-form-urlencoded", "multipart/form-data") or kind.endswith("json")


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


@dataclass(frozen=True)
class OriginMap:
    """One legacy origin and its gateway host. `tells` is which of the two the system hears of; `further` are the other
    origins of the same system, whose addresses stand in its pages too, each with its gateway host."""

    upstream: ExactOrigin
    gateway_origin: str
    tells: HostHeader = "system"
    further: tuple[tuple[ExactOrigin, str], ...] = ()
    _search: "_Search" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_search", _search_of(self.pairs))

    @property
    def pairs(self) -> tuple[tuple[ExactOrigin, str], ...]:
        """Every origin of the system with its gateway host; that of this request first."""
        return ((self.upstream, self.gateway_origin), *self.further)

    @property
    def upstream_authority(self) -> str:
        return self.upstream.authority

    @property
    def gateway_authority(self) -> str:
        return self.gateway_origin.partition("://")[2]

    @cached_property
    def gateway_port(self) -> int:
        return ExactOrigin.parse(self.gateway_origin).port

    @property
    def told_authority(self) -> str:
        """The Host field of a request to the system."""
        return self.gateway_authority if self.tells == "gateway" else self.upstream_authority

    def rewrite(self, body: bytes) -> bytes:
        """The whole of a body."""
        if len(body) <= _BLOCK:
            return self._search.replaced(body, len(body))
        # In blocks that fit the processor's cache: several times as fast.
        stream = self.stream()
        blocks = (body[start : start + _BLOCK] for start in range(0, len(body), _BLOCK))
        return b"".join([*(part for block in blocks for part in stream.feed(block)), stream.finish()])

    def certain_length(self, pending: bytes) -> int:
        """How much of `pending` is decided: its end may be the beginning of an address."""
        return self._search.certain_length(pending)

    def text_to_gateway(self, value: str) -> str:
        return self.rewrite(value.encode("latin-1", "replace")).decode("latin-1")

    def to_upstream(self, value: str) -> str:
        """An Origin or Referer of the gateway host as the legacy server expects it; others stay as they are."""
        if self.tells == "gateway":
            return value
        for upstream, gateway_origin in self.pairs:
            if value == gateway_origin or value.startswith(f"{gateway_origin}/"):
                return f"{upstream}{value[len(gateway_origin) :]}"
        return value

    @cached_property
    def _reversed(self) -> "OriginMap":
        back = tuple((ExactOrigin.parse(gateway_origin), str(upstream)) for upstream, gateway_origin in self.pairs)
        return OriginMap(*back[0], further=back[1:])

    def to_upstream_everywhere(self, body: bytes) -> bytes:
        """The gateway's address, wherever a page sends it back, as the legacy server knows itself."""
        return body if self.tells == "gateway" else self._reversed.rewrite(body)

    def query_to_upstream(self, target: str) -> str:
        """The same in the query of a request's target; its path stays as it is."""
        path, mark, query = target.partition("?")
        return path + mark + self.to_upstream_everywhere(query.encode("latin-1", "replace")).decode("latin-1")

    def stream(self) -> "StreamRewriter":
        return StreamRewriter(self)


class StreamRewriter:
    """Rewrites a body piece by piece. `feed` gives what is certain, `finish` the rest."""

    def __init__(self, origins: OriginMap) -> None:
        self._search = origins._search
        self._before = b""
        self._held = b""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        pending = self._held + piece if self._held else piece
        certain = self._search.certain_length(pending)
        self._held = pending[certain:]
        if certain:
            yield self._search.replaced(pending, certain, self._before)
            self._before = (self._before + pending[:certain])[-_CONTEXT:]

    def finish(self) -> bytes:
        rest, self._held = self._held, b""
        return self._search.replaced(rest, len(rest), self._before)


class _Search:
    """Every way to write the addresses of some origins, and what stands for each at its other side."""

    def __init__(self, pairs: Sequence[tuple[ExactOrigin, str]]) -> None:
        self._hosts = tuple({origin.host.lower().encode() for origin, _ in pairs})
        replacements: dict[bytes, bytes] = {}
        for origin, other in pairs:
            replacements |= _replacements(origin, other)
        self._needles = list(replacements)
        self._after = list(replacements.values())
        self._has_scheme = [not needle.startswith((b"/", b"\\", b"%")) for needle in self._needles]
        self._automaton = BytesAhoCorasick(self._needles, matchkind=MatchKind.LeftmostLongest)
        self._beginnings = frozenset(
            needle[:length] + tail
            for needle in self._needles
            for length in range(1, len(needle) + 1)
            for tail in ((b"",) if length < len(needle) else (b"", b"%", b"%3"))
        )
        self._longest = max(map(len, self._needles)) + _LOOKAHEAD - 1

    def replaced(self, body: bytes, until: int, before: bytes = b"") -> bytes:
        """The first `until` bytes, rewritten; what follows them decides whether an address ends there."""
        lowered = body.lower()
        if not any(host in lowered for host in self._hosts):
            return body if until == len(body) else body[:until]
        pieces: list[bytes] = []
        at, size = 0, len(lowered)
        for index, start, end in self._automaton.find_matches_as_indexes(lowered):
            if start >= until:
                break
            # Written out here, once for every address of a page: calls would cost twice as much as all the rest.
            if end < size and (lowered[end] in _CONTINUES or lowered.startswith(b"%3a", end)):
                continue
            if self._has_scheme[index] or not _has_other_scheme(lowered, start, before):
                pieces += (body[at:start], self._after[index])
                at = end
        if not at:
            return body if until == len(body) else body[:until]
        pieces.append(body[at:until])
        return b"".join(pieces)

    def certain_length(self, pending: bytes) -> int:
        tail = pending[-self._longest :].lower()
        offset = len(pending) - len(tail)
        for start in range(len(tail)):
            if tail[start:] in self._beginnings:
                return offset + start
        return len(pending)


@lru_cache(maxsize=1024)
def _search_of(pairs: tuple[tuple[ExactOrigin, str], ...]) -> _Search:
    return _Search(pairs)


def _replacements(origin: ExactOrigin, other: str) -> dict[bytes, bytes]:
    other_scheme, _, other_host = other.partition("://")
    secured = {"http": other_scheme, "ws": "wss" if other_scheme == "https" else "ws"}
    replacements: dict[bytes, bytes] = {}
    for authority in sorted(_authorities(origin)):
        for colon, slash in _SPELLINGS:
            before = f"{slash}{slash}{authority.replace(':', colon)}"
            after = f"{slash}{slash}{other_host.replace(':', colon)}"
            replacements[before.lower().encode()] = after.encode()
            for kind, schemes in _SCHEMES.items():
                for scheme in schemes:
                    absolute = f"{scheme}{colon}{before}".lower().encode()
                    replacements[absolute] = f"{secured[kind]}{colon}{after}".encode()
    return replacements


def _authorities(origin: ExactOrigin) -> set[str]:
    """With and without the scheme's own port: pages write both."""
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    return {origin.authority, f"{host}:{origin.port}"}


def _has_other_scheme(lowered: bytes, start: int, before: bytes) -> bool:
    """`ftp:` or `jdbc:mysql:` before the slashes: the address of something else on the same host. A quotation mark
    before the colon says that the scheme is put there by a script."""
    preceding = lowered[max(0, start - _CONTEXT) : start]
    if len(preceding) < _CONTEXT:
        preceding = before.lower() + preceding
    for colon in (b":", b"%3a"):
        if preceding.endswith(colon):
            return preceding[-len(colon) - 1 : -len(colon)] in _SCHEME_ENDS
    return False
