"""Passwords, kept as argon2id hashes (19 MiB, t=2, p=1), with history and age."""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Column, Index, String, Table, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock
from core.database import UtcDateTime, metadata
from core.identifiers import new_id, new_token
from core.settings import Settings
from sso.authentication.password_policy import MAX_LENGTH, prepare, require_strong
from sso.errors import SsoError
from vault.ledger import Event, Ledger

HISTORY = 5

password_table = Table(
    "sso_password",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("user_id", String(26), nullable=False),
    Column("hash", String(200), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_sso_password_user", "user_id", "id"),
)


class PasswordHashing:
    """argon2id in a bounded pool of threads: hashing releases the GIL, and no flood can take more than the cores."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="argon2")
        # What an unknown user is checked against, so that unknown and wrong take the same time (DESIGN §4.5).
        self._nobody = self._hasher.hash(new_token())

    async def hash(self, password: str) -> str:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._hasher.hash, _bytes(password))

    async def verify(self, kept: str | None, password: str) -> bool:
        """Always does the work of one verification, also when `kept` is None."""
        loop = asyncio.get_running_loop()
        matched = await loop.run_in_executor(self._pool, self._verify, kept or self._nobody, _bytes(password))
        return matched and kept is not None

    def needs_rehash(self, kept: str) -> bool:
        return self._hasher.check_needs_rehash(kept)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _verify(self, kept: str, password: bytes) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False


class Passwords:
    def __init__(self, clock: Clock, settings: Settings, hashing: PasswordHashing, ledger: Ledger) -> None:
        self._clock = clock
        self._max_age = timedelta(days=settings.password_max_age_days)
        self._hashing = hashing
        self._ledger = ledger

    async def current(self, connection: AsyncConnection, user_id: str) -> str | None:
        """The kept hash, or None for a user without a password."""
        query = select(password_table.c.hash).where(password_table.c.user_id == user_id)
        return await connection.scalar(query.order_by(password_table.c.id.desc()).limit(1))

    async def verify(self, kept: str | None, password: str) -> bool:
        return len(password) <= MAX_LENGTH * 4 and await self._hashing.verify(kept, password)

    async def is_expired(self, connection: AsyncConnection, user_id: str) -> bool:
        if not self._max_age:
            return False
        query = select(password_table.c.created_at).where(password_table.c.user_id == user_id)
        created = await connection.scalar(query.order_by(password_table.c.id.desc()).limit(1))
        return created is not None and created + self._max_age <= self._clock.now()

    async def history(self, connection: AsyncConnection, user_id: str) -> Sequence[str]:
        """The hashes that a new password is compared with, newest first."""
        query = select(password_table.c.hash).where(password_table.c.user_id == user_id)
        return (await connection.scalars(query.order_by(password_table.c.id.desc()).limit(HISTORY))).all()

    async def chosen(self, history: Sequence[str], username: str, password: str) -> str:
        """The hash of a password that a person chose. Takes long and needs no connection: nobody else waits for it.

        Raises ERR-PASSWORD_POLICY.
        """
        require_strong(password, username)
        for kept in history:
            if await self._hashing.verify(kept, password):
                raise SsoError("ERR-PASSWORD_POLICY", "history", parameters={"rule": "history"})
        return await self._hashing.hash(password)

    async def set(self, connection: AsyncConnection, user_id: str, password: str, *, actor: str) -> None:
        """Sets a password that an operator gives: the policy is the operator's business, the hash is the same."""
        await self.keep(connection, user_id, await self._hashing.hash(password), actor=actor)

    async def stronger_hash(self, kept: str, password: str) -> str | None:
        """The hash under today's parameters of a password that just matched, when `kept` has older ones."""
        return await self._hashing.hash(password) if self._hashing.needs_rehash(kept) else None

    async def rehash(self, connection: AsyncConnection, user_id: str, kept: str, stronger: str) -> None:
        """The same password under new parameters: neither its age nor its history changes."""
        await connection.execute(
            update(password_table)
            .where(password_table.c.user_id == user_id, password_table.c.hash == kept)
            .values(hash=stronger)
        )

    async def keep(self, connection: AsyncConnection, user_id: str, hashed: str, *, actor: str) -> None:
        await connection.execute(
            insert(password_table).values(
                id=new_id(),
                user_id=user_id,
                hash=hashed,
                created_at=self._clock.now(),
            )
        )
        older = (
            select(password_table.c.id)
            .where(password_table.c.user_id == user_id)
            .order_by(password_table.c.id.desc())
            .limit(HISTORY)
        )
        await connection.execute(
            delete(password_table).where(
                password_table.c.user_id == user_id, password_table.c.id.not_in(older.scalar_subquery())
            )
        )
        await self._ledger.record(
            connection,
            Event(action="directory.password", result="success", actor=actor, subject=f"user:{user_id}"),
        )


def _bytes(password: str) -> bytes:
    """Whatever was sent is compared, also what is no text (a lone surrogate of a JSON body): it just never matches."""
    return prepare(password).encode("utf-8", "surrogatepass")
