"""What `yimen apply` refuses, and that it then leaves everything as it was."""

from pathlib import Path

import pytest

from connectors.apply.document import parse_county
from connectors.apply.plan import apply_county
from connectors.errors import ConnectorError
from core.errors import YimenError
from web.cli.apply import apply_parts
from web.composition import House

PEOPLE = """
users:
  - {username: wang, name: 王晓雯}
  - {username: zhou, name: 周安, roles: [security_admin]}
"""
PLAIN_HTTP = "way_in: [{kind: gateway}], upstream: 'http://10.0.0.1'"
NO_WAY = "way_in: [{kind: none, reason: 没有网页}]"
AN_ITEM = (
    f"systems: [{{slug: zhihui, name: {{zh: x}}, {NO_WAY}}}]\nitems: [{{system: zhihui, owner: {{user: wang}}, login: w"
)
CLIENT = "client_id: hall, client_secret: 0123456789abcdef0123456789abcdef, redirect_uris: ['https://a.example/']"


async def refusal(house: House, county: str, folder: Path = Path()) -> str:
    """The code and words of the refusal."""
    with pytest.raises(YimenError) as caught:
        await apply_county(apply_parts(house), parse_county(county), actor="operator:test", folder=folder)
    async with house.database.read() as connection:
        assert await house.users.search(connection) == []
    return str(caught.value)


@pytest.mark.parametrize(
    ("county", "words"),
    [
        (
            "organisations: [{id: a, name: x}, {id: b, name: y}, {id: a, name: z}]",
            "organisations[0] and organisations[2]",
        ),
        ("users: [{username: DD, name: x}, {username: ｄｄ, name: y}]", "users[0] and users[1]"),
        ("clients: [{client_id: a}, {client_id: a}]", "clients[0] and clients[1]"),
        (f"systems: [{{slug: aa, name: {{zh: x}}, {NO_WAY}}}, {{slug: aa, name: {{zh: y}}, {NO_WAY}}}]", "systems[1]"),
        ("recipes: [{id: a}, {id: b}, {id: a, title: x}]", "recipes[0] and recipes[2]"),
        (
            "items: [{system: a, owner: {user: W}, login: x, password: y}, {system: a, owner: {user: w}, login: z, "
            "password: y}]",
            "items[0] and items[1]",
        ),
    ],
)
async def test_one_thing_that_stands_in_the_file_twice_is_refused_with_both_places(
    house: House, county: str, words: str
) -> None:
    said = await refusal(house, county)
    assert said.startswith("ERR-APPLY_FILE: ")
    assert words in said


async def test_two_accounts_of_one_person_differ_by_their_label(house: House) -> None:
    county = (
        PEOPLE + AN_ITEM + ", password: a}, {system: zhihui, owner: {user: wang}, login: w, label: 二, password: b}]"
    )
    steps = await apply_county(apply_parts(house), parse_county(county), actor="operator:test")
    assert [step.name for step in steps if step.kind == "item"] == ["zhihui of wang", "zhihui of wang (二)"]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (f"systems: [{{slug: aa, name: {{zh: x}}, {NO_WAY}, owner: nowhere}}]", "ERR-ORGANISATION: system aa: owner"),
        (
            f"systems: [{{slug: aa, name: {{zh: x}}, {NO_WAY}, access: {{organisations: [qx, nowhere]}}}}]",
            "ERR-ORGANISATION: system aa: access.organisations",
        ),
        (f"systems: [{{slug: aa, name: {{zh: x}}, {NO_WAY}, recipe: none}}]", "ERR-RECIPE: system aa: recipe"),
        (
            f"systems: [{{slug: aa, name: {{zh: x}}, {PLAIN_HTTP}, http_approved_by: nobody}}]",
            "ERR-USERNAME: system aa: http_approved_by",
        ),
        (
            f"systems: [{{slug: aa, name: {{zh: x}}, {PLAIN_HTTP}, http_approved_by: wang}}]",
            "ERR-ROLES: system aa: http_approved_by",
        ),
        (f"clients: [{{{CLIENT}, owner: nowhere}}]", "ERR-ORGANISATION: client hall: owner"),
        (
            f"clients: [{{{CLIENT}, access: {{organisations: [nowhere]}}}}]",
            "ERR-ORGANISATION: client hall: access.organisations",
        ),
    ],
)
async def test_what_is_named_must_be_there(house: House, entry: str, words: str) -> None:
    assert words in await refusal(house, PEOPLE + entry)


async def test_plain_http_that_the_security_administrator_signed_for_is_applied(house: House) -> None:
    county = f"{PEOPLE}\nsystems: [{{slug: aa, name: {{zh: x}}, {PLAIN_HTTP}, http_approved_by: ZHOU, owner: qx}}]"
    await apply_county(apply_parts(house), parse_county(county), actor="operator:test")


@pytest.mark.parametrize("secret", ["{env: YIMEN_TEST_EMPTY}", "{file: EMPTY}", "{file: BINARY}", "{file: /dev/zero}"])
async def test_a_secret_from_elsewhere_that_is_none_is_refused_with_its_place(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("YIMEN_TEST_EMPTY", "")
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    secret = secret.replace("EMPTY}", f"{tmp_path}/empty}}") if "file" in secret else secret
    secret = secret.replace("BINARY", f"{tmp_path}/binary")
    said = await refusal(house, PEOPLE + f"{AN_ITEM}, password: {secret}}}]")
    assert said.startswith("ERR-APPLY_SECRET: item zhihui of wang: password: ")
    said = await refusal(house, f"users: [{{username: wang, name: 王, password: {secret}}}]")
    assert said.startswith("ERR-APPLY_SECRET: user wang: password: ")


async def test_a_password_that_is_longer_than_any_sign_in_takes_is_refused(house: House) -> None:
    said = await refusal(house, f"users: [{{username: wang, name: 王, password: {'Aa1-' * 33}}}]")
    assert said.startswith("ERR-APPLY_SECRET: user wang: password: ")
    assert "Aa1-" not in said


async def test_a_recipe_file_that_cannot_be_read_is_named(house: House, tmp_path: Path) -> None:
    said = await refusal(house, "recipes: [missing.yaml]", tmp_path)
    assert said.startswith("ERR-APPLY_FILE: recipe missing.yaml: ")


async def test_a_character_that_json_escapes_as_a_pair_is_one_character(house: House) -> None:
    escaped = '"password": "Lan-\\ud83d\\ude42-2026"'
    county = f'{{"users": [{{"username": "wang", "name": "\\ud842\\udfb7", {escaped}}}]}}'
    await apply_county(apply_parts(house), parse_county(county), actor="operator:test")
    async with house.database.read() as connection:
        user = await house.users.find_by_username(connection, "wang")
        assert user is not None
        assert user.name == "𠮷"
        kept = await house.passwords.current(connection, user.id)
    assert await house.passwords.verify(kept, "Lan-🙂-2026")


def test_half_of_such_a_pair_is_refused() -> None:
    with pytest.raises(ConnectorError, match="ERR-APPLY_FILE: line 1: half a surrogate pair"):
        parse_county('{"users": [{"username": "wang", "name": "x", "password": "\\ud800"}]}')


@pytest.mark.parametrize(("password", "state"), [("same-as-before-1", "frozen"), ("another-one-2", "active")])
async def test_a_frozen_account_is_tried_again_with_another_password_only(
    house: House, password: str, state: str
) -> None:
    def county(secret: str) -> str:
        return f"{PEOPLE}{AN_ITEM}, password: {secret}}}]"

    async def apply(secret: str) -> None:
        await apply_county(apply_parts(house), parse_county(county(secret)), actor="operator:test")

    await apply("same-as-before-1")
    async with house.database.write() as connection:
        user = await house.users.find_by_username(connection, "wang")
        assert user is not None
        item = (await house.items.list(connection, owners=[f"user:{user.id}"]))[0]
        await house.items.freeze(connection, item.id, "failure", actor="system")
    await apply(password)
    async with house.database.read() as connection:
        assert (await house.items.find(connection, item.id)).state == state


MOVED = """
systems: [{{slug: oa, name: {{zh: 办公}}, way_in: [{{kind: gateway}}], upstream: "{upstream}"{more}}}]
"""
ACCOUNT = """
users: [{username: wang, name: 王}]
items: [{system: oa, owner: {user: wang}, login: w, password: same-as-before-1}]
"""


async def destination(house: House) -> str | None:
    async with house.database.read() as connection:
        user = await house.users.find_by_username(connection, "wang")
        assert user is not None
        (item,) = await house.items.list(connection, owners=[f"user:{user.id}"])
    return item.destination


@pytest.mark.parametrize(
    ("more", "with_account", "moves"),
    [
        ("", False, False),
        (', rebinds_from: "https://10.0.0.9"', False, False),
        (', rebinds_from: "https://10.0.0.1"', False, True),
        ("", True, True),
    ],
)
async def test_accounts_follow_a_system_that_moves_only_when_the_file_says_so(
    house: House, more: str, with_account: bool, moves: bool
) -> None:
    async def apply(text: str) -> None:
        await apply_county(apply_parts(house), parse_county(text), actor="operator:test")

    await apply(MOVED.format(upstream="https://10.0.0.1", more="") + ACCOUNT)
    assert await destination(house) == "https://10.0.0.1"
    await apply(MOVED.format(upstream="https://10.0.0.2", more=more) + (ACCOUNT if with_account else ""))
    assert await destination(house) == ("https://10.0.0.2" if moves else "https://10.0.0.1")
    assert await house.recovery.check() == {}
