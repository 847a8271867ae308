"""The first start: an empty directory gets its three administrators, each with a one-time password (DESIGN §4.20).

The passwords go to a file that only the operator's account reads, or come from files that the operator has made; never
do they go to a log or a terminal that keeps one. Each must be changed at the first sign-in, where a second factor is
enrolled too.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from core.database import Connection, Database, wait_turn
from core.errors import ConfigurationError
from core.identifiers import new_token
from core.settings import Settings
from sso.authentication.password_policy import require_strong
from sso.authentication.passwords import Passwords
from sso.directory.users import UserRegistration, Users
from sso.errors import SsoError
from vault.keys.keyring_backends import sync_directory

FILE_NAME = "first-sign-in.txt"
# The three exclude each other (三员分立).
_ADMINISTRATORS: Mapping[str, tuple[str, str]] = {
    "sysadmin": ("系统管理员", "system_admin"),
    "secadmin": ("安全管理员", "security_admin"),
    "auditadmin": ("审计管理员", "audit_admin"),
}


# An arbitrary constant shared by all processes: PostgreSQL's advisory lock number for the first start.
_LOCK = 0x59494D454F


class FirstStartParts(Protocol):
    """What the first administrators need of the house."""

    @property
    def settings(self) -> Settings: ...
    @property
    def database(self) -> Database: ...
    @property
    def users(self) -> Users: ...
    @property
    def passwords(self) -> Passwords: ...


async def create_administrators(house: FirstStartParts) -> Path | None:
    """Gives the file that holds the one-time passwords, or None when the directory has people already.

    Of processes that start together, one does it. The file is written before the accounts are there for anybody: were
    it the other way round, a full disk would leave accounts that nobody can open. A process killed in between leaves a
    file that is worth nothing, which the next start replaces. Raises ERR-SETTINGS when it cannot be written.
    """
    if await _has_people(house):
        return None
    passwords = {username: f"{new_token()[:20]}-9aZ" for username in _ADMINISTRATORS}
    hashes = await _hashed(house, passwords)
    async with house.database.write() as connection:
        if not await _is_first(house, connection):
            return None
        await _register(house, connection, hashes)
        return _write(house.settings.data_dir / FILE_NAME, passwords)


async def create_administrators_with(house: FirstStartParts, folder: Path) -> bool:
    """Takes the one-time passwords from `folder`, one file for each user name, as a mounted Secret has them.

    False when the directory has people already; then the folder is not looked at, for the Secret may be gone by now.
    Raises ERR-SETTINGS when a password is missing or weak.
    """
    if await _has_people(house):
        return False
    hashes = await _hashed(house, {username: _given(folder / username) for username in _ADMINISTRATORS})
    async with house.database.write() as connection:
        if not await _is_first(house, connection):
            return False
        await _register(house, connection, hashes)
        return True


async def _has_people(house: FirstStartParts) -> bool:
    async with house.database.read() as connection:
        return not await house.users.is_empty(connection)


async def _hashed(house: FirstStartParts, passwords: Mapping[str, str]) -> dict[str, str]:
    return {username: await house.passwords.given(password) for username, password in passwords.items()}


async def _is_first(house: FirstStartParts, connection: Connection) -> bool:
    await wait_turn(connection, _LOCK)
    return await house.users.is_empty(connection)


def _given(path: Path) -> str:
    try:
        password = path.read_text(encoding="utf-8").strip()
        require_strong(password, path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError("ERR-SETTINGS", f"{path}: no one-time password ({type(error).__name__})") from None
    except SsoError as error:
        raise ConfigurationError("ERR-SETTINGS", f"{path}: the one-time password is too weak: {error.detail}") from None
    return password


async def _register(house: FirstStartParts, connection: Connection, hashes: Mapping[str, str]) -> None:
    for username, (name, role) in _ADMINISTRATORS.items():
        registration = UserRegistration(username=username, name=name, roles=(role,), must_change_password=True)
        user_id, _ = await house.users.upsert(connection, registration, actor="system")
        await house.passwords.keep(connection, user_id, hashes[username], actor="system")
        await house.users.set_flags(connection, user_id, must_change_password=True, totp_required=True)


def _write(path: Path, passwords: Mapping[str, str]) -> Path:
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(f"{username}\t{password}\n" for username, password in passwords.items())
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
        sync_directory(path.parent)
    except OSError as error:
        raise ConfigurationError("ERR-SETTINGS", f"{path}: {error.strerror}") from error
    return path
