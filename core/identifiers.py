"""Identifiers and unguessable tokens."""

import hashlib
import os
import secrets
import threading
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base32: no i, l, o, u
# Two at a time: an identifier is made several times a request.
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_PLACES = range(120, -1, -10)
_RANDOM_BITS = 80
_RANDOM_MASK = (1 << _RANDOM_BITS) - 1
_STEP_BYTES = 8  # two processes forked in one millisecond still part ways
_DRAWN_BYTES = _RANDOM_BITS // 8 + _STEP_BYTES
_STORED_BYTES = 1024
# Python reads base 32 by itself, with letters of its own.
_TO_PYTHON = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")
TOKEN_BYTES = 32


class _Randomness:
    """For identifiers. The kernel is asked for much at a time: it answers as quickly as for a little."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._store = b""

    def draw(self, count: int) -> bytes:
        with self._lock:
            if len(self._store) < count:
                self._store = secrets.token_bytes(_STORED_BYTES)
            drawn, self._store = self._store[:count], self._store[count:]
            return drawn

    def forget(self) -> None:
        self._lock = threading.Lock()
        self._store = b""


_randomness = _Randomness()
# A forked process must not go on with what its parent has, too.
os.register_at_fork(after_in_child=_randomness.forget)


class _Ascending:
    """The identifiers of this process as numbers, each larger than the one before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def next(self, after: int) -> int:
        drawn = int.from_bytes(_randomness.draw(_DRAWN_BYTES))
        random, step = drawn & _RANDOM_MASK, 1 + (drawn >> _RANDOM_BITS)
        with self._lock:
            by_clock = (time.time_ns() // 1_000_000 << _RANDOM_BITS) | random
            self._last = max(by_clock, max(self._last, after) + step)
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
    return int(identifier.translate(_TO_PYTHON), 32) if identifier else 0


def new_token() -> str:
    """A new bearer token: 256 random bits, base64url without padding (43 characters).

    Straight from the kernel: what is stored would come twice where a running machine is copied.
    """
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_digest(token: str) -> bytes:
    """What the database keeps of a bearer token: SHA-256, so that a stolen table opens nothing.

    A plain digest is enough because the token has 256 bits of entropy.
    """
    return hashlib.sha256(token.encode()).digest()
