"""The first start creates the three administrators, once, with one-time passwords in a file of the operator's."""

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.clock import FrozenClock
from core.errors import ConfigurationError
from core.settings import Settings
from sso.authentication.sign_in import Caller, Pending, Step
from web.composition import House, open_house
from web.first_start import create_administrators, create_administrators_with

HERE = Caller("127.0.0.1", "", "browser")
USERNAMES = ("sysadmin", "secadmin", "auditadmin")


@pytest.fixture
async def empty_house(settings: Settings, clock: FrozenClock) -> AsyncIterator[House]:
    async with open_house(settings, clock=clock) as house:
        yield house


async def test_each_administrator_signs_in_with_a_password_that_must_be_changed(empty_house: House) -> None:
    path = await create_administrators(empty_house)
    assert path is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    passwords = dict(line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    assert set(passwords) == {"sysadmin", "secadmin", "auditadmin"}
    for username, password in passwords.items():
        outcome = await empty_house.sign_in.password(username, password, HERE)
        assert isinstance(outcome, Pending)
        assert outcome.step is Step.CHANGE_PASSWORD
        assert len(outcome.user.roles) == 1


async def test_a_house_with_people_gets_nobody(empty_house: House) -> None:
    path = await create_administrators(empty_house)
    assert path is not None
    path.unlink()
    assert await create_administrators(empty_house) is None
    assert not path.exists()


async def test_after_the_first_start_every_role_of_administration_is_held(empty_house: House) -> None:
    async with empty_house.database.read() as connection:
        assert await empty_house.users.unheld_administration(connection) == [
            "audit_admin",
            "security_admin",
            "system_admin",
        ]
    await create_administrators(empty_house)
    async with empty_house.database.read() as connection:
        assert await empty_house.users.unheld_administration(connection) == []


async def test_the_file_of_a_first_start_that_was_killed_is_replaced(empty_house: House) -> None:
    leftover = empty_house.settings.data_dir / "first-sign-in.txt"
    leftover.write_text("sysadmin\tworth nothing\n")
    leftover.chmod(0o644)
    (empty_house.settings.data_dir / ".first-sign-in.txt.new").write_text("half")
    path = await create_administrators(empty_house)
    assert path == leftover
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    await assert_opens(empty_house, path)


async def test_of_processes_that_start_together_one_makes_the_administrators(
    empty_house: House, clock: FrozenClock
) -> None:
    async with open_house(empty_house.settings, clock=clock) as other:
        paths = await asyncio.gather(*(create_administrators(house) for house in (empty_house, other) * 2))
        (path,) = (path for path in paths if path is not None)
        await assert_opens(other, path)


async def assert_opens(house: House, path: Path) -> None:
    passwords = dict(line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    assert set(passwords) == {"sysadmin", "secadmin", "auditadmin"}
    for username, password in passwords.items():
        assert isinstance(await house.sign_in.password(username, password, HERE), Pending)


async def test_without_a_place_for_the_file_nobody_is_created(empty_house: House) -> None:
    (empty_house.settings.data_dir / "first-sign-in.txt").mkdir()
    with pytest.raises(ConfigurationError, match="first-sign-in"):
        await create_administrators(empty_house)
    async with empty_house.database.read() as connection:
        assert await empty_house.users.search(connection) == []


async def test_the_operators_own_one_time_passwords_open_the_accounts_once(empty_house: House, tmp_path: Path) -> None:
    secret = secret_with({username: f"{username[::-1]}-One-time-7" for username in USERNAMES}, tmp_path / "secret")
    assert await create_administrators_with(empty_house, secret)
    for username in USERNAMES:
        outcome = await empty_house.sign_in.password(username, f"{username[::-1]}-One-time-7", HERE)
        assert isinstance(outcome, Pending)
        assert outcome.step is Step.CHANGE_PASSWORD
    assert not (empty_house.settings.data_dir / "first-sign-in.txt").exists()
    assert not await create_administrators_with(empty_house, tmp_path / "deleted since")
    assert await create_administrators(empty_house) is None


@pytest.mark.parametrize(
    ("auditadmin", "why"), [("Auditadmin-1", "too weak: username"), ("", "too weak: short"), (None, "FileNotFound")]
)
async def test_of_one_time_passwords_that_will_not_do_none_is_taken(
    empty_house: House, tmp_path: Path, auditadmin: str | None, why: str
) -> None:
    passwords = {"sysadmin": "Blue-kettle-47", "secadmin": "Grey-anchor-58"}
    secret = secret_with(passwords | ({} if auditadmin is None else {"auditadmin": auditadmin}), tmp_path / "secret")
    with pytest.raises(ConfigurationError, match=f"auditadmin: .*{why}") as refused:
        await create_administrators_with(empty_house, secret)
    assert not auditadmin or auditadmin not in str(refused.value)
    async with empty_house.database.read() as connection:
        assert await empty_house.users.is_empty(connection)


def secret_with(passwords: dict[str, str], folder: Path) -> Path:
    folder.mkdir()
    for username, password in passwords.items():
        (folder / username).write_text(f"{password}\n", encoding="utf-8")
    return folder
