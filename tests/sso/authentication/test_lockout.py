"""Lock-out: one counter for every spelling, factor, grant and process (attacks: CVE-2025-64102, CVE-2026-47203)."""

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import func, select

from core.clock import FrozenClock
from core.database import Database
from core.forwarding import UNKNOWN
from core.settings import Settings
from sso.authentication.lockout import AccountKind, Lockout, attempt_table
from sso.authentication.sign_in import Pending, SignedIn, SignIn
from sso.authentication.totp import Totp
from sso.errors import SsoError
from tests.sso.authentication.conftest import HERE, PASSWORD, Person
from vault.keys.sealing import Sealer
from vault.ledger import Ledger
from vault.rows import SignedRows

SEED = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


async def told(attempt: Awaitable[object]) -> str:
    try:
        await attempt
    except SsoError as error:
        return error.code
    return "in"


async def wrong(lockout: Lockout, database: Database, name: str, address: str, kind: AccountKind = "account") -> None:
    async with lockout.attempt(kind, name, address) as attempt, database.write() as connection:
        await attempt.fail(connection)


async def right(lockout: Lockout, database: Database, name: str, address: str) -> None:
    async with lockout.attempt("account", name, address) as attempt, database.write() as connection:
        await attempt.succeed(connection)


async def counted(database: Database) -> tuple[int, int]:
    """All failures, and all attempts under way."""
    query = select(func.sum(attempt_table.c.failures), func.sum(attempt_table.c.under_way))
    async with database.read() as connection:
        failures, under_way = (await connection.execute(query)).one()
    return failures or 0, under_way or 0


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


async def test_who_is_locked_out_hears_how_long_it_still_lasts(
    clock: FrozenClock, lockout: Lockout, database: Database, settings: Settings
) -> None:
    """RFC 9110 §10.2.3"""
    for _ in range(settings.lockout_attempts):
        await wrong(lockout, database, "lin", "192.0.2.1")
    for passed, left, minutes in ((0, 600, 10), (1, 599, 10), (569, 30, 1)):
        clock.advance(timedelta(seconds=passed))
        with pytest.raises(SsoError) as refused:
            await right(lockout, database, "lin", "192.0.2.2")
        assert (refused.value.retry_after, refused.value.parameters["minutes"]) == (left, minutes)


async def test_a_name_that_nobody_has_is_locked_out_alike(sign_in: SignIn) -> None:
    assert [await told(sign_in.password("nobody", "wrong", HERE)) for _ in range(6)] == ["ERR-SIGN_IN"] * 5 + [
        "ERR-LOCKED"
    ]


async def test_an_address_that_nobody_knows_is_not_one_person(
    sign_in: SignIn, person: Person, lockout: Lockout, settings: Settings, database: Database
) -> None:
    """Case 01: what a proxy says is no address, so whoever comes through it is one of many."""
    await person()
    nowhere = replace(HERE, address=UNKNOWN)
    for n in range(settings.address_attempts + 2):
        await wrong(lockout, database, f"somebody-{n}", UNKNOWN)
    assert await told(sign_in.password("lin", PASSWORD, nowhere)) == "in"
    assert [await told(sign_in.password("lin", "wrong", nowhere)) for _ in range(6)] == ["ERR-SIGN_IN"] * 5 + [
        "ERR-LOCKED"
    ]
    query = select(attempt_table.c.kind).distinct()
    async with database.read() as connection:
        assert (await connection.scalars(query)).all() == ["account"]


async def test_a_client_from_an_address_that_nobody_knows_is_not_locked_out(
    lockout: Lockout, database: Database, settings: Settings
) -> None:
    for _ in range(settings.lockout_attempts + 1):
        await wrong(lockout, database, f"affairs\n{UNKNOWN}", UNKNOWN, "client")
    assert await counted(database) == (0, 0)


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
    database: Database,
    database_url: str,
    clock: FrozenClock,
    settings: Settings,
    sealer: Sealer,
    rows: SignedRows,
    ledger: Ledger,
) -> None:
    other = Database(database_url)  # another process
    processes = [
        Lockout(database, clock, settings, sealer, rows, ledger),
        Lockout(other, clock, settings, sealer, rows, ledger),
    ]
    answers = await asyncio.gather(
        *(told(wrong(processes[n % 2], database, "lin", f"192.0.2.{n}")) for n in range(200))
    )
    await other.close()
    assert sorted(answers) == ["ERR-LOCKED"] * 195 + ["in"] * 5


async def test_of_parallel_right_attempts_none_is_refused(
    database: Database,
    database_url: str,
    clock: FrozenClock,
    settings: Settings,
    sealer: Sealer,
    rows: SignedRows,
    ledger: Ledger,
) -> None:
    other = Database(database_url)  # another process
    processes = [
        Lockout(database, clock, settings, sealer, rows, ledger),
        Lockout(other, clock, settings, sealer, rows, ledger),
    ]
    answers = await asyncio.gather(*(told(right(processes[n % 2], database, "lin", "192.0.2.1")) for n in range(40)))
    await other.close()
    assert answers == ["in"] * 40
    assert await counted(database) == (0, 0)


async def test_twenty_parallel_sign_ins_of_one_person_all_succeed(sign_in: SignIn, person: Person) -> None:
    await person()
    assert await asyncio.gather(*(told(sign_in.password("lin", PASSWORD, HERE)) for _ in range(20))) == ["in"] * 20


async def test_who_waits_for_a_turn_in_vain_is_told_so(
    database: Database, clock: FrozenClock, settings: Settings, sealer: Sealer, rows: SignedRows, ledger: Ledger
) -> None:
    impatient = [Lockout(database, clock, settings, sealer, rows, ledger, patience=timedelta()) for _ in range(2)]
    async with AsyncExitStack() as under_way:
        for n in range(settings.lockout_attempts):
            await under_way.enter_async_context(impatient[0].attempt("account", "lin", f"192.0.2.{n}"))
        for process in impatient:
            with pytest.raises(SsoError) as refused:
                await right(process, database, "lin", "192.0.2.99")
            assert (refused.value.code, refused.value.status) == ("ERR-BUSY", 503)
    assert await told(right(impatient[1], database, "wang", "192.0.2.99")) == "in"


async def test_what_a_killed_process_left_lapses_with_the_window(
    database: Database, clock: FrozenClock, settings: Settings, sealer: Sealer, rows: SignedRows, ledger: Ledger
) -> None:
    killed = Lockout(database, clock, settings, sealer, rows, ledger)
    never_settled = [killed.attempt("account", "lin", "192.0.2.1") for _ in range(settings.lockout_attempts)]
    for one in never_settled:
        await one.__aenter__()
    process = Lockout(database, clock, settings, sealer, rows, ledger, patience=timedelta())
    assert await told(right(process, database, "lin", "192.0.2.1")) == "ERR-BUSY"
    clock.advance(timedelta(minutes=10))
    assert await told(right(process, database, "lin", "192.0.2.1")) == "in"


async def test_what_was_not_checked_does_not_count(
    database: Database, clock: FrozenClock, settings: Settings, sealer: Sealer, rows: SignedRows, ledger: Ledger
) -> None:
    lockout = Lockout(database, clock, settings, sealer, rows, ledger)
    for _ in range(20):
        with pytest.raises(OSError, match="unplugged"):
            async with lockout.attempt("account", "lin", "192.0.2.1"):
                raise OSError("unplugged")
    assert await counted(database) == (0, 0)


async def test_a_locked_account_uses_up_no_address_and_a_locked_address_no_account(
    database: Database, clock: FrozenClock, settings: Settings, sealer: Sealer, rows: SignedRows, ledger: Ledger
) -> None:
    lockout = Lockout(database, clock, settings.model_copy(update={"address_attempts": 7}), sealer, rows, ledger)
    answers = [await told(wrong(lockout, database, "lin", "192.0.2.1")) for _ in range(20)]
    assert answers == ["in"] * 5 + ["ERR-LOCKED"] * 15
    assert [await told(wrong(lockout, database, "wang", "192.0.2.1")) for _ in range(20)].count("in") == 2
    assert [await told(wrong(lockout, database, "wang", "192.0.2.2")) for _ in range(20)].count("in") == 3


async def test_no_name_that_somebody_types_is_a_clients(
    database: Database, clock: FrozenClock, settings: Settings, sealer: Sealer, rows: SignedRows, ledger: Ledger
) -> None:
    lockout = Lockout(database, clock, settings, sealer, rows, ledger)
    for name in ("affairs\n192.0.2.1", "affairs@192.0.2.1", "client:affairs@192.0.2.1"):
        for n in range(5):
            await wrong(lockout, database, name, f"198.51.100.{n}")
        assert await told(wrong(lockout, database, name, "192.0.2.1", "client")) == "in"


async def test_password_and_code_share_the_counter(
    database: Database, clock: FrozenClock, sign_in: SignIn, totp: Totp, person: Person
) -> None:
    user = await person()
    async with database.write() as connection:
        await totp.enrol(connection, user.id, SEED, actor="operator:test")
    begun = await sign_in.password("lin", PASSWORD, HERE)
    assert isinstance(begun, Pending)
    codes = [await told(sign_in.otp(begun.token, f"{n:06}", HERE)) for n in range(3)]
    assert codes == ["ERR-OTP"] * 3
    begun = await sign_in.password("lin", PASSWORD, HERE)
    assert isinstance(begun, Pending)
    codes = [await told(sign_in.otp(begun.token, f"{n:06}", HERE)) for n in range(3)]
    assert codes == ["ERR-OTP"] * 2 + ["ERR-LOCKED"], "a right password buys no free guesses at the code"
    assert await told(sign_in.password("lin", PASSWORD, HERE)) == "ERR-LOCKED"


async def test_proving_oneself_again_shares_the_counter(sign_in: SignIn, person: Person) -> None:
    await person()
    outcome = await sign_in.password("lin", PASSWORD, HERE)
    assert isinstance(outcome, SignedIn)
    answers = [await told(sign_in.prove_again(outcome.session, "wrong", None, HERE)) for _ in range(6)]
    assert answers == ["ERR-SIGN_IN"] * 5 + ["ERR-LOCKED"]
    assert await told(sign_in.password("lin", PASSWORD, HERE)) == "ERR-LOCKED"


async def test_one_address_cannot_try_one_password_on_everybody(
    database: Database, clock: FrozenClock, settings: Settings, sealer: Sealer, rows: SignedRows, ledger: Ledger
) -> None:
    lockout = Lockout(database, clock, settings.model_copy(update={"address_attempts": 5}), sealer, rows, ledger)
    answers = [await told(wrong(lockout, database, f"person{n}", "192.0.2.1")) for n in range(6)]
    assert answers == ["in"] * 5 + ["ERR-LOCKED"]
    assert await told(wrong(lockout, database, "person9", "192.0.2.2")) == "in"


async def test_slips_at_a_shared_address_do_not_add_up_over_the_day(
    database: Database, clock: FrozenClock, settings: Settings, sealer: Sealer, rows: SignedRows, ledger: Ledger
) -> None:
    lockout = Lockout(database, clock, settings.model_copy(update={"address_attempts": 5}), sealer, rows, ledger)
    for n in range(40):
        assert await told(wrong(lockout, database, f"slip{n}", "192.0.2.1")) == "in"
        assert await told(right(lockout, database, f"right{n}", "192.0.2.1")) == "in"
        clock.advance(timedelta(minutes=4))


async def test_right_sign_ins_with_two_steps_do_not_use_up_a_shared_address(
    database: Database, clock: FrozenClock, sign_in: SignIn, totp: Totp, person: Person
) -> None:
    for n in range(8):
        user = await person(f"person{n}")
        async with database.write() as connection:
            await totp.enrol(connection, user.id, SEED, actor="operator:test")
        begun = await sign_in.password(f"person{n}", PASSWORD, HERE)
        assert isinstance(begun, Pending)
        assert await told(sign_in.otp(begun.token, pyotp.TOTP(SEED).at(clock.now()), HERE)) == "in"
    assert await counted(database) == (0, 0)
