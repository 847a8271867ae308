"""A login request says where a password goes. One that is over, or an older version of one, is not brought back by
somebody who writes to the database, and the attempt is noticed."""

from dataclasses import replace

import pytest

from connectors.errors import ConnectorError
from connectors.login_requests import LoginRequest
from connectors.login_requests.generation import Login
from connectors.login_requests.store import Knowledge, login_request_table
from core.settings import Settings
from tests.web.conftest import add_person
from tests.web.database_writer import Row, Writer, named, told, writer
from vault.ledger.events import event_table
from web.composition import House, open_house

__all__ = ["writer"]
SYSTEM = Login("s" * 26, "1" * 26)


def request_at(path: str) -> LoginRequest:
    return LoginRequest(
        origin="http://127.0.0.1:9001", method="POST", path=path, kind="urlencoded", passwords={"password": None}
    )


async def learn(house: House, user_id: str, path: str) -> None:
    async with house.database.write() as connection:
        await house.login_requests.learn(connection, SYSTEM, user_id, [request_at(path)])


async def learn_again(house: House, user_id: str) -> None:
    async with house.database.write() as connection:
        await house.login_requests.learn_again(connection, SYSTEM, user_id)


async def keep_form(house: House, path: str) -> None:
    async with house.database.write() as connection:
        await house.login_requests.keep_form(connection, SYSTEM, request_at(path))


async def withdraw(house: House, row: Row) -> None:
    async with house.database.write() as connection:
        await house.login_requests.withdraw(connection, row["id"], actor="user:security")


async def sign(house: House, row: Row) -> None:
    async with house.database.write() as connection:
        await house.login_requests.sign(connection, row["id"], actor="user:security")


async def confirm(house: House, row: Row, user_id: str) -> None:
    async with house.database.write() as connection:
        await house.login_requests.confirm(connection, row["id"], actor=f"user:{user_id}")


async def knowledge(house: House, user_id: str) -> Knowledge:
    async with house.database.read() as connection:
        return await house.login_requests.known_for(connection, SYSTEM, user_id)


async def paths(house: House, user_id: str) -> list[str]:
    """Where a sign-in of this person may put the password."""
    return [one.request.path for one in (await knowledge(house, user_id)).requests]


async def listed(house: House) -> list[str]:
    """What the security administrator sees."""
    async with house.database.read() as connection:
        return [one.request.path for one in await house.login_requests.list(connection)]


async def is_noticed(house: House, row: Row) -> None:
    subject = f"row:{login_request_table.name}:{row['id']}"
    assert await named(house) == {subject}
    await house.row_watch.run()
    assert subject in await told(house)


async def test_a_withdrawn_login_request_put_back(house: House, writer: Writer, settings: Settings, lin: str) -> None:
    await learn(house, lin, "/old")
    before = await writer.row(login_request_table)
    await sign(house, before)
    signed = await writer.row(login_request_table)
    await withdraw(house, signed)
    assert await paths(house, lin) == await listed(house) == []
    for version in (before, signed):
        await writer.put_back(login_request_table, [version], id=version["id"])
        assert await paths(house, lin) == await listed(house) == []
        assert f"row:{login_request_table.name}:{version['id']}" in await told(house)
        async with open_house(settings) as other:
            assert await paths(other, lin) == await listed(other) == []
            await is_noticed(other, version)


async def test_what_a_person_learned_before_put_back(
    house: House, writer: Writer, settings: Settings, lin: str
) -> None:
    await learn(house, lin, "/old")
    before = await writer.row(login_request_table)
    await learn(house, lin, "/new")
    assert await paths(house, lin) == ["/new"]
    await writer.put_back(login_request_table, [before], id=before["id"])
    assert await paths(house, lin) == ["/new"]
    async with open_house(settings) as other:
        assert await paths(other, lin) == ["/new"]
        await is_noticed(other, before)


async def test_the_form_of_before_put_back(house: House, writer: Writer, settings: Settings, lin: str) -> None:
    await keep_form(house, "/old")
    before = await writer.row(login_request_table)
    await keep_form(house, "/new")
    await writer.put_back(login_request_table, [before], id=before["id"])
    async with open_house(settings) as other:
        assert await paths(other, lin) == ["/new"]
        await keep_form(other, "/new")
        assert await paths(other, lin) == ["/new"]
        await is_noticed(other, before)


async def test_the_mark_that_a_person_may_learn_again_put_back(
    house: House, writer: Writer, settings: Settings, lin: str
) -> None:
    await learn(house, lin, "/login")
    await learn_again(house, lin)
    assert (await knowledge(house, lin)).may_learn
    (mark,) = await writer.rows(login_request_table, withdrawn_at=None)
    await learn(house, lin, "/login")
    await writer.put_back(login_request_table, [mark], id=mark["id"])
    async with open_house(settings) as other:
        assert not (await knowledge(other, lin)).may_learn
        await is_noticed(other, mark)


async def test_the_mark_of_one_person_given_to_another(house: House, writer: Writer, lin: str) -> None:
    boss = await add_person(house, "boss", "某人")
    await learn(house, boss, "/login")
    await learn_again(house, lin)
    (mark,) = await writer.rows(login_request_table, user_id=lin)
    for forged in ({**mark, "user_id": boss}, {**mark, "user_id": boss, "id": "z" * 26}):
        await writer.put_back(login_request_table, [forged], id=mark["id"])
        assert not (await knowledge(house, boss)).may_learn
        await writer.put_back(login_request_table, [mark], id=forged["id"])
    assert f"row:{login_request_table.name}:{'z' * 26}" in await told(house)


@pytest.mark.parametrize("user_id", ["another person", "everybody"])
async def test_what_one_person_learned_given_to_others(house: House, writer: Writer, lin: str, user_id: str) -> None:
    boss = await add_person(house, "boss", "某人")
    await learn(house, lin, "/mine")
    row = await writer.row(login_request_table)
    await writer.change(login_request_table, row, user_id=boss if user_id == "another person" else None)
    assert await paths(house, boss) == await paths(house, lin) == await listed(house) == []
    await is_noticed(house, row)


async def test_a_signature_is_not_undone(house: House, writer: Writer, lin: str) -> None:
    """The version of before counts for the one who taught it alone, and would let them learn another."""
    await learn(house, lin, "/login")
    before = await writer.row(login_request_table)
    await sign(house, before)
    await writer.put_back(login_request_table, [before], id=before["id"])
    assert await paths(house, lin) == []
    await is_noticed(house, before)


async def test_a_confirmation_is_not_undone(house: House, writer: Writer, lin: str) -> None:
    await keep_form(house, "/login")
    before = await writer.row(login_request_table)
    await confirm(house, before, lin)
    assert not (await knowledge(house, lin)).may_learn
    await confirm(house, before, lin)
    await writer.put_back(login_request_table, [before], id=before["id"])
    assert await paths(house, lin) == []
    await is_noticed(house, before)


async def test_the_end_of_a_login_request_taken_away_by_hand(house: House, writer: Writer, lin: str) -> None:
    await learn(house, lin, "/old")
    row = await writer.row(login_request_table)
    await withdraw(house, row)
    await writer.change(login_request_table, row, withdrawn_at=None)
    assert await paths(house, lin) == []
    await is_noticed(house, row)


@pytest.mark.parametrize("over", [False, True])
async def test_a_login_request_deleted_by_somebody_else_is_named(
    house: House, writer: Writer, lin: str, over: bool
) -> None:
    await learn(house, lin, "/login")
    row = await writer.row(login_request_table)
    if over:
        await withdraw(house, row)
    await writer.remove(login_request_table, id=row["id"])
    await is_noticed(house, row)


async def test_an_old_version_put_back_and_the_newest_event_deleted(
    house: House, writer: Writer, settings: Settings, lin: str
) -> None:
    await learn(house, lin, "/old")
    before = await writer.row(login_request_table)
    await withdraw(house, before)
    after = await writer.row(login_request_table)
    await house.ledger.sequence()
    await writer.put_back(login_request_table, [before], id=before["id"])
    await writer.forget_events(event_table.c.id == after["anchor"])
    assert any(one.startswith("position:") for one in await named(house))


async def test_one_of_an_older_generation_put_back_counts_for_nothing_though_its_newest_event_is_deleted(
    house: House, writer: Writer, settings: Settings, lin: str
) -> None:
    await learn(house, lin, "/old")
    before = await writer.row(login_request_table)
    await withdraw(house, before)
    after = await writer.row(login_request_table)
    await writer.put_back(login_request_table, [before], id=before["id"])
    await writer.forget_events(event_table.c.id == after["anchor"])
    async with open_house(settings) as other, other.database.read() as connection:
        now = replace(SYSTEM, generation="2" * 26)
        assert len((await other.login_requests.known_for(connection, SYSTEM, lin)).requests) == 1
        found = await other.login_requests.known_for(connection, now, lin)
    assert found.requests == []
    assert found.may_learn


async def test_the_form_of_an_older_generation_is_read_again(house: House, writer: Writer, lin: str) -> None:
    await keep_form(house, "/login")
    now = replace(SYSTEM, generation="2" * 26)
    async with house.database.write() as connection:
        await house.login_requests.keep_form(connection, now, request_at("/login"))
        assert len((await house.login_requests.known_for(connection, now, lin)).requests) == 1
    assert await paths(house, lin) == []
    assert await named(house) == set()


async def test_a_version_put_back_is_neither_signed_nor_withdrawn(house: House, writer: Writer, lin: str) -> None:
    await learn(house, lin, "/old")
    before = await writer.row(login_request_table)
    await withdraw(house, before)
    await writer.put_back(login_request_table, [before], id=before["id"])
    for act in (sign, withdraw):
        with pytest.raises(ConnectorError, match="ERR-LOGIN_REQUEST"):
            await act(house, before)
    await is_noticed(house, before)


async def test_an_operator_ends_one_that_was_put_back_by_marking_and_accepting_it(
    house: House, writer: Writer, lin: str
) -> None:
    await learn(house, lin, "/old")
    before = await writer.row(login_request_table)
    await withdraw(house, before)
    await writer.put_back(login_request_table, [before], id=before["id"])
    await writer.change(login_request_table, before, withdrawn_at=before["created_at"])
    await house.acceptance.accept(login_request_table.name, before["id"], actor="operator:x", reason="looked at")
    assert await named(house) == set()
    assert await paths(house, lin) == []


async def test_every_act_of_yimen_itself_leaves_a_clean_check(house: House, lin: str, writer: Writer) -> None:
    boss = await add_person(house, "boss", "某人")
    await keep_form(house, "/a")
    await keep_form(house, "/b")
    await keep_form(house, "/b")
    (form,) = await writer.rows(login_request_table, withdrawn_at=None)
    await confirm(house, form, lin)
    await sign(house, form)
    await learn(house, lin, "/c")
    await learn_again(house, lin)
    await learn_again(house, lin)
    async with house.database.write() as connection:
        await house.login_requests.propose(connection, SYSTEM, boss, request_at("/d"))
        await house.login_requests.propose(connection, SYSTEM, lin, request_at("/d"))
    assert (await paths(house, lin), await paths(house, boss)) == (["/b"], ["/d", "/b"])
    assert await listed(house) == ["/d", "/b"]
    assert await named(house) == set()
    rotated = await house.rotation.rotate_rows(actor="operator:x", grace=0)
    assert rotated.left == 0
    assert await paths(house, boss) == ["/d", "/b"]
