"""Absolute addresses of the legacy server become addresses of its gateway host, in header fields and in bodies.

Bodies are rewritten as bytes, whatever their charset: an origin is ASCII, and the charsets of legacy pages keep ASCII
as it is. Streaming: what might be the beginning of an address at the end of a piece waits for the next.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from connectors.origin import ExactOrigin

_TEXTUAL = re.compile(
    r"(text/(html|css|javascript|xml|x-json)|application/(json|javascript|x-javascript|xml|xhtml\+xml|[a-z.+-]*\+json))"
    r"\s*(;|$)",
    re.IGNORECASE,
)
# How a colon and a slash are written: in markup and scripts, in JSON, in addresses inside addresses.
_SPELLINGS = ((":", "/"), (":", "\\/"), (":", "\\u002F"), ("%3A", "%2F"))
# What may follow a host without being a part of it.
_END = rb"(?![A-Za-z0-9.:_-])"


def is_rewritable(content_type: str) -> bool:
    return _TEXTUAL.match(content_type.strip()) is not None


def is_text(content_type: str) -> bool:
    """What can hold an echo or a key in words."""
    return is_rewritable(content_type) or content_type.strip().lower().startswith("text/")


def is_data(content_type: str) -> bool:
    """What a page's script asks for: JSON, or plain text."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind in ("text/plain", "text/json", "application/javascript", "text/javascript") or kind.endswith("json")


def is_form(content_type: str) -> bool:
    """What a page sends of its fields."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind in ("application/x-www-form-urlencoded", "multipart/form-data") or kind.endswith("json")


@dataclass(frozen=True)
class OriginMap:
    """One legacy origin and its gateway host."""

    upstream: ExactOrigin
    gateway_origin: str
    _pattern: re.Pattern[bytes] = field(init=False, repr=False)
    _replacements: dict[bytes, bytes] = field(init=False, repr=False)
    _beginnings: frozenset[bytes] = field(init=False, repr=False)
    _longest: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        gateway_scheme, _, gateway_host = self.gateway_origin.partition("://")
        replacements: dict[bytes, bytes] = {}
        for authority in sorted(self._authorities()):
            for colon, slash in _SPELLINGS:
                before = f"{slash}{slash}{authority.replace(':', colon)}"
                after = f"{slash}{slash}{gateway_host.replace(':', colon)}"
                replacements[before.lower().encode()] = after.encode()
                # A server behind a TLS front often takes its own scheme for http.
                for scheme in ("http", "https"):
                    absolute = f"{scheme}{colon}{before}".lower().encode()
                    replacements[absolute] = f"{gateway_scheme}{colon}{after}".encode()
        keys = sorted(replacements, key=len, reverse=True)
        pattern = re.compile(b"(" + b"|".join(map(re.escape, keys)) + b")" + _END, re.IGNORECASE)
        object.__setattr__(self, "_pattern", pattern)
        object.__setattr__(self, "_replacements", replacements)
        beginnings = frozenset(key[:length] for key in keys for length in range(1, len(key) + 1))
        object.__setattr__(self, "_beginnings", beginnings)
        object.__setattr__(self, "_longest", max(map(len, keys)))

    @property
    def upstream_authority(self) -> str:
        return self.upstream.authority

    def rewrite(self, body: bytes) -> bytes:
        """The whole of a body."""
        return self._pattern.sub(lambda match: self._replacements[match[1].lower()], body)

    def certain_length(self, pending: bytes) -> int:
        """How much of `pending` is decided: its end may be the beginning of an address."""
        for start in range(max(0, len(pending) - self._longest), len(pending)):
            if pending[start:].lower() in self._beginnings:
                break
        else:
            return len(pending)
        for match in self._pattern.finditer(pending):
            if match.start() < start < match.end():
                return match.end()
        return start

    def text_to_gateway(self, value: str) -> str:
        return self.rewrite(value.encode("latin-1", "replace")).decode("latin-1")

    def to_upstream(self, value: str) -> str:
        """An Origin or Referer of the gateway host as the legacy server expects it; others stay as they are."""
        if value == self.gateway_origin or value.startswith(f"{self.gateway_origin}/"):
            return f"{self.upstream}{value[len(self.gateway_origin) :]}"
        return value

    @cached_property
    def _reversed(self) -> "OriginMap":
        return OriginMap(ExactOrigin.parse(self.gateway_origin), str(self.upstream))

    def to_upstream_everywhere(self, body: bytes) -> bytes:
        """The gateway's address, wherever a page sends it back, as the legacy server knows itself."""
        return self._reversed.rewrite(body)

    def query_to_upstream(self, target: str) -> str:
        """The same in the query of a request's target; its path stays as it is."""
        path, mark, query = target.partition("?")
        return path + mark + self.to_upstream_everywhere(query.encode("latin-1", "replace")).decode("latin-1")

    def stream(self) -> "StreamRewriter":
        return StreamRewriter(self)

    def _authorities(self) -> set[str]:
        """With and without the scheme's own port: pages write both."""
        host = f"[{self.upstream.host}]" if ":" in self.upstream.host else self.upstream.host
        return {self.upstream.authority, f"{host}:{self.upstream.port}"}


class StreamRewriter:
    """Rewrites a body piece by piece. `feed` gives what is certain, `finish` the rest."""

    def __init__(self, origins: OriginMap) -> None:
        self._origins = origins
        self._held = b""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        pending = self._held + piece
        certain = self._origins.certain_length(pending)
        self._held = pending[certain:]
        if certain:
            yield self._rewrite_prefix(pending, certain)

    def finish(self) -> bytes:
        rest, self._held = self._held, b""
        return self._origins.rewrite(rest)

    def _rewrite_prefix(self, pending: bytes, safe: int) -> bytes:
        """What follows an address decides whether it is one, so the search sees more than is given out."""
        pieces, at = [], 0
        for match in self._origins._pattern.finditer(pending):
            if match.end() > safe:
                break
            pieces += [pending[at : match.start()], self._origins._replacements[match[1].lower()]]
            at = match.end()
        pieces.append(pending[at:safe])
        return b"".join(pieces)
