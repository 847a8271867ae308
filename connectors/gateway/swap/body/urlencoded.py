"""application/x-www-form-urlencoded (URL Standard §5), read strictly and written canonically."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import unquote_to_bytes

from connectors.gateway.swap.body.charsets import in_charset, text_of
from connectors.gateway.swap.body.place import AmbiguousBodyError, Place, require_single
from connectors.login_requests.request import Kind

MEDIA_TYPE = "application/x-www-form-urlencoded"

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._*")
_HEX = b"0123456789ABCDEF"
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
# Old servers part fields at a semicolon too (HTML 4 §B.2.2); a control character ends the value for some.
_READ_IN_TWO_WAYS = re.compile(rb"[\x00-\x1f\x7f;]")


@dataclass(frozen=True)
class UrlencodedBody:
    """`pairs` are the bytes of names and values, decoded; `None` for a name without an equals sign."""

    pairs: Sequence[tuple[bytes, bytes | None]] = field(repr=False)
    charset: str
    content_type: str
    kind: Kind = "urlencoded"

    @cached_property
    def places(self) -> Sequence[Place]:
        return [
            Place(text_of(name, self.charset) or "", text_of(value or b"", self.charset)) for name, value in self.pairs
        ]

    @property
    def leaves(self) -> Sequence[tuple[str, str | None]]:
        return [(place.name, place.value) for place in self.places]

    def written(self, values: Mapping[str, bytearray]) -> tuple[bytearray, str]:
        names = [place.name for place in self.places]
        for wanted in values:
            require_single(names, wanted)
        body = bytearray()
        for name, (raw_name, raw_value) in zip(names, self.pairs, strict=True):
            body += b"&" if body else b""
            _write(body, raw_name)
            if name in values:
                body += b"="
                _write(body, in_charset(values[name], self.charset))
            elif raw_value is not None:
                body += b"="
                _write(body, raw_value)
        return body, self.content_type


def parse_urlencoded(body: bytes, charset: str, content_type: str) -> UrlencodedBody:
    if _READ_IN_TWO_WAYS.search(body):
        raise AmbiguousBodyError("a character that parts fields for some servers")
    if _BROKEN_ESCAPE.search(body):
        raise AmbiguousBodyError("an escape that is none")
    pairs: list[tuple[bytes, bytes | None]] = []
    for pair in body.split(b"&"):
        if pair:
            name, equals, value = pair.partition(b"=")
            pairs.append((_decoded(name), _decoded(value) if equals else None))
    if any(b"\x00" in name or b"\x00" in (value or b"") for name, value in pairs):
        raise AmbiguousBodyError("a NUL character")
    return UrlencodedBody(pairs, charset, content_type)


def _decoded(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))


def _write(body: bytearray, value: bytes | bytearray) -> None:
    for byte in value:
        if byte in _UNRESERVED:
            body.append(byte)
        elif byte == 0x20:
            body += b"+"
        else:
            body += bytes((0x25, _HEX[byte >> 4], _HEX[byte & 15]))
