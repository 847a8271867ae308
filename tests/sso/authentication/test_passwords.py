"""What a password must be, how it is kept, and what is compared."""

import unicodedata
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

import sso.authentication.passwords
from core.clock import FrozenClock
from core.database import Database
from core.settings import Settings
from sso.authentication.password_policy import prepare, require_strong
from sso.authentication.passwords import HISTORY, PasswordHashing, Passwords, password_table
from sso.errors import SsoError
from tests import costs
from vault.rows import SignedRows

USER = "01m85000000000000000000000"


@pytest.mark.parametrize(
    ("password", "rule"),
    [
        ("Ab1!xyz", "short"),
        ("Ab1!" * 40, "long"),
        ("Lan-ting\x07-2026!", "control"),
        ("lanting-hall-river", "classes"),
        ("Zhangsan-77!x", "username"),
        ("ZHANGSAN-77!x", "username"),
        ("Passw0rd!", "weak"),
        ("Aa123456!", "weak"),
        ("Qwerty123!", "weak"),
        ("1qaz@WSX3edc", "weak"),
        ("Admin@2026", "weak"),
        ("Aaaaaaaa1!", "weak"),
        ("Aa1!aaaa", "weak"),
    ],
)
def test_a_weak_password_is_refused_with_the_rule_it_breaks(password: str, rule: str) -> None:
    with pytest.raises(SsoError) as refused:
        require_strong(password, "zhangsan.qh")
    assert refused.value.parameters["rule"] == rule
    assert password not in str(refused.value)


@pytest.mark.parametrize("password", ["Lan-ting-2026!", "兰亭集序Abc9!", "correct Horse 7", "ｆｕｌｌ-Width-99"])
def test_a_strong_password_is_taken(password: str) -> None:
    require_strong(password, "zhangsan.qh")


@given(st.text(max_size=200))
def test_what_is_hashed_is_the_same_however_the_keyboard_composes_it(password: str) -> None:
    prepared = prepare(password)
    assert prepare(prepared) == prepared
    assert prepare(unicodedata.normalize("NFD", password)) == prepare(unicodedata.normalize("NFC", password))


@given(st.text(max_size=200), st.text(max_size=80))
def test_the_policy_answers_whatever_is_typed(password: str, username: str) -> None:
    with suppress(SsoError):
        require_strong(password, username)


async def test_a_password_is_kept_as_argon2id_of_nineteen_mebibytes(
    database: Database, clock: FrozenClock, settings: Settings, rows: SignedRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sso.authentication.passwords, "COST", costs.REAL)
    passwords = Passwords(clock, settings, PasswordHashing(), rows)
    hashed = await passwords.given("Lan-ting-2026!")
    async with database.write() as connection:
        await passwords.keep(connection, USER, hashed, actor="operator:test")
        kept = await passwords.current(connection, USER)
    assert kept is not None
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify(kept, "Lan-ting-2026!")
    assert not await passwords.verify(kept, "lan-ting-2026!")
    assert not await passwords.verify(None, "Lan-ting-2026!")


@pytest.mark.parametrize("typed", ["", "x" * 1_000_000, "\ud800", "\x00", "Lan-ting-2026! "])
async def test_whatever_is_typed_instead_just_does_not_match(typed: str, passwords: Passwords) -> None:
    kept = await PasswordHashing().hash("Lan-ting-2026!")
    assert not await passwords.verify(kept, typed)


async def test_one_of_the_last_five_is_not_chosen_again(database: Database, passwords: Passwords) -> None:
    chosen = [f"Lan-ting-{n}-Xu!" for n in range(HISTORY + 1)]
    hashes = [await passwords.given(password) for password in chosen]
    async with database.write() as connection:
        for hashed in hashes:
            await passwords.keep(connection, USER, hashed, actor="operator:test")
        history = await passwords.history(connection, USER)
        assert len((await connection.execute(select(password_table))).all()) == HISTORY
    for password in chosen[1:]:
        with pytest.raises(SsoError) as refused:
            await passwords.chosen(history, "lin", password)
        assert refused.value.parameters["rule"] == "history"
    assert await passwords.chosen(history, "lin", chosen[0])


@pytest.mark.parametrize("chosen_at", ["00:00:00", "07:59:59", "16:00:00", "23:59:59"])
async def test_a_password_is_too_old_from_the_ninetieth_midnight_on(
    database: Database, clock: FrozenClock, passwords: Passwords, settings: Settings, chosen_at: str
) -> None:
    clock.advance(settings.local_time.since(f"2026-11-24T{chosen_at}") - clock.now())
    hashed = await passwords.given("Lan-ting-2026!")
    async with database.write() as connection:
        await passwords.keep(connection, USER, hashed, actor="operator:test")
        clock.advance(settings.local_time.since("2027-02-21T23:59:59") - clock.now())
        assert not await passwords.is_expired(connection, USER)
        clock.advance(timedelta(seconds=1))
        assert await passwords.is_expired(connection, USER)
