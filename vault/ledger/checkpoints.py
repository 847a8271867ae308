"""Signed checkpoints of the ledger's tree: C2SP tlog-checkpoint inside a C2SP signed-note, Ed25519."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from vault.errors import VaultError
from vault.ledger.merkle import HASH_BYTES

_ED25519 = b"\x01"
_KEY_ID_BYTES = 4
_DASH = "— "


@dataclass(frozen=True)
class Checkpoint:
    """The tree's size and root at one moment, under the log's name."""

    origin: str
    size: int
    root: bytes

    def body(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, body: str) -> Self:
        lines = body.split("\n")
        if len(lines) != 4 or lines[3] or not lines[0] or not lines[1].isdecimal():
            raise VaultError("ERR-LEDGER_CHECKPOINT", "the checkpoint has not the three lines of tlog-checkpoint")
        checkpoint = cls(lines[0], int(lines[1]), _decode(lines[2]))
        if len(checkpoint.root) != HASH_BYTES or checkpoint.body() != body:
            raise VaultError("ERR-LEDGER_CHECKPOINT", "the checkpoint is not in its canonical form")
        return checkpoint


@dataclass(frozen=True)
class VerifierKey:
    """The public half, in the signed-note form `name+keyid+base64`."""

    name: str
    public_key: Ed25519PublicKey

    @classmethod
    def parse(cls, text: str) -> Self:
        name, _, rest = text.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        raw = _decode(encoded)
        if not name or len(raw) != 33 or raw[:1] != _ED25519:
            raise VaultError("ERR-LEDGER_KEY", "not a verifier key: expected name+keyid+base64 of an Ed25519 key")
        key = cls(name, Ed25519PublicKey.from_public_bytes(raw[1:]))
        if key.key_id.hex() != key_id:
            raise VaultError("ERR-LEDGER_KEY", "the verifier key's id does not belong to its key")
        return key

    @property
    def key_id(self) -> bytes:
        """signed-note: the first four bytes of SHA-256(name, newline, algorithm, key)."""
        return hashlib.sha256(self.name.encode() + b"\n" + self._encoded()).digest()[:_KEY_ID_BYTES]

    def _encoded(self) -> bytes:
        return _ED25519 + self.public_key.public_bytes_raw()

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self._encoded()).decode()}"

    def named(self, purpose: str) -> "VerifierKey":
        return VerifierKey(f"{self.name}/{purpose}", self.public_key)

    def verify(self, note: str) -> Checkpoint:
        """The checkpoint of a note that this key signed. Raises ERR-LEDGER_CHECKPOINT otherwise."""
        body, separator, signatures = note.partition("\n\n")
        lines = signatures.split("\n")
        if not separator or len(lines) != 2 or lines[1] or not lines[0].startswith(f"{_DASH}{self.name} "):
            raise VaultError("ERR-LEDGER_CHECKPOINT", f"the checkpoint carries no signature of {self.name}")
        encoded = lines[0].removeprefix(f"{_DASH}{self.name} ")
        raw = _decode(encoded)
        if raw[:_KEY_ID_BYTES] != self.key_id or base64.b64encode(raw).decode() != encoded:
            raise VaultError("ERR-LEDGER_CHECKPOINT", "the checkpoint was signed by another key")
        try:
            self.public_key.verify(raw[_KEY_ID_BYTES:], f"{body}\n".encode())
        except InvalidSignature:
            raise VaultError("ERR-LEDGER_CHECKPOINT", "the checkpoint's signature is wrong") from None
        checkpoint = Checkpoint.parse(f"{body}\n")
        if checkpoint.origin != self.name:
            raise VaultError("ERR-LEDGER_CHECKPOINT", "the checkpoint belongs to another log")
        return checkpoint


class Signer:
    """Signs checkpoints in the log's name."""

    def __init__(self, origin: str, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key
        self.verifier = VerifierKey(origin, private_key.public_key())

    def named(self, purpose: str) -> "Signer":
        """The same key under a name of its own, so that what it signs there never passes for a checkpoint."""
        return Signer(f"{self.verifier.name}/{purpose}", self._private_key)

    def sign(self, size: int, root: bytes) -> str:
        body = Checkpoint(self.verifier.name, size, root).body()
        signature = self.verifier.key_id + self._private_key.sign(body.encode())
        return f"{body}\n{_DASH}{self.verifier.name} {base64.b64encode(signature).decode()}\n"


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise VaultError("ERR-LEDGER_CHECKPOINT", "a part that should be base64 is not") from None
