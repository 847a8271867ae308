import dataclasses
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from core.clock import FrozenClock
from core.database import Database
from sso.directory.people import user_table
from sso.directory.roles import Role, require_compatible
from sso.directory.users import Post, User, UserRegistration, Users
from sso.errors import SsoError
from vault.ledger.events import event_table

ID_CARD = "330999198805121234"
MOBILE = "13812346621"
SECOND_MOBILE = "13712340088"
WANG = UserRegistration(
    username="wangxm.zf",
    name="王晓梅",
    posts=(Post("qx-xt-dz", "科员", main=True), Post("qx-xt-lx", "驻村干部")),
    email="wangxm@qx.gov.cn",
    mobile=MOBILE,
    second_mobile=SECOND_MOBILE,
    short_number="66121",
    id_card=ID_CARD,
    employee_number="QX0421",
    title="一级科员",
)


async def put(database: Database, users: Users, registration: UserRegistration) -> tuple[str, tuple[str, ...]]:
    async with database.write() as connection:
        return await users.upsert(connection, registration, actor="operator:test")


async def wang(database: Database, users: Users) -> User:
    async with database.read() as connection:
        user = await users.find_by_username(connection, "wangxm.zf")
    assert user is not None
    return user


async def test_a_person_comes_back_with_posts_and_every_organisation_above(
    database: Database, users: Users, tree: None
) -> None:
    await put(database, users, WANG)
    user = await wang(database, users)
    assert [(post.organisation_name, post.title) for post in user.posts] == [("党政办", "科员"), ("柳溪村", "驻村干部")]
    assert user.organisations == {"qx-xt-dz", "qx-xt-lx", "qx-xt", "qx"}
    assert user.roles == {Role.CADRE}
    assert user.is_active
    assert not user.is_administrator


@pytest.mark.parametrize("typed", ["WANGXM.ZF", "ｗangxm．zf", " wangxm.zf "])
async def test_a_person_is_found_by_every_spelling_of_the_user_name(
    database: Database, users: Users, tree: None, typed: str
) -> None:
    identifier, _ = await put(database, users, WANG)
    async with database.read() as connection:
        found = await users.find_by_username(connection, typed)
    assert found is not None
    assert found.id == identifier
    again, changed = await put(database, users, dataclasses.replace(WANG, username=typed))
    assert (again, changed) == (identifier, ())


async def test_putting_the_same_in_again_changes_nothing(database: Database, users: Users, tree: None) -> None:
    first, changed = await put(database, users, WANG)
    assert changed == ("created",)
    assert await put(database, users, WANG) == (first, ())


async def test_a_change_is_named_without_its_value(database: Database, users: Users, tree: None) -> None:
    await put(database, users, WANG)
    moved = dataclasses.replace(
        WANG, name="王小梅", mobile="13900001111", posts=(Post("qx-xt-lx", "第一书记", main=True),)
    )
    _, changed = await put(database, users, moved)
    assert set(changed) == {"name", "mobile", "posts"}
    async with database.read() as connection:
        events = [str(row) for row in await connection.execute(event_table.select())]
    for secret in (MOBILE, "13900001111", ID_CARD):
        assert secret not in "".join(events)


async def test_mobile_and_id_card_stand_nowhere_in_the_clear(database: Database, users: Users, tree: None) -> None:
    await put(database, users, WANG)
    user = await wang(database, users)
    assert user.masked_mobile == "138****6621"
    async with database.read() as connection:
        row = (await connection.execute(select(user_table))).one()
    for secret in (MOBILE, SECOND_MOBILE, ID_CARD):
        assert secret not in repr(row)
        assert secret not in repr(WANG)


@pytest.mark.parametrize("number", [MOBILE, SECOND_MOBILE, "+86 137 1234 0088"])
async def test_people_are_found_by_either_of_their_mobile_numbers(
    database: Database, users: Users, tree: None, number: str
) -> None:
    await put(database, users, WANG)
    async with database.read() as connection:
        assert [user.short_number for user in await users.list_by_mobile(connection, number)] == ["66121"]


async def test_a_post_counts_only_on_its_days(database: Database, users: Users, clock: FrozenClock, tree: None) -> None:
    midnight = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)  # in the county
    clock.advance(midnight - timedelta(seconds=1) - clock.now())
    today = date(2026, 11, 23)
    posts = (
        Post("qx-xt-dz", "科员", main=True, until=today),
        Post("qx-xt-lx", "驻村干部", since=today + timedelta(days=1)),
    )
    await put(database, users, dataclasses.replace(WANG, posts=posts))
    assert [post.organisation_id for post in (await wang(database, users)).posts] == ["qx-xt-dz"]
    clock.advance(timedelta(seconds=1))
    user = await wang(database, users)
    assert [post.organisation_id for post in user.posts] == ["qx-xt-lx"]
    assert "qx-xt-dz" not in user.organisations


@pytest.mark.parametrize(
    "wrong",
    [
        dataclasses.replace(WANG, posts=(Post("nowhere"),)),
        dataclasses.replace(WANG, roles=("cadre", "audit_admin")),
        dataclasses.replace(WANG, roles=("system_admin", "security_admin")),
        dataclasses.replace(WANG, roles=("super_admin",)),
        dataclasses.replace(WANG, username="wang xm"),
        dataclasses.replace(WANG, posts=(Post("qx", main=True), Post("qx-xt", main=True))),
        dataclasses.replace(WANG, posts=(Post("qx", since=date(2026, 2, 1), until=date(2026, 1, 1)),)),
        dataclasses.replace(WANG, status="sleeping"),
        dataclasses.replace(WANG, mobile="1381234"),
        dataclasses.replace(WANG, second_mobile="1381234"),
        dataclasses.replace(WANG, short_number="6-6121"),
        dataclasses.replace(WANG, id_card="330999198805121230"),
        dataclasses.replace(WANG, name=""),
        dataclasses.replace(WANG, email="nobody"),
    ],
)
async def test_what_a_person_cannot_be_is_refused_and_nothing_is_written(
    database: Database, users: Users, tree: None, wrong: UserRegistration
) -> None:
    with pytest.raises(SsoError, match=r"ERR-(POST|ROLES|USERNAME|USER)"):
        await put(database, users, wrong)
    async with database.read() as connection:
        assert (await connection.execute(select(user_table))).all() == []


@pytest.mark.parametrize("admin", ["system_admin", "security_admin", "audit_admin"])
def test_an_administrator_has_no_other_role(admin: str) -> None:
    assert require_compatible([admin]) == {Role(admin)}
    for other in Role:
        if other.value != admin:
            with pytest.raises(SsoError, match="ERR-ROLES"):
                require_compatible([admin, other])
    assert require_compatible(["cadre", "steward"]) == {Role.CADRE, Role.STEWARD}


async def test_people_are_listed_page_by_page(database: Database, users: Users, tree: None) -> None:
    for number in range(7):
        await put(database, users, UserRegistration(f"user{number}", f"用户{number}"))
    seen: list[str] = []
    async with database.read() as connection:
        while page := await users.search(connection, after=seen[-1] if seen else "", limit=3):
            seen += [user.username for user in page]
        assert [user.username for user in await users.search(connection, text="用户3")] == ["user3"]
        assert await users.search(connection, text="%") == []
    assert seen == [f"user{number}" for number in range(7)]
