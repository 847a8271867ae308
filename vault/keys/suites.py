"""The two suites: `aes` (AES-256-GCM, SHA-256) and `sm4` (SM4-GCM, SM3). One interface, no primitives of ours."""

import hmac
import secrets
from enum import StrEnum
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vault.errors import VaultError

NONCE_BYTES = 12
TAG_BYTES = 16


class SuiteName(StrEnum):
    AES = "aes"
    SM4 = "sm4"


class Suite(Protocol):
    """Authenticated encryption and derivation. `decrypt` raises ERR-SEAL and leaves nothing behind."""

    name: SuiteName
    code: int
    key_bytes: int

    def encrypt(self, key: bytes | bytearray, nonce: bytes, plaintext: bytes | bytearray, aad: bytes) -> bytes: ...

    def decrypt(self, key: bytes | bytearray, nonce: bytes, sealed: bytes, aad: bytes) -> bytearray: ...

    def derive(self, secret: bytes | bytearray, purpose: str) -> bytearray: ...

    def mac(self, key: bytes | bytearray, message: bytes) -> bytes: ...

    def keyed(self, key: bytes | bytearray) -> HMAC: ...


def new_nonce() -> bytes:
    """96 random bits; every key encrypts few messages, so collisions stay far below 2^-32 (SP 800-38D §8.3)."""
    return secrets.token_bytes(NONCE_BYTES)


class _Derivation:
    """HKDF (RFC 5869) and HMAC over the suite's hash."""

    key_bytes: int

    def _hash(self) -> hashes.HashAlgorithm:
        raise NotImplementedError

    def derive(self, secret: bytes | bytearray, purpose: str) -> bytearray:
        key = bytearray(self.key_bytes)
        info = f"yimen/{purpose}".encode()
        HKDF(self._hash(), self.key_bytes, salt=None, info=info).derive_into(secret, key)
        return key

    def mac(self, key: bytes | bytearray, message: bytes) -> bytes:
        keyed = self.keyed(key)
        keyed.update(message)
        return keyed.finalize()

    def keyed(self, key: bytes | bytearray) -> HMAC:
        """The MAC of that key before any message: whoever makes many copies it, and derives nothing again."""
        return HMAC(bytes(key), self._hash())


class AesSuite(_Derivation):
    name = SuiteName.AES
    code = 1
    key_bytes = 32

    def _hash(self) -> hashes.HashAlgorithm:
        return hashes.SHA256()

    def encrypt(self, key: bytes | bytearray, nonce: bytes, plaintext: bytes | bytearray, aad: bytes) -> bytes:
        return AESGCM(key).encrypt(nonce, plaintext, aad)

    def decrypt(self, key: bytes | bytearray, nonce: bytes, sealed: bytes, aad: bytes) -> bytearray:
        if len(sealed) < TAG_BYTES:
            raise VaultError("ERR-SEAL", "a sealed value is too short")
        plaintext = bytearray(len(sealed) - TAG_BYTES)
        try:
            AESGCM(key).decrypt_into(nonce, sealed, aad, plaintext)
        except InvalidTag:
            raise VaultError("ERR-SEAL", "a sealed value does not open") from None
        return plaintext


class Sm4Suite(_Derivation):
    """GB/T 32907 in GCM (RFC 8998), with SM3. Algorithm-compliant software, not a certified product."""

    name = SuiteName.SM4
    code = 2
    key_bytes = 16

    def _hash(self) -> hashes.HashAlgorithm:
        return hashes.SM3()

    def encrypt(self, key: bytes | bytearray, nonce: bytes, plaintext: bytes | bytearray, aad: bytes) -> bytes:
        context = Cipher(SM4(bytes(key)), modes.GCM(nonce)).encryptor()
        context.authenticate_additional_data(aad)
        return context.update(plaintext) + context.finalize() + context.tag

    def decrypt(self, key: bytes | bytearray, nonce: bytes, sealed: bytes, aad: bytes) -> bytearray:
        if len(sealed) < TAG_BYTES:
            raise VaultError("ERR-SEAL", "a sealed value is too short")
        ciphertext, tag = sealed[:-TAG_BYTES], sealed[-TAG_BYTES:]
        context = Cipher(SM4(bytes(key)), modes.GCM(nonce, tag)).decryptor()
        context.authenticate_additional_data(aad)
        plaintext = bytearray(len(ciphertext) + SM4.block_size // 8 - 1)
        length = context.update_into(ciphertext, plaintext)
        try:
            context.finalize()
        except InvalidTag:
            wipe(plaintext)
            raise VaultError("ERR-SEAL", "a sealed value does not open") from None
        del plaintext[length:]
        return plaintext


SUITES: dict[SuiteName, Suite] = {SuiteName.AES: AesSuite(), SuiteName.SM4: Sm4Suite()}
SUITES_BY_CODE: dict[int, Suite] = {suite.code: suite for suite in SUITES.values()}


def wipe(secret: bytearray) -> None:
    """Overwrites a secret in place."""
    for index in range(len(secret)):
        secret[index] = 0


def same(left: bytes, right: bytes) -> bool:
    """Compares in constant time."""
    return hmac.compare_digest(left, right)
