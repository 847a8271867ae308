"""multipart/form-data (RFC 7578), read strictly and written under a boundary of our own."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from connectors.gateway.swap.body.charsets import in_charset, text_of
from connectors.gateway.swap.body.place import AmbiguousBodyError, Place, require_single
from connectors.login_requests.request import Kind

MEDIA_TYPE = "multipart/form-data"

# RFC 2046 §5.1.1
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]\Z")
# As browsers write it (HTML §4.10.22.8): quotes and line ends in names are percent-encoded, nothing is escaped.
_DISPOSITION = re.compile(rb'form-data; name="([^"\\\r\n\x00]*)"(?:; filename="([^"\\\r\n\x00]*)")?\Z', re.IGNORECASE)
_TYPE = re.compile(rb"[\x20-\x7e]{1,200}\Z")
_MOST_PARTS = 1000


@dataclass(frozen=True)
class _Part:
    name: bytes
    filename: bytes | None
    media_type: bytes | None
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class MultipartBody:
    parts: Sequence[_Part] = field(repr=False)
    charset: str
    kind: Kind = "multipart"

    @cached_property
    def places(self) -> Sequence[Place]:
        """Files are no places: a password is none."""
        return [
            Place(self._name(part), None if part.filename is not None else text_of(part.content, self.charset))
            for part in self.parts
        ]

    @property
    def leaves(self) -> Sequence[tuple[str, str | None]]:
        return [(place.name, place.value) for place in self.places]

    def written(self, values: Mapping[str, bytearray]) -> tuple[bytearray, str]:
        names = [self._name(part) for part in self.parts]
        for wanted in values:
            require_single(names, wanted)
        boundary = f"yimen-{secrets.token_hex(16)}"
        body = bytearray()
        for name, part in zip(names, self.parts, strict=True):
            body += b"--" + boundary.encode() + b'\r\nContent-Disposition: form-data; name="' + part.name + b'"'
            if part.filename is not None:
                body += b'; filename="' + part.filename + b'"'
            if part.media_type is not None:
                body += b"\r\nContent-Type: " + part.media_type
            body += b"\r\n\r\n"
            body += in_charset(values[name], self.charset) if name in values else part.content
            body += b"\r\n"
        return body + b"--" + boundary.encode() + b"--\r\n", f"{MEDIA_TYPE}; boundary={boundary}"

    def _name(self, part: _Part) -> str:
        return text_of(part.name, self.charset) or ""


def parse_multipart(body: bytes, boundary: str, charset: str) -> MultipartBody:
    if not _BOUNDARY.match(boundary):
        raise AmbiguousBodyError("a boundary that is none")
    delimiter = b"--" + boundary.encode("ascii")
    pieces = body.split(delimiter, _MOST_PARTS + 1)
    if len(pieces) < 2 or len(pieces) > _MOST_PARTS or pieces[0] or pieces[-1] not in (b"--\r\n", b"--"):
        raise AmbiguousBodyError("something before, after or between the parts")
    return MultipartBody([_part(piece) for piece in pieces[1:-1]], charset)


def _part(piece: bytes) -> _Part:
    head, end, content = piece.partition(b"\r\n\r\n")
    if not end or not head.startswith(b"\r\n") or not content.endswith(b"\r\n"):
        raise AmbiguousBodyError("a part that is not framed by line ends")
    fields: dict[bytes, bytes] = {}
    for line in head[2:].split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if not colon or name.lower() in fields or b"\r" in value or b"\n" in value:
            raise AmbiguousBodyError("a header of a part that is none, or stands twice")
        fields[name.lower()] = value.strip()
    if set(fields) - {b"content-disposition", b"content-type"}:
        raise AmbiguousBodyError("a header of a part that browsers do not send")
    found = _DISPOSITION.match(fields.get(b"content-disposition", b""))
    media_type = fields.get(b"content-type")
    if found is None or (media_type is not None and not _TYPE.match(media_type)):
        raise AmbiguousBodyError("a part without a plain name")
    if found[2] is None and media_type is not None:
        raise AmbiguousBodyError("a field with a type of its own")
    return _Part(found[1], found[2], media_type, content[:-2])
