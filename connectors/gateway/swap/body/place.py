"""A value of a body, and what every kind of body can do."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from connectors.login_requests.request import Kind

_BRACKETS = re.compile(r"\[([^\]]*)\]?")


class AmbiguousBodyError(ValueError):
    """Two servers could read this body in two ways. The message says why, and never holds a value of the body."""


@dataclass(frozen=True)
class Place:
    """`name` is the field's name, or the JSON pointer (RFC 6901) of a text. `value` is None where its bytes are no text
    in the charset of the body."""

    name: str
    value: str | None = field(repr=False)


class ParsedBody(Protocol):
    @property
    def kind(self) -> Kind: ...

    @property
    def places(self) -> Sequence[Place]:
        """Every text of the body, in order."""
        ...

    @property
    def leaves(self) -> Sequence[tuple[str, str | None]]:
        """Names and values of everything that may tell what is asked for: numbers and flags of JSON too, as text."""
        ...

    def written(self, values: Mapping[str, bytearray]) -> tuple[bytearray, str]:
        """The body with these values (UTF-8) at the places of these names, and its content type.

        Raises AmbiguousBodyError where a name does not stand exactly once.
        """
        ...


def folded(name: str) -> str:
    """What servers may take this name for: PHP reads `a.b` as `a_b` and `a[]` as `a`, ASP.NET knows no case."""
    head, bracket, rest = name.strip().partition("[")
    parts = [part for part in _BRACKETS.findall(f"[{rest}") if part] if bracket else []
    return "[".join([re.sub(r"[ .]", "_", head), *parts]).casefold()


def stand_once(body: ParsedBody, wanted: Iterable[str]) -> bool:
    """Whether no other field of the body could be taken for one of these. Of JSON that is certain."""
    names = [folded(place.name) for place in body.places]
    return body.kind == "json" or all(names.count(folded(name)) == 1 for name in wanted)


def require_single(names: Sequence[str], wanted: str) -> None:
    """Raises AmbiguousBodyError unless exactly one of the names could be taken for `wanted`, and is it."""
    alike = [name for name in names if folded(name) == folded(wanted)]
    if alike != [wanted]:
        raise AmbiguousBodyError("a field stands more than once" if alike else "a field is missing")
