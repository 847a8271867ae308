"""Passwords, kept as argon2id hashes (19 MiB, t=2, p=1), with history and age."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Column, Index, Row, String, Table, bindparam, delete, func, insert, select, update

from core.clock import Clock
from core.database import Connection, Prepared, UtcDateTime, metadata
from core.held import require_nothing_held
from core.identifiers import new_id, new_token
from core.integrity import enclosed
from core.memory import give_back_memory
from core.settings import Settings
from sso.authentication.password_policy import MAX_LENGTH, prepare, require_strong
from sso.authentication.proofs import note_proofs, proofs_of, proofs_table
from sso.errors import SsoError
from vault.ledger import Event
from vault.rows import SignedRows, columns_of

T = TypeVar("T")

HISTORY = 5
_REST_SECONDS = 10.0


@dataclass(frozen=True)
class Cost:
    """What one hash costs whoever guesses."""

    passes: int
    kibibytes: int
    lanes: int


# argon2id as OWASP asks for at least: 19 MiB, twice over.
COST = Cost(passes=2, kibibytes=19 * 1024, lanes=1)

password_table = Table(
    "sso_password",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("user_id", String(26), nullable=False),
    Column("hash", String(200), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_sso_password_user", "user_id", "id"),
    # The newest of a person; older ones only stop that a password is chosen again.
    info=enclosed(by="sso_proofs.password_digest", key="user_id", newest=True),
)

_newest = password_table.alias("newest")
_NEWEST = Prepared(
    select(*columns_of(proofs_table, "proofs_"), *columns_of(password_table, "password_"))
    .select_from(
        proofs_table.outerjoin(
            password_table,
            password_table.c.id
            == select(func.max(_newest.c.id)).where(_newest.c.user_id == proofs_table.c.user_id).scalar_subquery(),
        )
    )
    .where(proofs_table.c.user_id == bindparam("wanted"))
)


def _cores() -> int:
    """Those that this process may use: two hashes on one core push each other out of its cache."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class PasswordHashing:
    """argon2id in a bounded pool of threads: hashing releases the GIL, and no flood can take more than the cores."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(COST.passes, COST.kibibytes, COST.lanes)
        self._pool = ThreadPoolExecutor(_cores(), thread_name_prefix="argon2")
        # What an unknown user is checked against, so that unknown and wrong take the same time (DESIGN §4.5).
        self._nobody = self._hasher.hash(new_token())
        self._resting: asyncio.TimerHandle | None = None

    async def hash(self, password: str) -> str:
        require_nothing_held("hashing a password")
        return await self._run(self._hasher.hash, _bytes(password))

    async def verify(self, kept: str | None, password: str) -> bool:
        """Always does the work of one verification, also when `kept` is None."""
        require_nothing_held("hashing a password")
        matched = await self._run(self._verify, kept or self._nobody, _bytes(password))
        return matched and kept is not None

    def needs_rehash(self, kept: str) -> bool:
        return self._hasher.check_needs_rehash(kept)

    def close(self) -> None:
        if self._resting is not None:
            self._resting.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[..., T], *given: Any) -> T:
        """Where nobody signs in for a while, the memory that hashes need goes back: it is much, and asking for it anew
        takes half as long as a hash."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._pool, work, *given)
        finally:
            if self._resting is not None:
                self._resting.cancel()
            self._resting = loop.call_later(_REST_SECONDS, give_back_memory)

    def _verify(self, kept: str, password: bytes) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False


class Passwords:
    def __init__(self, clock: Clock, settings: Settings, hashing: PasswordHashing, rows: SignedRows) -> None:
        self._clock = clock
        self._max_age = timedelta(days=settings.password_max_age_days)
        self._local_time = settings.local_time
        self._hashing = hashing
        self._rows = rows

    async def current(self, connection: Connection, user_id: str) -> str | None:
        """The kept hash, or None for a user without a password. Raises ERR-ROW_TAMPERED."""
        row = await self._current(connection, user_id)
        return None if row is None else str(row.password_hash)

    async def verify(self, kept: str | None, password: str) -> bool:
        return len(password) <= MAX_LENGTH * 4 and await self._hashing.verify(kept, password)

    async def is_expired(self, connection: Connection, user_id: str) -> bool:
        """A password grows a day older at midnight: it never ends in the middle of somebody's work."""
        if not self._max_age:
            return False
        row = await self._current(connection, user_id)
        if row is None:
            return False
        chosen, today = map(self._local_time.day_of, (row.password_created_at, self._clock.now()))
        return today - chosen >= self._max_age

    async def history(self, connection: Connection, user_id: str) -> Sequence[str]:
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

    async def given(self, password: str) -> str:
        """The hash of a password that an operator gives, for `keep`: the policy is the operator's business."""
        return await self._hashing.hash(password)

    async def stronger_hash(self, kept: str, password: str) -> str | None:
        """The hash under today's parameters of a password that just matched, when `kept` has older ones."""
        return await self._hashing.hash(password) if self._hashing.needs_rehash(kept) else None

    async def rehash(self, connection: Connection, user_id: str, kept: str, stronger: str) -> None:
        """The same password under new parameters: neither its age nor its history changes."""
        await proofs_of(connection, self._rows, user_id)
        current = await self._current(connection, user_id)
        if current is None or current.password_hash != kept:
            return
        values = {name: getattr(current, f"password_{name}") for name in ("id", "user_id", "created_at")}
        await connection.execute(
            update(password_table).where(password_table.c.id == current.password_id).values(hash=stronger)
        )
        await self._note(connection, values | {"hash": stronger}, "system", "rehashed")

    async def keep(self, connection: Connection, user_id: str, hashed: str, *, actor: str) -> None:
        # Locked first: of two that change it at the same time, the later one finds the other's.
        await proofs_of(connection, self._rows, user_id)
        current = await self._current(connection, user_id)
        values = {
            # After the one before, whatever the clock of the process that wrote that says.
            "id": new_id(current.password_id if current is not None else ""),
            "user_id": user_id,
            "hash": hashed,
            "created_at": self._clock.now(),
        }
        await connection.execute(insert(password_table).values(values))
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
        await self._note(connection, values, actor, "set")

    async def _current(self, connection: Connection, user_id: str) -> Row[Any] | None:
        """The person's proofs and newest password; None for a person who has none."""
        row = (await connection.execute(_NEWEST, {"wanted": user_id})).one_or_none()
        if row is None:
            return None
        self._rows.require(proofs_table, row, "proofs_")
        kept = [row] if row.password_id is not None else []
        self._rows.require_enclosed(password_table, kept, row.proofs_password_digest, user_id, "password_")
        return row if kept else None

    async def _note(self, connection: Connection, newest: Mapping[str, Any], actor: str, changed: str) -> None:
        user_id = newest["user_id"]
        event = Event(
            action="directory.password",
            result="success",
            actor=actor,
            subject=f"user:{user_id}",
            detail={"changed": changed},
        )
        digest = self._rows.digest_of_new(password_table, [newest])
        await note_proofs(connection, self._rows, user_id, event, password_digest=digest)


def _bytes(password: str) -> bytes:
    """Whatever was sent is compared, also what is no text (a lone surrogate of a JSON body): it just never matches."""
    return prepare(password).encode("utf-8", "surrogatepass")
