"""The bodies that carry a sign-in: finding a value in one, and putting another in its place, byte for byte otherwise.

Three kinds: urlencoded forms, multipart forms, JSON. A body that does not parse holds nothing as far as we can tell.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

from vault.keys.suites import wipe

Kind = Literal["urlencoded", "multipart", "json"]

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~*")
_MULTIPART_NAME = re.compile(rb'\bname="((?:[^"\\]|\\.)*)"|\bname=([^;\s]+)', re.IGNORECASE)
_HEX = b"0123456789ABCDEF"
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Place:
    """A value of a body: its field's name (or JSON pointer), its text, and where its bytes stand.

    `start` is negative for a value whose place is not certain: nothing is put there. `outer` is there for a value
    inside a JSON text that is itself a value of the body; `start` and `end` then count in that text.
    """

    field: str
    value: str
    start: int
    end: int
    outer: "Place | None" = None

    @property
    def is_certain(self) -> bool:
        return self.start >= 0


def kind_of(content_type: str, body: bytes) -> Kind | None:
    """What a body is, by its type; pages that send JSON often say text/plain, or nothing."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "multipart/form-data":
        return "multipart"
    if media_type == "application/json" or media_type.endswith("+json"):
        return "json"
    if body.lstrip()[:1] in (b"{", b"[") and media_type in ("", "text/plain", "application/x-www-form-urlencoded"):
        return "json"
    return "urlencoded" if media_type in ("application/x-www-form-urlencoded", "") else None


def places_in(body: bytes, kind: Kind, content_type: str, charset: str) -> list[Place]:
    """Every value of the body, and every one of the JSON texts among them."""
    if kind == "urlencoded":
        places = list(_urlencoded_places(body, charset))
    elif kind == "multipart":
        places = list(_multipart_places(body, content_type, charset))
    else:
        places = list(_json_places(body))
    return [*places, *(inner for place in places for inner in _inner_places(place))]


def document_of(body: bytes, kind: Kind, places: list[Place]) -> Any:
    """What a recipe's variables are read from: the JSON document, or the form as a mapping."""
    if kind == "json":
        return json.loads(body)
    return {place.field: place.value for place in places}


def replaced(body: bytes, place: Place, kind: Kind, secret: bytearray, charset: str) -> bytearray:
    """The body with the secret, which is UTF-8, at `place`, written as this kind of body writes it."""
    if place.outer is not None:
        text = replaced(place.outer.value.encode(), replace(place, outer=None), "json", secret, "utf-8")
        try:
            return replaced(body, place.outer, kind, text, charset)
        finally:
            wipe(text)
    value = secret if _is_utf8(charset) else bytearray(bytes(secret).decode().encode(charset, "xmlcharrefreplace"))
    if kind == "urlencoded":
        written = _percent_encoded(value)
    elif kind == "json":
        written = bytearray(json.dumps(bytes(secret).decode(), ensure_ascii=False).encode())
    else:
        written = value
    return bytearray(body[: place.start]) + written + body[place.end :]


def _urlencoded_places(body: bytes, charset: str) -> Iterator[Place]:
    at = 0
    for pair in body.split(b"&"):
        name, equals, value = pair.partition(b"=")
        start = at + len(name) + len(equals)
        yield Place(_unquoted(name, charset), _unquoted(value, charset), start, start + len(value))
        at += len(pair) + 1


def _unquoted(text: bytes, charset: str) -> str:
    return unquote_to_bytes(text.replace(b"+", b" ")).decode(charset, "replace")


def _multipart_places(body: bytes, content_type: str, charset: str) -> Iterator[Place]:
    """RFC 7578: parts between delimiters; files are passed over."""
    match = re.search(r'boundary="?([^";]+)"?', content_type, re.IGNORECASE)
    if match is None:
        return
    delimiter = b"--" + match[1].strip().encode("latin-1", "replace")
    at = body.find(delimiter)
    while at >= 0:
        begin = at + len(delimiter)
        following = body.find(b"\r\n" + delimiter, begin)
        if following < 0 or body[begin : begin + 2] == b"--":
            return
        head_end = body.find(b"\r\n\r\n", begin, following)
        if head_end >= 0:
            head = body[begin:head_end]
            name = _MULTIPART_NAME.search(head)
            if name is not None and b"filename" not in head.lower():
                field = (name[1] if name[1] is not None else name[2]).decode(charset, "replace")
                start = head_end + 4
                yield Place(field, body[start:following].decode(charset, "replace"), start, following)
        at = following + 2


def _json_places(body: bytes) -> Iterator[Place]:
    """Every string of the document. Its place is certain when its literal stands once in the text: parsers disagree
    about members that stand twice, and a member's name may look like the value."""
    try:
        strings = list(_strings(json.loads(body)))
    except (ValueError, RecursionError):
        return
    for pointer, value in strings:
        literals = {json.dumps(value, ensure_ascii=ascii_only).encode() for ascii_only in (True, False)}
        standing = [literal for literal in literals if literal in body]
        if len(standing) == 1 and body.count(standing[0]) == 1:
            start = body.find(standing[0])
            yield Place(pointer, value, start, start + len(standing[0]))
        else:
            yield Place(pointer, value, -1, -1)


def _inner_places(place: Place) -> Iterator[Place]:
    """Scripts send `param={"user": …, "pwd": …}` too. A text that did not decode whole is left alone."""
    if place.value.lstrip()[:1] in ("{", "[") and place.is_certain and "\ufffd" not in place.value:
        for inner in _json_places(place.value.encode()):
            yield replace(inner, field=place.field + inner.field, outer=place)


def _percent_encoded(value: bytearray) -> bytearray:
    written = bytearray()
    for byte in value:
        if byte in _UNRESERVED:
            written.append(byte)
        elif byte == 0x20:
            written += b"+"
        else:
            written += bytes((0x25, _HEX[byte >> 4], _HEX[byte & 15]))
    return written


def _is_utf8(charset: str) -> bool:
    return charset.replace("-", "").replace("_", "").lower() in ("utf8", "ascii", "usascii")


def _strings(document: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Every string of a JSON document with its pointer (RFC 6901). Half a surrogate pair is no text of anybody's."""
    if isinstance(document, str):
        if not _SURROGATE.search(document):
            yield pointer, document
    elif isinstance(document, dict):
        for name, value in document.items():
            step = str(name).replace("~", "~0").replace("/", "~1").encode("utf-8", "replace").decode()
            yield from _strings(value, f"{pointer}/{step}")
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from _strings(value, f"{pointer}/{index}")
