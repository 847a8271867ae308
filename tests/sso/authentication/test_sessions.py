"""Sessions end with their time, their person and their revocation, at once and everywhere."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from core.clock import FrozenClock
from core.database import Database
from core.expiry import Expiry
from sso.authentication.endings import session_table
from sso.authentication.sessions import Session, Sessions
from sso.directory.users import User, Users
from sso.errors import SsoError
from tests.sso.authentication.conftest import Person


async def start(database: Database, sessions: Sessions, user: User) -> tuple[Session, str]:
    async with database.write() as connection:
        return await sessions.start(connection, user, amr=("pwd",), address="192.0.2.1", user_agent="")


async def lives(database: Database, sessions: Sessions, token: str) -> bool:
    async with database.read() as connection:
        return await sessions.find(connection, token) is not None


@pytest.mark.parametrize(("role", "minutes"), [("cadre", 30), ("security_admin", 15)])
async def test_a_session_ends_when_nobody_is_there(
    database: Database, clock: FrozenClock, sessions: Sessions, person: Person, role: str, minutes: int
) -> None:
    _, token = await start(database, sessions, await person(roles=frozenset({role})))
    clock.advance(timedelta(minutes=minutes, seconds=-1))
    assert await sessions.present(database, token) is not None
    clock.advance(timedelta(minutes=minutes, seconds=-1))
    assert await lives(database, sessions, token), "being there prolongs it"
    clock.advance(timedelta(seconds=1))
    assert not await lives(database, sessions, token)


async def test_no_presence_prolongs_a_session_beyond_its_day(
    database: Database, clock: FrozenClock, sessions: Sessions, person: Person
) -> None:
    _, token = await start(database, sessions, await person())
    for _ in range(12 * 3):
        assert await sessions.present(database, token) is not None
        clock.advance(timedelta(minutes=20))
    assert not await lives(database, sessions, token)


async def test_a_person_sees_their_sessions_and_ends_one_or_all_others(
    database: Database, sessions: Sessions, person: Person
) -> None:
    lin, wang = await person(), await person("wang")
    (one, first), (_, second), (third, last) = [await start(database, sessions, lin) for _ in range(3)]
    _, other = await start(database, sessions, wang)
    async with database.write() as connection:
        assert len(await sessions.list(connection, lin.id)) == 3
        assert await sessions.revoke(connection, one.id, actor="user:x", reason="revoked")
        assert not await sessions.revoke(connection, one.id, actor="user:x", reason="revoked")
        assert await sessions.revoke_all(connection, lin.id, actor="user:x", reason="revoked", keep=third.id) == 1
    assert [await lives(database, sessions, token) for token in (first, second, last, other)] == [
        False,
        False,
        True,
        True,
    ]


async def test_disabling_a_person_ends_their_sessions_and_enabling_brings_none_back(
    database: Database, sessions: Sessions, users: Users, person: Person
) -> None:
    lin = await person()
    _, token = await start(database, sessions, lin)
    async with database.write() as connection:
        await users.set_status(connection, lin.id, "disabled", actor="operator:test")
    assert not await lives(database, sessions, token)
    async with database.write() as connection:
        await users.set_status(connection, lin.id, "active", actor="operator:test")
    assert not await lives(database, sessions, token)


async def test_an_ended_session_cannot_be_stepped_up(database: Database, sessions: Sessions, person: Person) -> None:
    session, _ = await start(database, sessions, await person())
    async with database.write() as connection:
        await sessions.revoke(connection, session.id, actor="user:x", reason="revoked")
        with pytest.raises(SsoError, match="ERR-SESSION"):
            await sessions.step_up(connection, session, ("pwd",))


async def test_the_database_knows_no_token(database: Database, sessions: Sessions, person: Person) -> None:
    _, token = await start(database, sessions, await person())
    async with database.read() as connection:
        rows = (await connection.execute(select(session_table))).all()
    assert token not in repr(rows)
    assert not await lives(database, sessions, rows[0].id), "the sid that clients are told opens nothing"


async def test_what_is_long_over_is_forgotten(
    database: Database, clock: FrozenClock, sessions: Sessions, person: Person
) -> None:
    await start(database, sessions, await person())
    clock.advance(timedelta(hours=35))
    expiry = Expiry(database, clock)
    assert await expiry.run() == 0
    clock.advance(timedelta(hours=1))
    assert await expiry.run() == 1
