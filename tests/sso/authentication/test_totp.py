"""The second factor: each code once, on every replica (CVE-2026-103655, CVE-2026-82470, CVE-2021-43177)."""

import asyncio
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from sqlalchemy import select, update

from core.clock import FrozenClock
from core.database import Database
from sso.authentication.totp import Totp, recovery_table, totp_table
from sso.errors import SsoError
from vault.errors import VaultError
from vault.keys.sealing import Sealer
from vault.ledger import Ledger
from vault.rows import SignedRows

# The secret of RFC 6238, appendix B ("12345678901234567890").
SEED = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
USER = "01m85000000000000000000000"


@pytest.fixture
async def enrolled(database: Database, totp: Totp) -> Totp:
    async with database.write() as connection:
        await totp.enrol(connection, USER, SEED, actor="operator:test")
    return totp


async def accept(database: Database, totp: Totp, code: str) -> bool:
    async with database.write() as connection:
        return await totp.accept(connection, USER, code)


def code(clock: FrozenClock, steps: int = 0) -> str:
    return pyotp.TOTP(SEED).at(clock.now() + timedelta(seconds=30 * steps))


# RFC 6238, appendix B, SHA-1: the last six of its eight digits.
@pytest.mark.parametrize(
    ("at", "value"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
async def test_the_codes_are_those_of_the_standard(
    database: Database, sealer: Sealer, ledger: Ledger, at: int, value: str, rows: SignedRows
) -> None:
    totp = Totp(FrozenClock(datetime.fromtimestamp(at, UTC)), sealer, ledger, rows)
    async with database.write() as connection:
        await totp.enrol(connection, USER, SEED, actor="operator:test")
    assert await accept(database, totp, value)


def wide(text: str) -> str:
    """As an input method in its full-width mode writes it."""
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


async def test_a_code_counts_once_and_an_older_one_not_at_all_after_it(
    database: Database, clock: FrozenClock, enrolled: Totp
) -> None:
    assert await accept(database, enrolled, code(clock))
    assert not await accept(database, enrolled, code(clock))
    assert not await accept(database, enrolled, code(clock, -1)), "no way back within the drift"
    clock.advance(timedelta(seconds=30))
    assert await accept(database, enrolled, code(clock))


async def test_of_parallel_uses_of_a_code_one_counts(
    database: Database, database_url: str, clock: FrozenClock, enrolled: Totp
) -> None:
    other = Database(database_url)  # another replica
    value = code(clock)
    answers = await asyncio.gather(*(accept([database, other][n % 2], enrolled, value) for n in range(20)))
    await other.close()
    assert sum(answers) == 1


@pytest.mark.parametrize(("steps", "accepted"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
async def test_one_step_of_drift_is_allowed(
    database: Database, clock: FrozenClock, enrolled: Totp, steps: int, accepted: bool
) -> None:
    assert await accept(database, enrolled, code(clock, steps)) is accepted


@pytest.mark.parametrize("form", ["{0} {1}", "{0}-{1}", "\ufeff{0}{1}", "{0}\u2013{1}\u200b", " {0}\u3000{1}\t"])
@pytest.mark.parametrize("is_wide", [False, True])
async def test_a_code_may_be_typed_in_groups_and_in_full_width(
    database: Database, clock: FrozenClock, enrolled: Totp, form: str, is_wide: bool
) -> None:
    value = code(clock)
    typed = form.format(value[:3], value[3:])
    assert await accept(database, enrolled, wide(typed) if is_wide else typed)


@pytest.mark.parametrize("typed", ["", "      ", "12345", "1234567", "000000000000000000000000", "²²²²²²", "\x00" * 6])
async def test_what_is_no_code_is_refused(database: Database, enrolled: Totp, typed: str) -> None:
    assert not await accept(database, enrolled, typed)


async def test_a_seed_counts_only_after_its_first_right_code(
    database: Database, clock: FrozenClock, totp: Totp
) -> None:
    async with database.write() as connection:
        seed = await totp.begin(connection, USER)
    value = pyotp.TOTP(seed).at(clock.now())
    assert not await accept(database, totp, value)
    async with database.write() as connection:
        assert not await totp.is_enrolled(connection, USER)
        with pytest.raises(SsoError, match="ERR-OTP"):
            await totp.confirm(connection, USER, "000000")
        await totp.confirm(connection, USER, value)
        assert await totp.is_enrolled(connection, USER)
        with pytest.raises(SsoError, match="ERR-TOTP_ENROLLED"):
            await totp.begin(connection, USER)


async def test_pages_of_one_enrolment_that_are_asked_for_together_show_one_seed(
    database: Database, clock: FrozenClock, totp: Totp
) -> None:
    async def begin() -> str:
        async with database.write() as connection:
            return await totp.begin(connection, USER)

    first = set(await asyncio.gather(*(begin() for _ in range(6))))
    assert len(first) == 1
    clock.advance(timedelta(minutes=10))
    assert await begin() not in first, "a seed that somebody may have seen long ago is not offered again"


async def test_a_recovery_code_works_once_and_only_for_its_owner(
    database: Database, clock: FrozenClock, totp: Totp, enrolled: Totp
) -> None:
    async with database.write() as connection:
        await totp.remove(connection, USER, actor="operator:test")
        seed = await totp.begin(connection, USER)
        codes = await totp.confirm(connection, USER, pyotp.TOTP(seed).at(clock.now()))
        other = "01m85000000000000000000001"
        await totp.enrol(connection, other, SEED, actor="operator:test")
        assert not await totp.accept(connection, other, codes[0])
    answers = await asyncio.gather(*(accept(database, totp, f" {codes[0].upper()} ") for _ in range(5)))
    assert sum(answers) == 1
    assert await accept(database, totp, codes[1])


@pytest.mark.parametrize("separator", ["", " ", "-", "－", "\u2014", "\u200b"])
async def test_a_recovery_code_works_however_it_is_typed(
    database: Database, clock: FrozenClock, totp: Totp, separator: str
) -> None:
    async with database.write() as connection:
        seed = await totp.begin(connection, USER)
        codes = await totp.confirm(connection, USER, pyotp.TOTP(seed).at(clock.now()))
    for told, typed in zip(codes, (wide(codes[0]), codes[1].upper(), f"\ufeff{codes[2]}"), strict=False):
        assert told in codes
        assert await accept(database, totp, typed.replace("-", separator))


async def test_a_given_seed_is_the_same_in_groups_and_in_full_width(
    database: Database, clock: FrozenClock, totp: Totp
) -> None:
    groups = " ".join(SEED[start : start + 4] for start in range(0, len(SEED), 4))
    async with database.write() as connection:
        assert await totp.enrol(connection, USER, f"\ufeff{wide(groups.lower())}", actor="operator:test")
        assert not await totp.enrol(connection, USER, SEED, actor="operator:test")
        assert not await totp.enrol(connection, USER, groups.replace(" ", "-") + "==", actor="operator:test")
    assert await accept(database, totp, code(clock))


@pytest.mark.parametrize(("seed", "said"), [(SEED + "1", '"1" (U+0031 DIGIT ONE)'), ("GEZDя", '"Я" (U+042F')])
async def test_a_seed_that_is_refused_names_the_character_and_nothing_of_the_seed(
    database: Database, totp: Totp, seed: str, said: str
) -> None:
    async with database.write() as connection:
        with pytest.raises(SsoError) as refused:
            await totp.enrol(connection, USER, seed, actor="operator:test")
    assert said in refused.value.detail
    assert "GEZD" not in str(refused.value)


async def test_neither_seed_nor_recovery_code_stands_in_the_database(
    database: Database, clock: FrozenClock, totp: Totp
) -> None:
    async with database.write() as connection:
        seed = await totp.begin(connection, USER)
        codes = await totp.confirm(connection, USER, pyotp.TOTP(seed).at(clock.now()))
        rows = [(await connection.execute(select(table))).all() for table in (totp_table, recovery_table)]
    assert not any(secret in repr(rows) for secret in (seed, *codes))


@pytest.mark.parametrize("seed", ["not base32!", "1", "", " ", "GEZDGNBVG", "="])
async def test_a_seed_that_is_none_is_refused(database: Database, totp: Totp, seed: str) -> None:
    async with database.write() as connection:
        with pytest.raises(SsoError, match="ERR-TOTP_SEED"):
            await totp.enrol(connection, USER, seed, actor="operator:test")


async def test_a_seed_of_another_person_is_refused_and_recorded(
    database: Database, clock: FrozenClock, enrolled: Totp, ledger: Ledger
) -> None:
    async with database.write() as connection:
        await enrolled.enrol(connection, "01m85000000000000000000001", pyotp.random_base32(), actor="operator:test")
        theirs = select(totp_table.c.sealed_seed).where(totp_table.c.user_id != USER)
        sealed = await connection.scalar(theirs)
        await connection.execute(update(totp_table).where(totp_table.c.user_id == USER).values(sealed_seed=sealed))
    with pytest.raises(VaultError, match="ERR-ROW_TAMPERED"):
        await accept(database, enrolled, code(clock))
    await ledger.told()
    async with database.read() as connection:
        told = await ledger.latest(connection, ["vault.tamper"], f"row:sso_totp:{USER}")
    assert told is not None
    assert told.reason == "ERR-ROW_TAMPERED"
