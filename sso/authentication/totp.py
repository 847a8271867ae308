"""TOTP (RFC 6238): SHA-1, six digits, thirty seconds - what every app can do. The seed is sealed."""

import secrets
from datetime import datetime, timedelta
from typing import Any

import pyotp
from sqlalchemy import BigInteger, Boolean, Column, Row, String, Table, bindparam, delete, insert, select, update

from core.clock import Clock
from core.database import Bytes, Connection, Prepared, UtcDateTime, insert_if_absent, metadata
from core.identifiers import token_digest
from core.integrity import enclosed
from sso.authentication.proofs import note_proofs, proofs_of, proofs_table
from sso.errors import SsoError
from sso.typed import described, plain_code
from vault.errors import VaultError
from vault.keys.sealing import Binding, Sealer
from vault.ledger import Event, Ledger
from vault.rows import TAMPERED_ROW, SignedRows, columns_of

STEP_SECONDS = 30
DIGITS = 6
WINDOW = 1
RECOVERY_CODES = 8
_HALF_A_CODE = 8
_BASE32 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
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
    # A seed that is not confirmed yet counts for nothing, and is bound to its person by its seal.
    info=enclosed(
        by="sso_proofs.totp_digest",
        key="user_id",
        only="confirmed",
        left_out={"last_step": "harmless beyond a minute, because a code is worth nothing when its step is over"},
    ),
)
recovery_table = Table(
    "sso_recovery_code",
    metadata,
    Column("digest", Bytes, primary_key=True),
    Column("user_id", String(26), nullable=False, index=True),
    info=enclosed(by="sso_proofs.recovery_digest", key="user_id"),
)

_FACTOR = Prepared(
    select(*columns_of(proofs_table, "proofs_"), *columns_of(totp_table, "totp_"))
    .select_from(
        proofs_table.outerjoin(totp_table, (totp_table.c.user_id == proofs_table.c.user_id) & totp_table.c.confirmed)
    )
    .where(proofs_table.c.user_id == bindparam("wanted"))
)


class Totp:
    def __init__(self, clock: Clock, sealer: Sealer, ledger: Ledger, rows: SignedRows) -> None:
        self._clock = clock
        self._sealer = sealer
        self._ledger = ledger
        self._rows = rows

    async def is_enrolled(self, connection: Connection, user_id: str, *, has_password: bool = False) -> bool:
        """Raises ERR-ROW_TAMPERED where somebody else wrote to the factor, or took it away; with `has_password`, also
        where nothing is known of what the person signs in with."""
        return await self._factor(connection, user_id, has_password=has_password) is not None

    async def begin(self, connection: Connection, user_id: str) -> str:
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

    async def confirm(self, connection: Connection, user_id: str, code: str) -> list[str]:
        """Ends the enrolment with a right code; gives the recovery codes, which are told once. Raises ERR-OTP."""
        await proofs_of(connection, self._rows, user_id)
        if not await self.accept(connection, user_id, code, confirmed=False):
            raise SsoError("ERR-OTP", "the code is wrong", status=401)
        confirmed = await connection.execute(
            update(totp_table).where(totp_table.c.user_id == user_id).values(confirmed=True).returning(*totp_table.c)
        )
        codes, digests = await self._new_recovery_codes(connection, user_id)
        await self._note(
            connection,
            user_id,
            "enrolled",
            f"user:{user_id}",
            totp_digest=self._rows.digest_of(totp_table, [confirmed.one()]),
            recovery_digest=self._rows.digest_of_new(recovery_table, digests),
        )
        return codes

    async def enrol(self, connection: Connection, user_id: str, seed: str, *, actor: str) -> bool:
        """Takes a given seed as it is, already confirmed; False when it is the one kept. Raises ERR-TOTP_SEED."""
        seed = canonical_seed(seed)
        await proofs_of(connection, self._rows, user_id)
        kept = await self._factor(connection, user_id)
        if kept is not None:
            known = await self._seed(connection, user_id, kept.totp_sealed_seed)
            if plain_code(known).upper().rstrip("=") == seed:
                return False
        await connection.execute(delete(totp_table).where(totp_table.c.user_id == user_id))
        row = await self._row(connection, user_id, seed, True)
        await connection.execute(insert(totp_table).values(row))
        digest = self._rows.digest_of_new(totp_table, [row])
        await self._note(connection, user_id, "enrolled", actor, totp_digest=digest)
        return True

    async def remove(self, connection: Connection, user_id: str, *, actor: str) -> bool:
        known = await proofs_of(connection, self._rows, user_id)
        removed = await connection.execute(delete(totp_table).where(totp_table.c.user_id == user_id))
        await connection.execute(delete(recovery_table).where(recovery_table.c.user_id == user_id))
        # Also where somebody else took the rows away: what is removed on purpose is no longer missed.
        had = known is not None and (known.totp_digest or known.recovery_digest) is not None
        if removed.rowcount or had:
            await self._note(connection, user_id, "removed", actor, totp_digest=None, recovery_digest=None)
        return bool(removed.rowcount) or had

    async def accept(self, connection: Connection, user_id: str, code: str, *, confirmed: bool = True) -> bool:
        """True once for each right code: the step is consumed by one conditional statement, across replicas."""
        sealed = await self._sealed(connection, user_id, confirmed=confirmed)
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

    async def _row(self, connection: Connection, user_id: str, seed: str, confirmed: bool) -> dict[str, Any]:
        return {
            "user_id": user_id,
            "sealed_seed": await self._sealer.seal(connection, _binding(user_id), seed.encode()),
            "confirmed": confirmed,
            "last_step": 0,
            "created_at": self._clock.now(),
        }

    async def _seed(self, connection: Connection, user_id: str, sealed: bytes) -> str:
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

    async def _factor(self, connection: Connection, user_id: str, *, has_password: bool = False) -> Row[Any] | None:
        """The person's proofs with the confirmed factor; None for somebody who has none. Raises ERR-ROW_TAMPERED."""
        row = (await connection.execute(_FACTOR, {"wanted": user_id})).one_or_none()
        if row is None:
            if has_password:
                raise VaultError(TAMPERED_ROW, f"{proofs_table.name} {user_id}: the row is gone", status=409)
            return None
        self._rows.require(proofs_table, row, "proofs_")
        kept = [row] if row.totp_user_id is not None else []
        self._rows.require_enclosed(totp_table, kept, row.proofs_totp_digest, user_id, "totp_")
        return row if kept else None

    async def _sealed(self, connection: Connection, user_id: str, *, confirmed: bool) -> bytes | None:
        if confirmed:
            factor = await self._factor(connection, user_id)
            return None if factor is None else factor.totp_sealed_seed
        query = select(totp_table.c.sealed_seed).where(totp_table.c.user_id == user_id, ~totp_table.c.confirmed)
        sealed: bytes | None = await connection.scalar(query)
        return sealed

    async def _new_recovery_codes(self, connection: Connection, user_id: str) -> tuple[list[str], list[dict[str, Any]]]:
        """The codes, and their rows."""
        codes = [
            f"{secrets.token_hex(_HALF_A_CODE // 2)}-{secrets.token_hex(_HALF_A_CODE // 2)}"
            for _ in range(RECOVERY_CODES)
        ]
        await connection.execute(delete(recovery_table).where(recovery_table.c.user_id == user_id))
        rows = [{"digest": _recovery_digest(user_id, code), "user_id": user_id} for code in codes]
        await connection.execute(insert(recovery_table), rows)
        return codes, rows

    async def _use_recovery_code(self, connection: Connection, user_id: str, code: str) -> bool:
        """True once for each code. The person's proofs are locked first: what is left is what they will keep."""
        proofs = await proofs_of(connection, self._rows, user_id)
        kept = (await connection.execute(select(recovery_table).where(recovery_table.c.user_id == user_id))).all()
        digest = None if proofs is None else proofs.recovery_digest
        self._rows.require_enclosed(recovery_table, kept, digest, user_id)
        shown = _recovery_digest(user_id, _as_told(code))
        left = [row for row in kept if row.digest != shown]
        if len(left) == len(kept):
            return False
        await connection.execute(delete(recovery_table).where(recovery_table.c.digest == shown))
        digest = self._rows.digest_of(recovery_table, left)
        await self._note(connection, user_id, "recovery_code_used", f"user:{user_id}", recovery_digest=digest)
        return True

    async def _note(self, connection: Connection, user_id: str, what: str, actor: str, **digests: bytes | None) -> None:
        event = Event(
            action="directory.totp",
            result="success",
            actor=actor,
            subject=f"user:{user_id}",
            detail={"changed": what},
        )
        await note_proofs(connection, self._rows, user_id, event, **digests)


def provisioning_uri(seed: str, username: str, issuer: str) -> str:
    """What the QR code says (Key URI format)."""
    return str(pyotp.TOTP(seed).provisioning_uri(name=username, issuer_name=issuer))


def _matching_step(seed: str, code: str, now: datetime) -> int | None:
    digits = plain_code(code)
    if len(digits) != DIGITS or not digits.isdecimal():
        return None
    current = int(now.timestamp()) // STEP_SECONDS
    totp = pyotp.TOTP(seed)
    for step in range(current - WINDOW, current + WINDOW + 1):
        if secrets.compare_digest(totp.generate_otp(step), digits):
            return step
    return None


def _binding(user_id: str) -> Binding:
    return Binding("sso:factors", "totp", user_id, 1, "seed/1")


def _as_told(code: str) -> str:
    """A recovery code in the form in which it was told, however it was typed."""
    plain = plain_code(code).lower()
    return f"{plain[:_HALF_A_CODE]}-{plain[_HALF_A_CODE:]}"


def canonical_seed(seed: str) -> str:
    """Base32 as the apps have it. Raises ERR-TOTP_SEED, which names the character that base32 has not: no character of
    a seed is ever shown."""
    plain = plain_code(seed).upper().rstrip("=")
    unfit = next((char for char in plain if char not in _BASE32), None)
    if unfit is not None:
        raise SsoError("ERR-TOTP_SEED", f"base32 has no {described(unfit)}")
    try:
        pyotp.TOTP(plain).at(0)
    except ValueError:
        plain = ""  # of a length that base32 never has
    if not plain:
        raise SsoError("ERR-TOTP_SEED", "the seed is not base32")
    return plain


def _recovery_digest(user_id: str, code: str) -> bytes:
    return token_digest(f"{user_id}:{code}")
