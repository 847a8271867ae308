"""Lock-out: one counter for every spelling, factor, grant and process (attacks: CVE-2025-64102, CVE-2026-47203)."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta

import pyotp
from sqlalchemy import select

from core.clock import FrozenClock
from core.database import Database
from core.settings import Settings
from sso.authentication.lockout import Lockout, attempt_table
from sso.authentication.sign_in import Pending, SignedIn, SignIn
from sso.authentication.totp import Totp
from sso.errors import SsoError
from tests.sso.authentication.conftest import HERE, PASSWORD, Person
from vault.sealing import Sealer

SEED = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


async def told(attempt: Awaitable[object]) -> str:
    try:
        await attempt
    except SsoError as error:
        return error.code
    return "in"


async def test_after_five_wrong_passwords_the_right_one_is_refused_for_ten_minutes(
    clock: FrozenClock, sign_in: SignIn, person: Person
) -> None:
    await person()
    await person("wang")
    assert [await told(sign_in.password("lin", "wrong", HERE)) for _ in range(6)] == ["ERR-SIGN_IN"] * 5 + [
        "ERR-LOCKED"
    ]
    assert await told(sign_in.password("lin", PASSWORD, replace(HERE, address="198.51.100.7"))) == "ERR-LOCKED"
    assert await told(sign_in.password("wang", PASSWORD, HERE)) == "in"
    clock.advance(timedelta(minutes=9, seconds=59))
    assert await told(sign_in.password("lin", PASSWORD, HERE)) == "ERR-LOCKED"
    clock.advance(timedelta(seconds=1))
    assert await told(sign_in.password("lin", PASSWORD, HERE)) == "in"


async def test_a_name_that_nobody_has_is_locked_out_alike(sign_in: SignIn) -> None:
    assert [await told(sign_in.password("nobody", "wrong", HERE)) for _ in range(6)] == ["ERR-SIGN_IN"] * 5 + [
        "ERR-LOCKED"
    ]


async def test_every_spelling_of_a_name_has_one_counter(sign_in: SignIn, person: Person) -> None:
    await person()
    for name in ("lin", "LIN", " lin", "ｌｉｎ", "Lin\u3000"):
        assert await told(sign_in.password(name, "wrong", HERE)) == "ERR-SIGN_IN"
    assert await told(sign_in.password("lin", PASSWORD, HERE)) == "ERR-LOCKED"


async def test_success_starts_the_counter_again(sign_in: SignIn, person: Person) -> None:
    await person()
    for _ in range(3):
        assert [await told(sign_in.password("lin", "wrong", HERE)) for _ in range(4)] == ["ERR-SIGN_IN"] * 4
        assert await told(sign_in.password("lin", PASSWORD, HERE)) == "in"


async def test_of_two_hundred_parallel_guesses_five_are_checked(
    database: Database, database_url: str, clock: FrozenClock, settings: Settings, sealer: Sealer
) -> None:
    other = Database(database_url)  # another process
    processes = [Lockout(database, clock, settings, sealer), Lockout(other, clock, settings, sealer)]
    answers = await asyncio.gather(
        *(told(processes[n % 2].reserve("lin", f"192.0.2.{n}")) for n in range(200)), return_exceptions=True
    )
    await other.close()
    assert sorted(map(str, answers)) == ["ERR-LOCKED"] * 195 + ["in"] * 5


async def test_password_and_code_share_the_counter(
    database: Database, clock: FrozenClock, sign_in: SignIn, totp: Totp, person: Person
) -> None:
    user = await person()
    async with database.write() as connection:
        await totp.enrol(connection, user.id, SEED, actor="operator:test")
    begun = await sign_in.password("lin", PASSWORD, HERE)
    assert isinstance(begun, Pending)
    codes = [await told(sign_in.otp(begun.token, f"{n:06}", HERE)) for n in range(5)]
    assert codes == ["ERR-OTP"] * 4 + ["ERR-LOCKED"], "the password took one: it buys no free guesses at the code"
    assert await told(sign_in.password("lin", PASSWORD, HERE)) == "ERR-LOCKED"


async def test_proving_oneself_again_shares_the_counter(sign_in: SignIn, person: Person) -> None:
    await person()
    outcome = await sign_in.password("lin", PASSWORD, HERE)
    assert isinstance(outcome, SignedIn)
    answers = [await told(sign_in.prove_again(outcome.session, "wrong", None, HERE)) for _ in range(6)]
    assert answers == ["ERR-SIGN_IN"] * 5 + ["ERR-LOCKED"]
    assert await told(sign_in.password("lin", PASSWORD, HERE)) == "ERR-LOCKED"


async def test_one_address_cannot_try_one_password_on_everybody(
    database: Database, clock: FrozenClock, settings: Settings, sealer: Sealer
) -> None:
    lockout = Lockout(database, clock, settings.model_copy(update={"address_attempts": 5}), sealer)
    answers = [await told(lockout.reserve(f"person{n}", "192.0.2.1")) for n in range(6)]
    assert answers == ["in"] * 5 + ["ERR-LOCKED"]
    assert await told(lockout.reserve("person9", "192.0.2.2")) == "in"


async def test_slips_at_a_shared_address_do_not_add_up_over_the_day(
    database: Database, clock: FrozenClock, settings: Settings, sealer: Sealer
) -> None:
    lockout = Lockout(database, clock, settings.model_copy(update={"address_attempts": 5}), sealer)
    for n in range(40):
        assert await told(lockout.reserve(f"slip{n}", "192.0.2.1")) == "in"
        assert await told(lockout.reserve(f"right{n}", "192.0.2.1")) == "in"
        async with database.write() as connection:
            await lockout.forgive(connection, f"right{n}", "192.0.2.1")
        clock.advance(timedelta(minutes=4))


async def test_right_sign_ins_with_two_steps_do_not_use_up_a_shared_address(
    database: Database, clock: FrozenClock, sign_in: SignIn, lockout: Lockout, totp: Totp, person: Person
) -> None:
    for n in range(8):
        user = await person(f"person{n}")
        async with database.write() as connection:
            await totp.enrol(connection, user.id, SEED, actor="operator:test")
        begun = await sign_in.password(f"person{n}", PASSWORD, HERE)
        assert isinstance(begun, Pending)
        assert await told(sign_in.otp(begun.token, pyotp.TOTP(SEED).at(clock.now()), HERE)) == "in"
    async with database.read() as connection:
        counts = (await connection.scalars(select(attempt_table.c.count))).all()
    assert set(counts) <= {0}
