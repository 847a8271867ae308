"""What this machine can do with nothing of ours around it."""

import secrets
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from argon2 import PasswordHasher
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.bench.load import repeated


@dataclass(frozen=True)
class Raw:
    """Rates a second on one core."""

    es256: float
    rs256: float
    argon2: float
    aes_gcm: float
    durable_commits: float


def measure(folder: Path, seconds: float) -> Raw:
    message = secrets.token_bytes(300)
    elliptic, classic = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)
    hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
    kept = hasher.hash("Lan-ting-2026!")
    cipher, nonce = AESGCM(secrets.token_bytes(32)), secrets.token_bytes(12)
    return Raw(
        es256=repeated(lambda: elliptic.sign(message, ec.ECDSA(hashes.SHA256())), seconds=seconds),
        rs256=repeated(lambda: classic.sign(message, padding.PKCS1v15(), hashes.SHA256()), seconds=seconds),
        argon2=repeated(lambda: hasher.verify(kept, "Lan-ting-2026!"), seconds=seconds),
        aes_gcm=repeated(lambda: cipher.encrypt(nonce, message, None), seconds=seconds),
        durable_commits=_commits(folder, seconds),
    )


def _commits(folder: Path, seconds: float) -> float:
    """One row a transaction, each on disk before the next."""
    connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)")
    body = "x" * 300

    def commit() -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO t (body) VALUES (?)", (body,))
        connection.execute("COMMIT")

    rate = repeated(commit, seconds=seconds)
    connection.close()
    return rate
