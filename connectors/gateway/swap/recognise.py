"""What a page without a recipe did to its dummy: found by doing it again.

Nothing is guessed: a way of hashing counts only when it turns the dummy into exactly the value that the page sent.
The ways tried are those of the field: one of the usual hashes over the password or its hash, with a salt before or
after it, once or twice over, written in hex, in capitals, in base64, or as the middle half of an MD5.
"""

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from urllib.parse import unquote

from connectors.gateway.swap.bodies import Place
from connectors.legacy.page import words
from connectors.legacy.recipe.transforms import Transform, compile_transform

_PLAIN = compile_transform("password")
_BASE64 = compile_transform("base64(password)")
_HASHED = ("md5(password)", "upper(md5(password))", "sha1(password)", "sha256(password)", "sm3(password)")
_SALTED = ("{0} + {1}", "{1} + {0}")
_MOST_SALTS, _MOST_PAIRED = 40, 10
# Of a request's values, so many are looked into; those in fields that speak of a password first.
_MOST_VALUES = 3
# Which hashes a value of this form may come from, and how it is then written.
_WRITTEN: Mapping[tuple[bool, int], tuple[str, ...]] = {
    (True, 16): ("slice(md5({0}), 8, 24)",),
    (True, 32): ("md5({0})",),
    (True, 40): ("sha1({0})",),
    (True, 64): ("sha256({0})", "sm3({0})"),
    (True, 128): ("sha512({0})",),
    (False, 24): ("base64(unhex(md5({0})))",),
    (False, 28): ("base64(unhex(sha1({0})))",),
    (False, 44): ("base64(unhex(sha256({0})))", "base64(unhex(sm3({0})))", "base64(md5({0}))"),
    (False, 88): ("base64(unhex(sha512({0})))", "base64(sha256({0}))"),
}
_KEYED: Mapping[tuple[bool, int], tuple[str, ...]] = {
    (True, 32): ("hmac_md5(password, salt)",),
    (True, 40): ("hmac_sha1(password, salt)",),
    (True, 64): ("hmac_sha256(password, salt)", "hmac_sm3(password, salt)"),
    (False, 44): ("base64(unhex(hmac_sha256(password, salt)))",),
}
_HEX = re.compile(r"(?:[0-9a-f]+|[0-9A-F]+)\Z")
# A digest, a block of a cipher in base64 (16 bytes and more), or much of either.
_LOOKS_MADE = re.compile(r"[0-9a-fA-F]{32,}|[A-Za-z0-9+/]{22,}==|[A-Za-z0-9+/]{27,}=|[A-Za-z0-9+/]{40,}")

_Making = tuple[Transform, Mapping[str, str]]


@dataclass(frozen=True)
class Recognised:
    """The place of the value, and how to make it of another password."""

    place: Place
    transform: Transform
    variables: Mapping[str, str] = field(repr=False)


def recognise(dummy: str, places: Sequence[Place], salts: Sequence[str]) -> list[Recognised]:
    """Every place that holds the dummy, plain or hashed in a known way with one of the salts."""
    secret = bytearray(dummy.encode())
    made: dict[str, _Making] = {dummy: (_PLAIN, {}), _BASE64.apply(secret, {}).decode(): (_BASE64, {})}
    written = [place for place in places if _form_of(place.value) in _WRITTEN]
    likely = sorted(written, key=lambda place: not words.names_password(place.field))
    for value in list(dict.fromkeys(place.value for place in likely))[:_MOST_VALUES]:
        making = _making_of(value, secret, salts)
        if making is not None:
            made[value] = making
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


def _form_of(value: str) -> tuple[bool, int]:
    return _HEX.match(value) is not None, len(value)


def _making_of(value: str, secret: bytearray, salts: Sequence[str]) -> _Making | None:
    """How the page made this value of the dummy; None when in no way that is known."""
    for transform, variables in _ways(value, salts):
        if transform.apply(secret, variables) == value.encode():
            return transform, variables
    return None


def _ways(value: str, salts: Sequence[str]) -> Iterator[_Making]:
    """Everything that could have made a value of this form, the commonest first."""
    written = tuple(_cased(value, one) for one in _WRITTEN[_form_of(value)])
    keyed = tuple(_cased(value, one) for one in _KEYED.get(_form_of(value), ()))
    for way, inner in product(written, ("password", *_HASHED)):
        yield _compiled(way, inner), {}
    one_salt = [
        *(_compiled(way, salted.format(inner, "salt")) for way in written for inner, salted in _with_salt()),
        *map(compile_transform, keyed),
    ]
    for salt, transform in product(_likely(salts, _MOST_SALTS), one_salt):
        yield transform, {"salt": salt}
    two_salts = [
        _compiled(way, outer.format(f"md5({inner})", "nonce"))
        for way in written
        for inner in ("password + salt", "salt + password")
        for outer in _SALTED
    ]
    for salt, nonce in product(_likely(salts, _MOST_PAIRED), repeat=2):
        for transform in two_salts:
            yield transform, {"salt": salt, "nonce": nonce}


def _with_salt() -> Iterator[tuple[str, str]]:
    return product(("password", *_HASHED), _SALTED)


def _likely(salts: Sequence[str], most: int) -> list[str]:
    return list(dict.fromkeys(salt for salt in salts if salt))[:most]


def _compiled(way: str, inner: str) -> Transform:
    return compile_transform(way.format(inner))


def _cased(value: str, way: str) -> str:
    return f"upper({way})" if way.startswith(("md5", "sha", "sm3", "slice", "hmac")) and value.isupper() else way
