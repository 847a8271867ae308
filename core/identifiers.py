"""Identifiers and unguessable tokens."""

import hashlib
import secrets
import threading
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base32: no i, l, o, u
# Two at a time: an identifier is made several times a request.
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_PLACES = range(120, -1, -10)
_RANDOM_BITS = 80
_STEP_BITS = 64  # two processes forked in one millisecond still part ways
TOKEN_BYTES = 32


class _Ascending:
    """The identifiers of this process as numbers, each larger than the one before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def next(self, after: int) -> int:
        with self._lock:
            by_clock = (time.time_ns() // 1_000_000 << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)
            self._last = max(by_clock, max(self._last, after) + 1 + secrets.randbits(_STEP_BITS))
            return self._last


_ascending = _Ascending()


def new_id(after: str = "") -> str:
    """A new 26-character identifier: 48 bits of milliseconds, then 80 random bits.

    Those of one process sort in the order they were made, within a millisecond and when the clock is set back too:
    the ledger's pages rely on it. `after` is an identifier of another process that this one must sort after, whatever
    the two clocks say (a hybrid logical clock: this process goes on from there). An identifier names a row. It is
    never a secret and grants nothing: use `new_token` for that.
    """
    value = _ascending.next(_number(after))
    return "".join([_PAIRS[value >> shift & 1023] for shift in _PLACES])


def _number(identifier: str) -> int:
    value = 0
    for character in identifier:
        value = value << 5 | _ALPHABET.index(character)
    return value


def new_token() -> str:
    """A new bearer token: 256 random bits, base64url without padding (43 characters)."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_digest(token: str) -> bytes:
    """What the database keeps of a bearer token: SHA-256, so that a stolen table opens nothing.

    A plain digest is enough because the token has 256 bits of entropy.
    """
    return hashlib.sha256(token.encode()).digest()
