"""JSON (RFC 8259), read strictly: no member twice, UTF-8 only, no half surrogates; numbers keep their spelling."""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NoReturn

from connectors.gateway.swap.body.place import AmbiguousBodyError, Place, folded
from connectors.login_requests.request import Kind
from vault.keys.suites import wipe

_DEEPEST = 32
_MOST_VALUES = 20_000
_ESCAPES = {0x22: b'\\"', 0x5C: b"\\\\", 0x08: b"\\b", 0x0C: b"\\f", 0x0A: b"\\n", 0x0D: b"\\r", 0x09: b"\\t"}


@dataclass(frozen=True)
class _Number:
    """A number as it was written: 1.0 stays 1.0, and an identifier of twenty digits stays itself."""

    text: str


@dataclass(frozen=True)
class JsonBody:
    document: Any = field(repr=False)
    content_type: str
    kind: Kind = "json"

    @cached_property
    def places(self) -> Sequence[Place]:
        return [Place(pointer, value) for pointer, value in _leaves(self.document, "") if isinstance(value, str)]

    @property
    def leaves(self) -> Sequence[tuple[str, str | None]]:
        return [(pointer, _as_text(value)) for pointer, value in _leaves(self.document, "")]

    def written(self, values: Mapping[str, bytearray]) -> tuple[bytearray, str]:
        pointers = [place.name for place in self.places]
        for wanted in values:
            if [one for one in pointers if one.casefold() == wanted.casefold()] != [wanted]:
                raise AmbiguousBodyError("a member stands more than once, or is missing")
        # The secret never becomes a `str`: a mark of ours is put in its place, and exchanged in the bytes.
        marks = {pointer: f"yimen-{secrets.token_hex(16)}" for pointer in values}
        body = bytearray("".join(_written(self.document, "", marks)).encode())
        for pointer, mark in marks.items():
            text = escaped(values[pointer])
            before, _, after = body.partition(mark.encode())
            body = before + text + after
            wipe(text)
        return body, self.content_type


def parse_json(body: bytes, content_type: str) -> JsonBody:
    try:
        document = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_members,
            parse_float=_Number,
            parse_int=_Number,
            parse_constant=_no_constant,
        )
    except AmbiguousBodyError:
        raise
    except (ValueError, RecursionError):
        raise AmbiguousBodyError("it is no JSON document") from None
    if not isinstance(document, dict | list):
        raise AmbiguousBodyError("a JSON document that is a bare value")
    _require_plain(document)
    return JsonBody(document, content_type)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    # Some servers know no case: for them `password` and `Password` are one member that stands twice.
    if len({folded(name) for name in members}) != len(pairs):
        raise AmbiguousBodyError("a member that stands twice")
    return members


def _no_constant(_name: str) -> NoReturn:
    raise AmbiguousBodyError("a number that JSON does not know")


def _require_plain(document: Any) -> None:
    pending, seen = [(document, 0)], 0
    while pending:
        value, depth = pending.pop()
        seen += 1
        if depth > _DEEPEST or seen > _MOST_VALUES:
            raise AmbiguousBodyError("a document of too many parts")
        if isinstance(value, dict):
            pending += [(one, depth + 1) for pair in value.items() for one in pair]
        elif isinstance(value, list):
            pending += [(one, depth + 1) for one in value]
        elif isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
            raise AmbiguousBodyError("half a surrogate pair")


def _step(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _leaves(value: Any, pointer: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _leaves(member, f"{pointer}/{_step(name)}")
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _leaves(member, f"{pointer}/{index}")
    else:
        yield pointer, value


def _as_text(value: Any) -> str | None:
    if isinstance(value, _Number):
        return value.text
    return str(value) if isinstance(value, str | bool) else None


def _written(value: Any, pointer: str, marks: Mapping[str, str]) -> Iterator[str]:
    if isinstance(value, dict):
        yield "{"
        for number, (name, member) in enumerate(value.items()):
            yield f"{',' if number else ''}{json.dumps(name, ensure_ascii=False)}:"
            yield from _written(member, f"{pointer}/{_step(name)}", marks)
        yield "}"
    elif isinstance(value, list):
        yield "["
        for index, member in enumerate(value):
            yield "," if index else ""
            yield from _written(member, f"{pointer}/{index}", marks)
        yield "]"
    elif isinstance(value, _Number):
        yield value.text
    elif isinstance(value, str):
        yield json.dumps(marks.get(pointer, value), ensure_ascii=False)
    else:
        yield json.dumps(value)


def escaped(secret: bytearray) -> bytearray:
    """UTF-8 as it stands inside a text of JSON."""
    text = bytearray()
    for byte in secret:
        if byte in _ESCAPES:
            text += _ESCAPES[byte]
        elif byte < 0x20:
            text += b"\\u%04x" % byte
        else:
            text.append(byte)
    return text
