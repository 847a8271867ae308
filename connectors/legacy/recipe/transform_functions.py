"""The functions that transforms may call. Every primitive is `cryptography`'s; this file only names them.

MD5, SHA-1 and ECB are here because legacy servers demand them, not because they protect anything.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.ciphers import Cipher, CipherAlgorithm, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES, SM4
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import load_der_public_key

from vault.keys.suites import wipe

_UNESCAPED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()")
_BLOCK_BITS = 128


class TransformError(Exception):
    """A value a function cannot work with. The message never holds the value."""


@dataclass(frozen=True)
class Function:
    takes: tuple[int, ...]
    compute: Callable[..., bytearray]


def _hash(algorithm: Callable[[], hashes.HashAlgorithm]) -> Function:
    def compute(value: bytearray) -> bytearray:
        context = hashes.Hash(algorithm())
        context.update(value)
        return bytearray(binascii.hexlify(context.finalize()))

    return Function((1,), compute)


def _hmac(algorithm: Callable[[], hashes.HashAlgorithm]) -> Function:
    """RFC 2104, the key second; as hex text."""

    def compute(value: bytearray, key: bytearray) -> bytearray:
        context = HMAC(bytes(key), algorithm())
        context.update(value)
        return bytearray(binascii.hexlify(context.finalize()))

    return Function((2,), compute)


def _urlencode(value: bytearray) -> bytearray:
    """As `encodeURIComponent` does (ECMA-262 §19.2.6.4)."""
    encoded = bytearray()
    for byte in value:
        encoded += bytes([byte]) if byte in _UNESCAPED else b"%%%02X" % byte
    return encoded


def _slice(value: bytearray, start: bytearray, end: bytearray) -> bytearray:
    """As JavaScript's `substring`; the 16-character MD5 is `slice(md5, 8, 24)`."""
    if not (start.isdigit() and end.isdigit()):
        raise TransformError("slice needs two numbers")
    return value[int(start) : int(end)]


def _unhex(value: bytearray) -> bytearray:
    try:
        return bytearray(binascii.unhexlify(value))
    except binascii.Error:
        raise TransformError("unhex needs hexadecimal digits, two a byte") from None


def _unbase64(value: bytearray) -> bytearray:
    try:
        return bytearray(base64.b64decode(value, validate=True))
    except binascii.Error:
        raise TransformError("unbase64 needs base64") from None


def _block_cipher(algorithm: Callable[[bytes], CipherAlgorithm], *, chained: bool) -> Function:
    def compute(value: bytearray, key: bytearray, *iv: bytearray) -> bytearray:
        try:
            cipher = Cipher(algorithm(bytes(key)), modes.CBC(bytes(iv[0])) if chained else modes.ECB())  # noqa: S305
        except ValueError:
            raise TransformError("the key or the initialisation vector has the wrong length") from None
        padder = PKCS7(_BLOCK_BITS).padder()
        padded = bytearray(padder.update(value) + padder.finalize())
        try:
            context = cipher.encryptor()
            return bytearray(context.update(padded) + context.finalize())
        except ValueError:
            raise TransformError("the key or the initialisation vector has the wrong length") from None
        finally:
            wipe(padded)

    return Function((3,) if chained else (2,), compute)


def _rsa(value: bytearray, *key: bytearray) -> bytearray:
    """RSAES-PKCS1-v1_5 (RFC 8017 §7.2), as JSEncrypt does: with a PEM or base64 key, or hex modulus and exponent."""
    public = _rsa_numbers(*key) if len(key) == 2 else _rsa_key(key[0])
    try:
        return bytearray(public.encrypt(bytes(value), PKCS1v15()))
    except ValueError:
        raise TransformError("the RSA key is too small for this value") from None


def _rsa_key(text: bytearray) -> RSAPublicKey:
    lines = [line.strip() for line in bytes(text).splitlines() if not line.startswith(b"-----")]
    try:
        key = load_der_public_key(base64.b64decode(b"".join(lines), validate=True))
    except ValueError:
        raise TransformError("the RSA key is neither PEM nor base64") from None
    if not isinstance(key, RSAPublicKey):
        raise TransformError("the key is not an RSA key")
    return key


def _rsa_numbers(modulus: bytearray, exponent: bytearray) -> RSAPublicKey:
    try:
        numbers = RSAPublicNumbers(int(bytes(exponent), 16), int(bytes(modulus), 16))
        return numbers.public_key()
    except ValueError:
        raise TransformError("the RSA modulus and exponent are not a key in hexadecimal digits") from None


FUNCTIONS: Mapping[str, Function] = {
    "md5": _hash(hashes.MD5),
    "sha1": _hash(hashes.SHA1),
    "sha256": _hash(hashes.SHA256),
    "sha512": _hash(hashes.SHA512),
    "sm3": _hash(hashes.SM3),
    "hmac_md5": _hmac(hashes.MD5),
    "hmac_sha1": _hmac(hashes.SHA1),
    "hmac_sha256": _hmac(hashes.SHA256),
    "hmac_sm3": _hmac(hashes.SM3),
    "hex": Function((1,), lambda value: bytearray(binascii.hexlify(value))),
    "unhex": Function((1,), _unhex),
    "base64": Function((1,), lambda value: bytearray(base64.b64encode(value))),
    "unbase64": Function((1,), _unbase64),
    "upper": Function((1,), lambda value: value.upper()),
    "lower": Function((1,), lambda value: value.lower()),
    "urlencode": Function((1,), _urlencode),
    "slice": Function((3,), _slice),
    "aes_cbc": _block_cipher(AES, chained=True),
    "aes_ecb": _block_cipher(AES, chained=False),
    "sm4_cbc": _block_cipher(SM4, chained=True),
    "sm4_ecb": _block_cipher(SM4, chained=False),
    "rsa": Function((2, 3), _rsa),
}
