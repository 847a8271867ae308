"""Signing in: password first, then whatever the account still needs, then a session.

Between steps the browser holds a *pending* token, bound to that browser; what has been proved so far is in the
database. No step can be skipped, replayed or taken in another browser (attacks §5.1 #1, #2).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, delete, select

from core.clock import Clock
from core.database import Connection, Database
from core.identifiers import new_token, token_digest
from sso.authentication.endings import pending_table
from sso.authentication.lockout import Attempt, Lockout
from sso.authentication.passwords import Passwords
from sso.authentication.sessions import Session, Sessions
from sso.authentication.told_failures import PROVED
from sso.authentication.totp import Totp
from sso.directory.users import User, Users
from sso.errors import SsoError
from sso.names import fold_username
from vault.ledger import Event, Ledger
from vault.ledger.events import Result
from vault.rows import SignedRows

PENDING_LIFETIME = timedelta(minutes=5)


class Step(StrEnum):
    """What is still needed before there is a session."""

    OTP = "otp"
    CHANGE_PASSWORD = "change_password"
    ENROL_TOTP = "enrol_totp"


@dataclass(frozen=True)
class Caller:
    """Where an attempt comes from. `browser` is the value of the browser-binding cookie, `session` the one that this
    browser has already."""

    address: str
    user_agent: str
    browser: str
    session: Session | None = None


@dataclass(frozen=True)
class SignedIn:
    session: Session
    token: str


@dataclass(frozen=True)
class Pending:
    """One more step; `token` goes into the step's form."""

    step: Step
    token: str
    user: User


Outcome = SignedIn | Pending


class SignIn:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        users: Users,
        passwords: Passwords,
        lockout: Lockout,
        totp: Totp,
        sessions: Sessions,
        ledger: Ledger,
        rows: SignedRows,
    ) -> None:
        self._database = database
        self._clock = clock
        self._users = users
        self._passwords = passwords
        self._lockout = lockout
        self._totp = totp
        self._sessions = sessions
        self._ledger = ledger
        self._rows = rows

    async def password(self, username: str, password: str, caller: Caller) -> Outcome:
        """The first step. Raises ERR-SIGN_IN (unknown, wrong and disabled alike), ERR-LOCKED or ERR-BUSY."""
        async with self._attempt("sign_in.password", username, caller) as attempt:
            async with self._database.read() as connection:
                user = await self._users.find_by_username(connection, username)
                kept = await self._passwords.current(connection, user.id) if user else None
                if user is not None:
                    await self._lockout.require_told(connection, user.id)
            matched = await self._passwords.verify(kept, password)
            if user is None or not matched or not user.is_active:
                await self._fail(attempt, "sign_in.password", user, username, caller, "ERR-SIGN_IN")
                raise SsoError("ERR-SIGN_IN", "unknown user, wrong password or disabled", status=401)
            async with self._database.write() as connection:
                # Earlier failures stay until every step is done: a right password buys no free guesses at the code.
                enrolled = await self._totp.is_enrolled(connection, user.id, has_password=True)
                await (attempt.pass_step(connection) if enrolled else attempt.succeed(connection))
                await self._record(connection, "sign_in.password", user, caller, proved=not enrolled)
                return await self._advance(connection, user, ("pwd",), caller)

    async def otp(self, token: str, code: str, caller: Caller) -> Outcome:
        """The second factor: a code of the app, or a recovery code. Raises ERR-OTP, ERR-LOCKED, ERR-BUSY or
        ERR-PENDING."""
        user, amr = await self._pending(token, caller)
        async with self._attempt("sign_in.totp", user.username, caller, user) as attempt:
            async with self._database.write() as connection:
                await self._lockout.require_told(connection, user.id)
                accepted = await self._totp.accept(connection, user.id, code)
                if accepted:
                    await self._take(connection, token)
                    await attempt.succeed(connection)
                    await self._record(connection, "sign_in.totp", user, caller)
                    return await self._advance(connection, user, (*amr, "otp", "mfa"), caller)
            await self._fail(attempt, "sign_in.totp", user, user.username, caller, "ERR-OTP")
            raise SsoError("ERR-OTP", "the code is wrong or was used", status=401)

    async def change_password(self, token: str, password: str, caller: Caller) -> Outcome:
        """The step of a first or an expired password. Raises ERR-PASSWORD_POLICY."""
        user, amr = await self._pending(token, caller)
        await self._require_step(user, amr, Step.CHANGE_PASSWORD)
        hashed = await self._chosen_password(user, password)
        async with self._database.write() as connection:
            await self._take(connection, token)
            await self._keep_password(connection, user, hashed)
            changed = await self._users.find(connection, user.id)
            assert changed is not None
            return await self._advance(connection, changed, amr, caller)

    async def enrolment_seed(self, token: str, caller: Caller) -> tuple[User, str]:
        """The seed to show while a second factor is being enrolled; the same one until it is confirmed."""
        user, amr = await self._pending(token, caller)
        await self._require_step(user, amr, Step.ENROL_TOTP)
        async with self._database.write() as connection:
            return user, await self._totp.begin(connection, user.id)

    async def enrol_totp(self, token: str, code: str, caller: Caller) -> tuple[Outcome, list[str]]:
        """The step that enrols a second factor; gives the recovery codes too. Raises ERR-OTP."""
        user, amr = await self._pending(token, caller)
        await self._require_step(user, amr, Step.ENROL_TOTP)
        async with self._attempt("sign_in.totp", user.username, caller, user) as attempt:
            try:
                async with self._database.write() as connection:
                    codes = await self._totp.confirm(connection, user.id, code)
                    await attempt.succeed(connection)
                    await self._take(connection, token)
                    return await self._advance(connection, user, (*amr, "otp", "mfa"), caller), codes
            except SsoError as error:
                if error.code == "ERR-OTP":
                    await self._fail(attempt, "sign_in.totp", user, user.username, caller, error.code)
                raise

    async def prove_again(self, session: Session, password: str, code: str | None, caller: Caller) -> str:
        """Step-up: the signed-in person proves themselves again. Gives the session's new token."""
        user = session.user
        async with self._attempt("sign_in.step_up", user.username, caller, user) as attempt:
            async with self._database.read() as connection:
                kept = await self._passwords.current(connection, user.id)
                enrolled = await self._totp.is_enrolled(connection, user.id, has_password=True)
            matched = await self._passwords.verify(kept, password)
            async with self._database.write() as connection:
                if matched and enrolled:
                    matched = await self._totp.accept(connection, user.id, code or "")
                if matched:
                    await attempt.succeed(connection)
                    await self._record(connection, "sign_in.step_up", user, caller)
                    return await self._sessions.step_up(connection, session, ("otp", "mfa") if enrolled else ("pwd",))
            await self._fail(attempt, "sign_in.step_up", user, user.username, caller, "ERR-SIGN_IN")
            raise SsoError("ERR-SIGN_IN", "the proof is wrong", status=401)

    async def replace_password(self, session: Session, password: str) -> None:
        """The password that a signed-in person chose; their other sessions end. Raises ERR-PASSWORD_POLICY."""
        hashed = await self._chosen_password(session.user, password)
        async with self._database.write() as connection:
            await self._keep_password(connection, session.user, hashed, keep=session.id)

    async def pending_user(self, token: str, caller: Caller) -> User:
        """Who is in the middle of signing in. Raises ERR-PENDING."""
        return (await self._pending(token, caller))[0]

    async def _chosen_password(self, user: User, password: str) -> str:
        async with self._database.read() as connection:
            history = await self._passwords.history(connection, user.id)
        return await self._passwords.chosen(history, user.username, password)

    async def _keep_password(self, connection: Connection, user: User, hashed: str, *, keep: str | None = None) -> None:
        actor = f"user:{user.id}"
        await self._passwords.keep(connection, user.id, hashed, actor=actor)
        await self._users.set_flags(connection, user.id, must_change_password=False)
        await self._sessions.revoke_all(connection, user.id, actor=actor, reason="password_changed", keep=keep)

    async def _advance(self, connection: Connection, user: User, amr: tuple[str, ...], caller: Caller) -> Outcome:
        step = await self._next_step(connection, user, amr)
        if step is None:
            return await self._signed_in(connection, user, amr, caller)
        token = new_token()
        await self._rows.insert(
            connection,
            pending_table,
            digest=token_digest(token),
            user_id=user.id,
            browser=token_digest(caller.browser),
            amr=list(amr),
            expires_at=self._clock.now() + PENDING_LIFETIME,
        )
        return Pending(step, token, user)

    async def _signed_in(self, connection: Connection, user: User, amr: tuple[str, ...], caller: Caller) -> SignedIn:
        """Who signs in again stays in their session (OIDC Core §3.1.2.1); whoever else was signed in here is out."""
        old = await self._sessions.find_by_id(connection, caller.session.id) if caller.session else None
        if old is not None and old.user.id == user.id:
            token = await self._sessions.step_up(connection, old, amr)
            renewed = await self._sessions.find_by_id(connection, old.id)
            assert renewed is not None
            return SignedIn(renewed, token)
        if old is not None:
            actor = f"user:{old.user.id}"
            await self._sessions.revoke(connection, old.id, actor=actor, reason="signed_in_again")
        session, token = await self._sessions.start(
            connection, user, amr=amr, address=caller.address, user_agent=caller.user_agent
        )
        return SignedIn(session, token)

    async def _next_step(self, connection: Connection, user: User, amr: tuple[str, ...]) -> Step | None:
        if "otp" not in amr and await self._totp.is_enrolled(connection, user.id, has_password=True):
            return Step.OTP
        if user.must_change_password or await self._passwords.is_expired(connection, user.id):
            return Step.CHANGE_PASSWORD
        if "otp" not in amr and user.totp_required:
            return Step.ENROL_TOTP
        return None

    async def _require_step(self, user: User, amr: tuple[str, ...], step: Step) -> None:
        async with self._database.read() as connection:
            if await self._next_step(connection, user, amr) is not step:
                raise SsoError("ERR-PENDING", "this is not the step that is due", status=409)

    async def _pending(self, token: str, caller: Caller) -> tuple[User, tuple[str, ...]]:
        async with self._database.read() as connection:
            row: Row[Any] | None = (
                await connection.execute(
                    select(pending_table).where(
                        pending_table.c.digest == token_digest(token),
                        pending_table.c.browser == token_digest(caller.browser),
                        pending_table.c.expires_at > self._clock.now(),
                    )
                )
            ).one_or_none()
            if row is not None:
                self._rows.require(pending_table, row)
            user = None if row is None else await self._users.find(connection, row.user_id)
        if row is None or user is None or not user.is_active:
            raise SsoError("ERR-PENDING", "the sign-in has expired or belongs to another browser", status=400)
        return user, tuple(row.amr)

    async def _take(self, connection: Connection, token: str) -> None:
        """Consumes the pending token; of two parallel steps one succeeds."""
        taken = await connection.execute(delete(pending_table).where(pending_table.c.digest == token_digest(token)))
        if taken.rowcount != 1:
            raise SsoError("ERR-PENDING", "this step has been taken already", status=409)

    @asynccontextmanager
    async def _attempt(
        self, action: str, username: str, caller: Caller, user: User | None = None
    ) -> AsyncIterator[Attempt]:
        """As `Lockout.attempt`; what it refuses is in the ledger, about the person whose name it is."""
        try:
            async with self._lockout.attempt("account", username, caller.address) as attempt:
                yield attempt
        except SsoError as error:
            if error.code in ("ERR-LOCKED", "ERR-BUSY"):
                async with self._database.read() as connection:
                    user = user or await self._users.find_by_username(connection, username)
                await self._ledger.append(self._refusal(action, user, username, caller, error.code, "refused"))
            raise

    async def _fail(
        self, attempt: Attempt, action: str, user: User | None, username: str, caller: Caller, code: str
    ) -> None:
        async with self._database.write() as connection:
            await attempt.fail(connection)
            await self._ledger.record(connection, self._refusal(action, user, username, caller, code, "failure"))

    async def _record(
        self, connection: Connection, action: str, user: User, caller: Caller, *, proved: bool = True
    ) -> None:
        await self._ledger.record(
            connection,
            Event(
                action=action,
                result="success",
                actor=f"user:{user.id}",
                subject=f"user:{user.id}",
                address=caller.address,
                detail={PROVED: True} if proved else {},
            ),
        )

    def _refusal(
        self, action: str, user: User | None, username: str, caller: Caller, code: str, result: Result
    ) -> Event:
        # People type passwords into the wrong field: a name that nobody has is not kept in any legible form.
        about = f"user:{user.id}" if user else self._ledger.pseudonym(fold_username(username))
        return Event(
            action=action,
            result=result,
            actor=about if user else None,
            subject=about,
            address=caller.address,
            reason=code,
        )
