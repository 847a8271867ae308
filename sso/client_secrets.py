"""Clients' secrets, kept as hashes. Long random ones need no slow hash; short ones, that people made up, do."""

import hashlib
import hmac
import secrets

from core.identifiers import TOKEN_BYTES
from sso.authentication.passwords import PasswordHashing

_LONG = 32
_FAST = "sha256$"
_CACHE_SIZE = 1000


class ClientSecrets:
    """Hashes and verifies. A slow hash that matched is remembered by a keyed digest, in this process only."""

    def __init__(self, hashing: PasswordHashing) -> None:
        self._hashing = hashing
        self._process_key = secrets.token_bytes(TOKEN_BYTES)
        self._verified: dict[str, bytes] = {}

    async def hash(self, secret: str) -> str:
        if len(secret) >= _LONG:
            salt = secrets.token_hex(16)
            return f"{_FAST}{salt}${_digest(salt, secret)}"
        return await self._hashing.hash(secret)

    def quickly_matches(self, kept: str | None, secret: str) -> bool:
        """True for a right secret when that costs nothing to see: a long one, or a short one that matched before."""
        if kept is None:
            return False
        if kept.startswith(_FAST):
            _, salt, digest = kept.split("$")
            return hmac.compare_digest(digest, _digest(salt, secret))
        return hmac.compare_digest(self._verified.get(kept, b""), self._seen(secret))

    async def verify(self, kept: str | None, secret: str) -> bool:
        """Whatever does not match takes the time of one slow hash, so it tells nothing of what is kept."""
        if self.quickly_matches(kept, secret):
            return True
        slow = None if kept is None or kept.startswith(_FAST) else kept
        matched = await self._hashing.verify(slow, secret)
        if matched and slow is not None:
            if len(self._verified) >= _CACHE_SIZE:
                self._verified.clear()
            self._verified[slow] = self._seen(secret)
        return matched

    def _seen(self, secret: str) -> bytes:
        return hmac.digest(self._process_key, secret.encode(), "sha256")


def _digest(salt: str, secret: str) -> str:
    return hashlib.sha256(f"{salt}{secret}".encode()).hexdigest()
