from collections.abc import Awaitable, Callable

import pytest

from core.clock import FrozenClock
from core.database import Database
from core.settings import Settings
from sso.authentication.lockout import Lockout
from sso.authentication.passwords import PasswordHashing, Passwords
from sso.authentication.sessions import Sessions
from sso.authentication.sign_in import Caller, SignIn
from sso.authentication.totp import Totp
from sso.directory.users import Post, User, UserRegistration, Users
from vault.keys.sealing import Sealer
from vault.ledger import Ledger
from vault.rows import SignedRows

PASSWORD = "Lan-ting-2026!"
HERE = Caller("192.0.2.10", "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0", "browser-a")
Person = Callable[..., Awaitable[User]]


@pytest.fixture
def passwords(clock: FrozenClock, settings: Settings, rows: SignedRows) -> Passwords:
    return Passwords(clock, settings, PasswordHashing(), rows)


@pytest.fixture
def lockout(
    database: Database, clock: FrozenClock, settings: Settings, sealer: Sealer, rows: SignedRows, ledger: Ledger
) -> Lockout:
    return Lockout(database, clock, settings, sealer, rows, ledger)


@pytest.fixture
def totp(clock: FrozenClock, sealer: Sealer, ledger: Ledger, rows: SignedRows) -> Totp:
    return Totp(clock, sealer, ledger, rows)


@pytest.fixture
def sessions(clock: FrozenClock, settings: Settings, ledger: Ledger, rows: SignedRows) -> Sessions:
    return Sessions(clock, settings, ledger, rows)


@pytest.fixture
def sign_in(
    database: Database,
    clock: FrozenClock,
    users: Users,
    passwords: Passwords,
    lockout: Lockout,
    totp: Totp,
    sessions: Sessions,
    ledger: Ledger,
    rows: SignedRows,
) -> SignIn:
    return SignIn(database, clock, users, passwords, lockout, totp, sessions, ledger, rows)


@pytest.fixture
def person(database: Database, users: Users, passwords: Passwords, tree: None) -> Person:
    """Registers somebody with PASSWORD; flags as `Users.set_flags` takes them."""

    async def register(username: str = "lin", roles: frozenset[str] = frozenset({"cadre"}), **flags: bool) -> User:
        registration = UserRegistration(
            username=username, name="林晓岚", roles=sorted(roles), posts=(Post("qx-xt-lx", "网格员", True),)
        )
        hashed = await passwords.given(PASSWORD)
        async with database.write() as connection:
            user_id, _ = await users.upsert(connection, registration, actor="operator:test")
            await passwords.keep(connection, user_id, hashed, actor="operator:test")
            await users.set_flags(connection, user_id, actor="operator:test", **({"totp_required": False} | flags))
            user = await users.find(connection, user_id)
        assert user is not None
        return user

    return register
