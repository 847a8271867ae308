"""Compact JWS (RFC 7515 §3.1) with keys that were loaded once: what every token costs is its signature.

What enters is ours: claims that Yimen made, and tokens that say they are Yimen's. Keys of others are read by joserfc.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
Claims = Mapping[str, Any]

_ECDSA = ec.ECDSA(SHA256())
# Of each of the two numbers in a signature by P-256 (RFC 7518 §3.4).
_NUMBER_BYTES = 32
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


class JwsSigner:
    """Signs with one key: ES256 or RS256 (RFC 7518 §3.3, §3.4)."""

    def __init__(self, alg: str, kid: str, key: PrivateKey) -> None:
        self._alg = alg
        self._kid = kid
        self._signature: Callable[[bytes], bytes] = (
            _es256(key) if isinstance(key, ec.EllipticCurvePrivateKey) else _rs256(key)
        )
        self._heads: dict[str, bytes] = {}

    def sign(self, kind: str, claims: Claims) -> str:
        """The token. `kind` is its `typ`."""
        signed = self._head(kind) + _encoded(orjson.dumps(claims))
        return (signed + b"." + _encoded(self._signature(signed))).decode()

    def _head(self, kind: str) -> bytes:
        head = self._heads.get(kind)
        if head is None:
            members = {"alg": self._alg, "kid": self._kid, "typ": kind}
            head = self._heads[kind] = _encoded(orjson.dumps(members)) + b"."
        return head


def verified(token: str, key_of: Callable[[str], tuple[str, PublicKey] | None]) -> tuple[Claims, Claims] | None:
    """Header and claims of a token that is signed by one of our keys; None for everything else.

    `key_of` gives a key's algorithm and public half by its `kid`. The header never chooses the algorithm (RFC 8725
    §3.1), and extensions that it calls critical are not understood (RFC 7515 §4.1.11).
    """
    if _COMPACT.fullmatch(token) is None:
        return None
    signed, _, written = token.rpartition(".")
    head, _, payload = signed.partition(".")
    try:
        header, signature = _object(head), _decoded(written)
    except ValueError:
        return None
    known = key_of(header["kid"]) if isinstance(header.get("kid"), str) else None
    if known is None or header.get("alg") != known[0] or "crit" in header:
        return None
    if not _holds(known[1], signature, signed.encode()):
        return None
    try:
        return header, _object(payload)
    except ValueError:
        return None


def _es256(key: ec.EllipticCurvePrivateKey) -> Callable[[bytes], bytes]:
    def sign(signed: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(signed, _ECDSA))
        return r.to_bytes(_NUMBER_BYTES, "big") + s.to_bytes(_NUMBER_BYTES, "big")

    return sign


def _rs256(key: rsa.RSAPrivateKey) -> Callable[[bytes], bytes]:
    return lambda signed: key.sign(signed, padding.PKCS1v15(), SHA256())


def _holds(key: PublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, signed, padding.PKCS1v15(), SHA256())
        elif len(signature) == 2 * _NUMBER_BYTES:
            r, s = (int.from_bytes(part, "big") for part in (signature[:_NUMBER_BYTES], signature[_NUMBER_BYTES:]))
            key.verify(encode_dss_signature(r, s), signed, _ECDSA)
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _object(segment: str) -> Claims:
    """Raises ValueError for what is no JSON object."""
    members = orjson.loads(_decoded(segment))
    if not isinstance(members, dict):
        raise ValueError("no object")
    return members


def _encoded(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def _decoded(segment: str) -> bytes:
    """Raises ValueError for a text that is not the one way to write these bytes (RFC 4648 §3.5)."""
    try:
        content = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except binascii.Error as error:
        raise ValueError("no base64url") from error
    if _encoded(content) != segment.encode():
        raise ValueError("another way to write it")
    return content
