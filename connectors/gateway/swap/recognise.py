"""What a page without a recipe did to its dummy: found by doing it again.

Nothing is guessed: a way of hashing counts only when it turns the dummy into exactly the value that the page sent.
The ways tried are those of the field: one of the usual hashes over the password or its hash, with a salt before or
after it, once or twice over, written in hex, in capitals, in base64, or as the middle half of an MD5. The work is
bounded: so many values, so many salts, and so much time of the processor.
"""

import re
import time
from base64 import b64decode
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from urllib.parse import unquote

from connectors.legacy.recipe.transforms import Transform, compile_transform

PLAIN = "password"
_BASE64 = "base64(password)"
_HASHED = ("md5(password)", "upper(md5(password))", "sha1(password)", "sha256(password)", "sm3(password)")
_SALTED = ("{0} + {1}", "{1} + {0}")
_MOST_SALTS, _MOST_PAIRED = 40, 10
_MOST_VALUES = 3
# Of the processor, for all values of one request together.
_MOST_SECONDS = 0.25
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
_LOOKS_MADE = re.compile(r"(?:[0-9a-fA-F]{32,}|[A-Za-z0-9+/]{22,}==|[A-Za-z0-9+/]{27,}=|[A-Za-z0-9+/]{40,})\Z")
_LONGEST_LOOKED_INTO = 8192


@dataclass(frozen=True)
class Making:
    """How to make a value of another password as the page made it of the dummy."""

    transform: Transform
    variables: Mapping[str, str] = field(repr=False)


AS_TYPED = Making(compile_transform(PLAIN), {})


def makings(
    dummy: str, values: Mapping[str, str | None], salts: Sequence[str], expressions: Mapping[str, str | None]
) -> dict[str, Making]:
    """How each of the named values was made of the dummy, as far as that is found.

    `expressions` says for a name which transform alone may have made it; None: any of the usual ones.
    """
    until = time.thread_time() + _MOST_SECONDS
    looked_into = [name for name, value in values.items() if value and _form_of(value) in _WRITTEN][:_MOST_VALUES]
    found: dict[str, Making] = {}
    for name, value in values.items():
        expression = expressions.get(name)
        if value == dummy and expression in (None, PLAIN):
            found[name] = AS_TYPED
        elif value:
            ways = _ways(value, salts, expression, tries=name in looked_into)
            if (making := _first_that_makes(value, dummy, ways, until)) is not None:
                found[name] = making
    return found


def described_making(
    dummy: str, value: str | None, transform: Transform, variables: Mapping[str, str]
) -> Making | None:
    """The making of a recipe, where it gives this value. What it makes anew each time - an encryption - cannot be told
    by its value: then the recipe's word for the place is taken. None as well where a variable is missing."""
    if not value or transform.variables - variables.keys():
        return None
    secret = bytearray(dummy.encode())
    first, second = (transform.apply(secret, variables) for _ in range(2))
    return Making(transform, variables) if first != second or first == value.encode() else None


def looks_made(value: str) -> bool:
    """True for what no person types: a digest, or something encrypted."""
    return len(value) <= _LONGEST_LOOKED_INTO and _LOOKS_MADE.match(value) is not None


def hides(dummy: str, values: Collection[str]) -> bool:
    """True when a value holds the dummy, alone, among other things, in base64 or percent-encoded once more: where it
    cannot be put in, it must not be sent on either."""
    return any(dummy in text for value in values for text in (unquote(unquote(value)), _unbase64(value)))


def _unbase64(value: str) -> str:
    try:
        return b64decode(value, validate=True).decode("latin-1")
    except ValueError:
        return ""


def _form_of(value: str) -> tuple[bool, int]:
    return len(value) <= 128 and _HEX.match(value) is not None, len(value)


def _first_that_makes(value: str, dummy: str, ways: Iterator[Making], until: float) -> Making | None:
    secret, wanted = bytearray(dummy.encode()), value.encode()
    for number, way in enumerate(ways):
        if way.transform.apply(secret, way.variables) == wanted:
            return way
        if number % 64 == 63 and time.thread_time() > until:
            return None
    return None


def _ways(value: str, salts: Sequence[str], expression: str | None, *, tries: bool) -> Iterator[Making]:
    if expression is not None:
        return _with_salts(compile_transform(expression), salts)
    return _usual(value, salts) if tries else iter([Making(compile_transform(_BASE64), {})])


def _with_salts(transform: Transform, salts: Sequence[str]) -> Iterator[Making]:
    """One transform with every likely salt, and every pair where it takes two."""
    names = sorted(transform.variables)
    most = _MOST_SALTS if len(names) < 2 else _MOST_PAIRED
    for values in product(_likely(salts, most), repeat=len(names)):
        yield Making(transform, dict(zip(names, values, strict=True)))


def _usual(value: str, salts: Sequence[str]) -> Iterator[Making]:
    """Everything that could have made a value of this form, the commonest first."""
    plain, salted, twice = _transforms(_form_of(value), is_upper=value.isupper())
    yield from (Making(transform, {}) for transform in plain)
    for salt, transform in product(_likely(salts, _MOST_SALTS), salted):
        yield Making(transform, {"salt": salt})
    for salt, nonce in product(_likely(salts, _MOST_PAIRED), repeat=2):
        for transform in twice:
            yield Making(transform, {"salt": salt, "nonce": nonce})


@lru_cache(maxsize=64)
def _transforms(form: tuple[bool, int], *, is_upper: bool) -> tuple[list[Transform], list[Transform], list[Transform]]:
    """Those without a salt, with one, and with two."""
    written = tuple(_cased(one, is_upper=is_upper) for one in _WRITTEN[form])
    keyed = tuple(_cased(one, is_upper=is_upper) for one in _KEYED.get(form, ()))
    plain = [
        *(way.format(inner) for way in written for inner in (PLAIN, *_HASHED)),
        *([_BASE64] if not form[0] else []),
    ]
    salted = [
        *(
            way.format(order.format(inner, "salt"))
            for way in written
            for inner in (PLAIN, *_HASHED)
            for order in _SALTED
        ),
        *keyed,
    ]
    twice = [
        way.format(outer.format(f"md5({inner})", "nonce"))
        for way in written
        for inner in ("password + salt", "salt + password")
        for outer in _SALTED
    ]
    return [*map(compile_transform, plain)], [*map(compile_transform, salted)], [*map(compile_transform, twice)]


def _likely(salts: Sequence[str], most: int) -> list[str]:
    return list(dict.fromkeys(salt for salt in salts if salt))[:most]


def _cased(way: str, *, is_upper: bool) -> str:
    return f"upper({way})" if is_upper and way.startswith(("md5", "sha", "sm3", "slice", "hmac")) else way
