"""What this machine can do with nothing of ours around it."""

import secrets
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from argon2 import PasswordHasher
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.bench.load import repeated


@dataclass(frozen=True)
class Raw:
    """Rates a second on one core. A durable commit is one row in a transaction of its own, one after the other."""

    es256: float
    es256_verified: float
    rs256: float
    argon2: float
    aes_gcm: float
    sqlite_commits: float
    postgres_commits: float


@dataclass(frozen=True)
class Cost:
    """What a row over HTTP cannot do without: answers of the HTTP server, and ES256 of the tokens it makes or reads."""

    answers: int
    signed: int = 0
    verified: int = 0

    def limit(self, answers: float, raw: Raw) -> float:
        """A second on one core, where the bare HTTP server gives so many answers."""
        return 1 / (self.answers / answers + self.signed / raw.es256 + self.verified / raw.es256_verified)


COSTS = {
    "client_credentials": Cost(1, signed=1),
    "authorize": Cost(1),
    "hop": Cost(2, signed=2),
    "refresh": Cost(1, signed=2),
    "introspection": Cost(1, verified=1),
    "userinfo": Cost(1, verified=1),
}


async def measure(folder: Path, postgres_url: str, seconds: float) -> Raw:
    message = secrets.token_bytes(300)
    elliptic, classic = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)
    signature = elliptic.sign(message, ec.ECDSA(hashes.SHA256()))
    public = elliptic.public_key()
    cipher, nonce = AESGCM(secrets.token_bytes(32)), secrets.token_bytes(12)
    return Raw(
        es256=repeated(lambda: elliptic.sign(message, ec.ECDSA(hashes.SHA256())), seconds=seconds),
        es256_verified=repeated(lambda: public.verify(signature, message, ec.ECDSA(hashes.SHA256())), seconds=seconds),
        rs256=repeated(lambda: classic.sign(message, padding.PKCS1v15(), hashes.SHA256()), seconds=seconds),
        argon2=argon2_rate(seconds),
        aes_gcm=repeated(lambda: cipher.encrypt(nonce, message, None), seconds=seconds),
        sqlite_commits=_sqlite_commits(folder, seconds),
        postgres_commits=await _postgres_commits(postgres_url, seconds),
    )


def argon2_rate(seconds: float) -> float:
    """With the parameters that Yimen uses, and whatever else the core does: it is held against what does not choose
    its moment either."""
    hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
    typed = secrets.token_hex(8)
    kept = hasher.hash(typed)
    return repeated(lambda: hasher.verify(kept, typed), seconds=seconds, clock=time.perf_counter)


def _sqlite_commits(folder: Path, seconds: float) -> float:
    connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)")
    body = "x" * 300

    def commit() -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO t (body) VALUES (?)", (body,))
        connection.execute("COMMIT")

    rate = repeated(commit, seconds=seconds, clock=time.perf_counter)
    connection.close()
    return rate


async def _postgres_commits(url: str, seconds: float) -> float:
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE t (id BIGSERIAL PRIMARY KEY, body TEXT)")
    insert = await connection.prepare("INSERT INTO t (body) VALUES ($1)")
    done, began = 0, time.perf_counter()
    while time.perf_counter() < began + seconds:
        await insert.fetch("x" * 300)
        done += 1
    await connection.close()
    return done / (time.perf_counter() - began)
