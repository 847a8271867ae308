"""Signing in step by step: no step skipped, repeated or taken elsewhere, and nothing said about who exists."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import select

from core.clock import FrozenClock
from core.database import Database
from sso.authentication.passwords import Passwords
from sso.authentication.sessions import Sessions
from sso.authentication.sign_in import Outcome, Pending, SignedIn, SignIn, Step
from sso.authentication.totp import Totp
from sso.directory.users import User, Users
from sso.errors import SsoError
from tests.sso.authentication.conftest import HERE, PASSWORD, Person
from vault.ledger import Ledger
from vault.ledger.events import event_table

NEW_PASSWORD = "Qing-he-2027?"
SEED = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def signed_in(outcome: Outcome) -> SignedIn:
    assert isinstance(outcome, SignedIn)
    return outcome


def pending(outcome: Outcome, step: Step) -> str:
    assert isinstance(outcome, Pending)
    assert outcome.step is step
    return outcome.token


async def enrol(database: Database, totp: Totp, user: User) -> None:
    async with database.write() as connection:
        await totp.enrol(connection, user.id, SEED, actor="operator:test")


def code(clock: FrozenClock) -> str:
    return pyotp.TOTP(SEED).at(clock.now())


async def test_a_right_password_gives_a_session_and_the_ledger_knows(
    database: Database, sign_in: SignIn, sessions: Sessions, person: Person
) -> None:
    user = await person()
    outcome = signed_in(await sign_in.password("lin", PASSWORD, HERE))
    async with database.read() as connection:
        found = await sessions.find(connection, outcome.token)
        events = await connection.execute(select(event_table.c.action, event_table.c.result).order_by(event_table.c.id))
    assert found is not None
    assert (found.user.id, found.amr, found.address) == (user.id, ("pwd",), HERE.address)
    assert [tuple(event) for event in events][-2:] == [("sign_in.password", "success"), ("session.start", "success")]


@pytest.mark.parametrize("typed", ["LIN", " lin ", "ｌｉｎ", "Ｌin"])
async def test_every_spelling_of_a_name_signs_in(sign_in: SignIn, person: Person, typed: str) -> None:
    user = await person()
    assert signed_in(await sign_in.password(typed, PASSWORD, HERE)).session.user.id == user.id


async def test_unknown_wrong_and_disabled_are_told_alike(
    database: Database, sign_in: SignIn, users: Users, person: Person
) -> None:
    await person()
    disabled = await person("wang")
    async with database.write() as connection:
        await users.set_status(connection, disabled.id, "disabled", actor="operator:test")
    told = set()
    for name, password in (("nobody", PASSWORD), ("lin", "wrong"), ("wang", PASSWORD), ("wang", "wrong")):
        with pytest.raises(SsoError) as refused:
            await sign_in.password(name, password, HERE)
        told.add((refused.value.code, refused.value.status, refused.value.detail))
    assert len(told) == 1


async def test_a_password_typed_as_the_user_name_is_not_kept(
    database: Database, sign_in: SignIn, person: Person
) -> None:
    with pytest.raises(SsoError, match="ERR-SIGN_IN"):
        await sign_in.password(PASSWORD, "", HERE)
    async with database.read() as connection:
        rows = (await connection.execute(select(event_table))).all()
    assert PASSWORD not in repr(rows)


async def test_the_second_factor_comes_before_the_session(
    database: Database, clock: FrozenClock, sign_in: SignIn, totp: Totp, person: Person
) -> None:
    await enrol(database, totp, await person())
    token = pending(await sign_in.password("lin", PASSWORD, HERE), Step.OTP)
    with pytest.raises(SsoError, match="ERR-OTP"):
        await sign_in.otp(token, "000000", HERE)
    outcome = signed_in(await sign_in.otp(token, code(clock), HERE))
    assert outcome.session.amr == ("pwd", "otp", "mfa")
    with pytest.raises(SsoError, match="ERR-PENDING"):
        await sign_in.otp(token, code(clock), HERE)


async def test_a_first_password_is_changed_and_a_second_factor_set_up_in_this_order(
    clock: FrozenClock, sign_in: SignIn, person: Person
) -> None:
    await person(roles=frozenset({"audit_admin"}), must_change_password=True, totp_required=True)
    first = pending(await sign_in.password("lin", PASSWORD, HERE), Step.CHANGE_PASSWORD)
    with pytest.raises(SsoError, match="ERR-PENDING"):
        await sign_in.enrolment_seed(first, HERE)
    second = pending(await sign_in.change_password(first, NEW_PASSWORD, HERE), Step.ENROL_TOTP)
    with pytest.raises(SsoError, match="ERR-PENDING"):
        await sign_in.change_password(second, "Another-2027!", HERE)
    _, seed = await sign_in.enrolment_seed(second, HERE)
    assert (await sign_in.enrolment_seed(second, HERE))[1] == seed, "its page may be shown again"
    with pytest.raises(SsoError, match="ERR-OTP"):
        await sign_in.enrol_totp(second, "000000", HERE)
    outcome, codes = await sign_in.enrol_totp(second, pyotp.TOTP(seed).at(clock.now()), HERE)
    assert signed_in(outcome).session.amr == ("pwd", "otp", "mfa")
    assert len(set(codes)) == 8


async def test_a_changed_password_ends_every_session_and_the_old_password(
    database: Database, sign_in: SignIn, sessions: Sessions, users: Users, person: Person
) -> None:
    user = await person()
    before = signed_in(await sign_in.password("lin", PASSWORD, HERE))
    async with database.write() as connection:
        await users.set_flags(connection, user.id, must_change_password=True)
    token = pending(await sign_in.password("lin", PASSWORD, HERE), Step.CHANGE_PASSWORD)
    with pytest.raises(SsoError, match="ERR-PASSWORD_POLICY"):
        await sign_in.change_password(token, PASSWORD, HERE)
    signed_in(await sign_in.change_password(token, NEW_PASSWORD, HERE))
    async with database.read() as connection:
        assert await sessions.find(connection, before.token) is None
    with pytest.raises(SsoError, match="ERR-SIGN_IN"):
        await sign_in.password("lin", PASSWORD, HERE)


# CVE-2026-18963: a step of one sign-in is worth nothing in another.
@pytest.mark.every_case
@pytest.mark.parametrize("step", ["otp", "change_password", "enrolment_seed", "enrol_totp"])
@pytest.mark.parametrize("spoil", ["another browser", "no token", "expired", "disabled"])
async def test_no_step_is_taken_without_its_own_beginning(
    database: Database,
    clock: FrozenClock,
    sign_in: SignIn,
    totp: Totp,
    users: Users,
    person: Person,
    step: str,
    spoil: str,
) -> None:
    user = await person(must_change_password=step == "change_password", totp_required=step.startswith("enrol"))
    if step == "otp":
        await enrol(database, totp, user)
    begun = await sign_in.password("lin", PASSWORD, HERE)
    assert isinstance(begun, Pending)
    caller, token = HERE, begun.token
    if spoil == "another browser":
        caller = replace(HERE, browser="browser-b")
    elif spoil == "no token":
        token = ""
    elif spoil == "expired":
        clock.advance(timedelta(minutes=5))
    else:
        async with database.write() as connection:
            await users.set_status(connection, user.id, "disabled", actor="operator:test")
    acts: dict[str, Callable[[], Awaitable[object]]] = {
        "otp": lambda: sign_in.otp(token, code(clock), caller),
        "change_password": lambda: sign_in.change_password(token, NEW_PASSWORD, caller),
        "enrolment_seed": lambda: sign_in.enrolment_seed(token, caller),
        "enrol_totp": lambda: sign_in.enrol_totp(token, code(clock), caller),
    }
    with pytest.raises(SsoError, match="ERR-PENDING"):
        await acts[step]()


async def test_of_parallel_steps_with_one_token_one_succeeds(
    database: Database, clock: FrozenClock, sign_in: SignIn, person: Person
) -> None:
    await person(must_change_password=True)
    token = pending(await sign_in.password("lin", PASSWORD, HERE), Step.CHANGE_PASSWORD)
    answers = await asyncio.gather(
        *(sign_in.change_password(token, f"{NEW_PASSWORD}{n}", HERE) for n in range(4)), return_exceptions=True
    )
    assert sum(isinstance(answer, SignedIn) for answer in answers) == 1


async def test_who_proves_themselves_again_gets_a_new_token(
    database: Database, clock: FrozenClock, sign_in: SignIn, sessions: Sessions, totp: Totp, person: Person
) -> None:
    user = await person()
    outcome = signed_in(await sign_in.password("lin", PASSWORD, HERE))
    clock.advance(timedelta(minutes=6))
    assert not outcome.session.is_fresh(clock.now())
    with pytest.raises(SsoError, match="ERR-SIGN_IN"):
        await sign_in.prove_again(outcome.session, "wrong", None, HERE)
    token = await sign_in.prove_again(outcome.session, PASSWORD, None, HERE)
    async with database.read() as connection:
        assert await sessions.find(connection, outcome.token) is None, "no fixation (CVE-2026-7507)"
        renewed = await sessions.find(connection, token)
    assert renewed is not None
    assert renewed.is_fresh(clock.now())
    await enrol(database, totp, user)
    with pytest.raises(SsoError, match="ERR-SIGN_IN"):
        await sign_in.prove_again(renewed, PASSWORD, None, HERE)
    await sign_in.prove_again(renewed, PASSWORD, code(clock), HERE)


async def test_an_old_password_must_be_changed(
    clock: FrozenClock, sign_in: SignIn, passwords: Passwords, person: Person, ledger: Ledger
) -> None:
    await person()
    clock.advance(timedelta(days=90))
    pending(await sign_in.password("lin", PASSWORD, HERE), Step.CHANGE_PASSWORD)
