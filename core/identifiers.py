"""Identifiers and unguessable tokens."""

import hashlib
import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base32: no i, l, o, u
_RANDOM_BITS = 80
TOKEN_BYTES = 32


def new_id() -> str:
    """A new 26-character identifier: 48 bits of milliseconds, then 80 random bits, so it sorts by time.

    An identifier names a row. It is never a secret and grants nothing: use `new_token` for that.
    """
    value = (time.time_ns() // 1_000_000 << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))


def new_token() -> str:
    """A new bearer token: 256 random bits, base64url without padding (43 characters)."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_digest(token: str) -> bytes:
    """What the database keeps of a bearer token: SHA-256, so that a stolen table opens nothing.

    A plain digest is enough because the token has 256 bits of entropy.
    """
    return hashlib.sha256(token.encode()).digest()
