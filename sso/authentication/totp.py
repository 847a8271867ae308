"""TOTP (RFC 6238): SHA-1, six digits, thirty seconds - what every app can do. The seed is sealed."""

import secrets
from datetime import datetime, timedelta
from typing import Any

import pyotp
from sqlalchemy import BigInteger, Boolean, Column, String, Table, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock
from core.database import Bytes, UtcDateTime, insert_if_absent, metadata
from core.identifiers import token_digest
from sso.errors import SsoError
from vault.errors import VaultError
from vault.keys.sealing import Binding, Sealer
from vault.ledger import Event, Ledger

STEP_SECONDS = 30
WINDOW = 1
RECOVERY_CODES = 8
ENROLMENT_LIFETIME = timedelta(minutes=10)

totp_table = Table(
    "sso_totp",
    metadata,
    Column("user_id", String(26), primary_key=True),
    Column("sealed_seed", Bytes, nullable=False),
    Column("confirmed", Boolean, nullable=False),
    # The last time step that was accepted; a code is worth something once (RFC 6238 §5.2).
    Column("last_step", BigInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)
recovery_table = Table(
    "sso_recovery_code",
    metadata,
    Column("digest", Bytes, primary_key=True),
    Column("user_id", String(26), nullable=False, index=True),
)


class Totp:
    def __init__(self, clock: Clock, sealer: Sealer, ledger: Ledger) -> None:
        self._clock = clock
        self._sealer = sealer
        self._ledger = ledger

    async def is_enrolled(self, connection: AsyncConnection, user_id: str) -> bool:
        query = select(totp_table.c.user_id).where(totp_table.c.user_id == user_id, totp_table.c.confirmed)
        return await connection.scalar(query) is not None

    async def begin(self, connection: AsyncConnection, user_id: str) -> str:
        """A seed (base32) to enrol, which counts only after `confirm`; the same one for a few minutes, so that its page
        can be shown again. Raises ERR-TOTP_ENROLLED when a second factor is enrolled already."""
        unconfirmed = (totp_table.c.user_id == user_id, ~totp_table.c.confirmed)
        stale = totp_table.c.created_at <= self._clock.now() - ENROLMENT_LIFETIME
        await connection.execute(delete(totp_table).where(*unconfirmed, stale))
        seed = pyotp.random_base32()
        if await insert_if_absent(connection, totp_table, **await self._row(connection, user_id, seed, False)):
            return seed
        sealed = await connection.scalar(select(totp_table.c.sealed_seed).where(*unconfirmed))
        if sealed is None:
            raise SsoError("ERR-TOTP_ENROLLED", "a second factor is enrolled already", status=409)
        return await self._seed(connection, user_id, sealed)

    async def confirm(self, connection: AsyncConnection, user_id: str, code: str) -> list[str]:
        """Ends the enrolment with a right code; gives the recovery codes, which are told once. Raises ERR-OTP."""
        if not await self.accept(connection, user_id, code, confirmed=False):
            raise SsoError("ERR-OTP", "the code is wrong", status=401)
        await connection.execute(update(totp_table).where(totp_table.c.user_id == user_id).values(confirmed=True))
        await self._record(connection, user_id, "enrolled", f"user:{user_id}")
        return await self._new_recovery_codes(connection, user_id)

    async def enrol(self, connection: AsyncConnection, user_id: str, seed: str, *, actor: str) -> bool:
        """Takes a given seed as it is, already confirmed; False when it is the one kept."""
        query = select(totp_table.c.sealed_seed).where(totp_table.c.user_id == user_id, totp_table.c.confirmed)
        sealed = await connection.scalar(query)
        if sealed is not None and await self._seed(connection, user_id, sealed) == seed:
            return False
        try:
            pyotp.TOTP(seed).at(0)
        except ValueError:
            raise SsoError("ERR-TOTP_SEED", "the seed is not base32") from None
        await connection.execute(delete(totp_table).where(totp_table.c.user_id == user_id))
        await connection.execute(insert(totp_table).values(await self._row(connection, user_id, seed, True)))
        await self._record(connection, user_id, "enrolled", actor)
        return True

    async def remove(self, connection: AsyncConnection, user_id: str, *, actor: str) -> bool:
        removed = await connection.execute(delete(totp_table).where(totp_table.c.user_id == user_id))
        await connection.execute(delete(recovery_table).where(recovery_table.c.user_id == user_id))
        if removed.rowcount:
            await self._record(connection, user_id, "removed", actor)
        return bool(removed.rowcount)

    async def accept(self, connection: AsyncConnection, user_id: str, code: str, *, confirmed: bool = True) -> bool:
        """True once for each right code: the step is consumed by one conditional statement, across replicas."""
        query = select(totp_table.c.sealed_seed).where(
            totp_table.c.user_id == user_id, totp_table.c.confirmed.is_(confirmed)
        )
        sealed = await connection.scalar(query)
        if sealed is None:
            return False
        step = _matching_step(await self._seed(connection, user_id, sealed), code, self._clock.now())
        if step is None:
            return confirmed and await self._use_recovery_code(connection, user_id, code)
        consumed = await connection.execute(
            update(totp_table)
            .where(totp_table.c.user_id == user_id, totp_table.c.last_step < step)
            .values(last_step=step)
        )
        return consumed.rowcount == 1

    async def _row(self, connection: AsyncConnection, user_id: str, seed: str, confirmed: bool) -> dict[str, Any]:
        return {
            "user_id": user_id,
            "sealed_seed": await self._sealer.seal(connection, _binding(user_id), seed.encode()),
            "confirmed": confirmed,
            "last_step": 0,
            "created_at": self._clock.now(),
        }

    async def _seed(self, connection: AsyncConnection, user_id: str, sealed: bytes) -> str:
        """Raises ERR-SEAL where somebody changed the seed; the refusal is in the ledger."""
        try:
            with await self._sealer.open(connection, _binding(user_id), sealed) as seed:
                return seed.decode()
        except VaultError as error:
            if error.code == "ERR-SEAL":
                self._report_tampering(user_id, error)
            raise

    def _report_tampering(self, user_id: str, error: VaultError) -> None:
        """By itself, since the unit of work of the sign-in is undone."""
        self._ledger.report(
            Event(
                action="vault.tamper",
                result="failure",
                actor="system",
                subject=f"user:{user_id}",
                reason=error.code,
                detail={"detail": f"the second factor: {error.detail}"},
            )
        )

    async def _new_recovery_codes(self, connection: AsyncConnection, user_id: str) -> list[str]:
        codes = [f"{secrets.token_hex(4)}-{secrets.token_hex(4)}" for _ in range(RECOVERY_CODES)]
        await connection.execute(delete(recovery_table).where(recovery_table.c.user_id == user_id))
        await connection.execute(
            insert(recovery_table), [{"digest": _recovery_digest(user_id, code), "user_id": user_id} for code in codes]
        )
        return codes

    async def _use_recovery_code(self, connection: AsyncConnection, user_id: str, code: str) -> bool:
        used = await connection.execute(
            delete(recovery_table).where(recovery_table.c.digest == _recovery_digest(user_id, code.strip().lower()))
        )
        return used.rowcount == 1

    async def _record(self, connection: AsyncConnection, user_id: str, what: str, actor: str) -> None:
        await self._ledger.record(
            connection,
            Event(
                action="directory.totp",
                result="success",
                actor=actor,
                subject=f"user:{user_id}",
                detail={"changed": what},
            ),
        )


def provisioning_uri(seed: str, username: str, issuer: str) -> str:
    """What the QR code says (Key URI format)."""
    return str(pyotp.TOTP(seed).provisioning_uri(name=username, issuer_name=issuer))


def _matching_step(seed: str, code: str, now: datetime) -> int | None:
    digits = "".join(char for char in code if char.isdecimal())
    if len(digits) != 6 or len(code) > 12:
        return None
    current = int(now.timestamp()) // STEP_SECONDS
    totp = pyotp.TOTP(seed)
    for step in range(current - WINDOW, current + WINDOW + 1):
        if secrets.compare_digest(totp.generate_otp(step), str(int(digits)).zfill(6)):
            return step
    return None


def _binding(user_id: str) -> Binding:
    return Binding("sso:factors", "totp", user_id, 1, "seed/1")


def _recovery_digest(user_id: str, code: str) -> bytes:
    return token_digest(f"{user_id}:{code}")
