"""What a page without a recipe did to its dummy: found by doing it again.

Nothing is guessed: a way of hashing counts only when it turns the dummy into exactly the value that the page sent.
"""

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from connectors.gateway.bodies import Place
from connectors.legacy.transforms import Transform, compile_transform

_PLAIN = compile_transform("password")
_UNSALTED = tuple(
    map(
        compile_transform,
        (
            "md5(password)",
            "upper(md5(password))",
            "md5(md5(password))",
            "sha1(password)",
            "sha256(password)",
            "upper(sha256(password))",
            "sm3(password)",
            "base64(password)",
        ),
    )
)
_SALTED = tuple(
    map(
        compile_transform,
        (
            "md5(password + salt)",
            "md5(salt + password)",
            "md5(md5(password) + salt)",
            "md5(salt + md5(password))",
            "md5(upper(md5(password)) + salt)",
            "sha1(password + salt)",
            "sha256(password + salt)",
            "sha256(salt + password)",
            "sha256(sha256(password) + salt)",
            "sha256(md5(password) + salt)",
        ),
    )
)
_MOST_SALTS = 60
# A digest, a block of a cipher in base64 (16 bytes and more), or much of either.
_LOOKS_MADE = re.compile(r"[0-9a-fA-F]{32,}|[A-Za-z0-9+/]{22,}==|[A-Za-z0-9+/]{27,}=|[A-Za-z0-9+/]{40,}")


@dataclass(frozen=True)
class Recognised:
    """The place of the value, and how to make it of another password."""

    place: Place
    transform: Transform
    variables: Mapping[str, str] = field(repr=False)


def recognise(dummy: str, places: Sequence[Place], salts: Sequence[str]) -> list[Recognised]:
    """Every place that holds the dummy, plain or hashed in a known way with one of the salts."""
    made = dict(_made_of(dummy, [place.value for place in places], salts))
    return [Recognised(place, *made[place.value]) for place in places if place.value in made]


def looks_made(value: str) -> bool:
    """True for what no person types: a digest, or something encrypted."""
    return _LOOKS_MADE.fullmatch(value) is not None


def hides(dummy: str, values: Sequence[str]) -> bool:
    """True when a value holds the dummy among other things, in base64 or percent-encoded once more: where it cannot be
    put in, it must not be sent on either."""
    return any(dummy in text for value in values for text in (unquote(unquote(value)), _unbase64(value)))


def _unbase64(value: str) -> str:
    try:
        return b64decode(value, validate=True).decode("latin-1")
    except ValueError:
        return ""


def _made_of(
    dummy: str, values: Sequence[str], salts: Sequence[str]
) -> Iterator[tuple[str, tuple[Transform, Mapping[str, str]]]]:
    secret = bytearray(dummy.encode())
    yield dummy, (_PLAIN, {})
    # Hashing is only worth trying where something looks hashed.
    if not any(map(looks_made, values)):
        yield _text(_UNSALTED[-1].apply(secret, {})), (_UNSALTED[-1], {})
        return
    for transform in _UNSALTED:
        yield _text(transform.apply(secret, {})), (transform, {})
    for salt in dict.fromkeys(salts[:_MOST_SALTS]):
        for transform in _SALTED:
            variables = {"salt": salt}
            yield _text(transform.apply(secret, variables)), (transform, variables)


def _text(value: bytearray) -> str:
    return value.decode("utf-8", "replace")
