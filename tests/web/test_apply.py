"""What `yimen apply` refuses, and that it then leaves everything as it was."""

import json
from pathlib import Path

import pytest
from sqlalchemy import func, select

from connectors.apply.document import parse_county
from connectors.apply.portions import apply_county
from connectors.errors import ConnectorError
from connectors.legacy.recipe.store import recipe_table
from connectors.login_requests.generation import origins_of
from connectors.systems import System
from core.errors import YimenError
from tests.core.certificates import Issued
from tests.web.database_writer import Writer
from vault.items import Item
from vault.ledger.events import event_table
from vault.tickets import Use
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


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ("upstream_ca: hello, upstream_ca_approved_by: zhou", "no certificate"),
        ("upstream_ca: PEM", "upstream_ca_approved_by"),
        ("upstream_ca: PEM, upstream_ca_approved_by: wang", "ERR-ROLES: system aa: upstream_ca_approved_by"),
        ("upstream_ca: PEM, upstream_ca_approved_by: zhou, upstream: 'http://a.test', http_approved_by: zhou", "https"),
    ],
)
async def test_an_authority_of_the_countys_own_is_signed_for(house: House, changes: str, words: str) -> None:
    changes = changes.replace("PEM", json.dumps(Issued("county", authority=True).pem))
    upstream = "" if "upstream:" in changes else "upstream: 'https://a.test', "
    system = f"systems: [{{slug: aa, name: {{zh: x}}, way_in: [{{kind: gateway}}], {upstream}{changes}}}]"
    assert words in await refusal(house, PEOPLE + system)


@pytest.mark.parametrize(("days", "warned"), [(9, False), (-1, True)])
async def test_a_certificate_past_its_end_is_pointed_out(house: House, days: int, warned: bool) -> None:
    pem = json.dumps(Issued("county", authority=True, days=days).pem)
    signed = f"upstream_ca: {pem}, upstream_ca_approved_by: zhou"
    system = f"systems: [{{slug: aa, name: {{zh: x}}, {PLAIN_HTTP.replace('http:', 'https:')}, {signed}}}]"
    steps = await apply_county(apply_parts(house), parse_county(PEOPLE + system), actor="operator:test")
    assert bool(steps[-1].warnings) is warned


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


async def apply(house: House, text: str) -> None:
    await apply_county(apply_parts(house), parse_county(text), actor="operator:test")


async def the_account(house: House) -> tuple[Item, System]:
    """The one account, and its system."""
    async with house.database.read() as connection:
        system = await house.systems.find_by_slug(connection, "oa")
        assert system is not None
        (item,) = await house.items.of_system(connection, system.id)
    return item, system


async def opens(house: House) -> bool:
    item, system = await the_account(house)
    use = Use("session:s", system.destination, "")
    async with house.database.write() as connection:
        ticket = await house.tickets.issue(connection, item.id, use, actor="x", purpose="fill")
    try:
        (await house.items.redeem(ticket, use)).wipe()
    except YimenError as error:
        if error.code != "ERR-ITEM_DESTINATION":
            raise
        return False
    return True


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
    await apply(house, MOVED.format(upstream="https://10.0.0.1", more="") + ACCOUNT)
    assert await opens(house)
    await apply(house, MOVED.format(upstream="https://10.0.0.2", more=more) + (ACCOUNT if with_account else ""))
    item, _ = await the_account(house)
    assert origins_of(item.destination or "") == ("https://10.0.0.2" if moves else "https://10.0.0.1")
    assert await opens(house) == moves
    assert await house.recovery.check() == {}


async def test_accounts_of_an_older_generation_of_the_same_address_follow_when_the_file_names_it(house: House) -> None:
    for upstream in ("https://10.0.0.1", "https://10.0.0.2", "https://10.0.0.1"):
        await apply(house, MOVED.format(upstream=upstream, more="") + (ACCOUNT if not await is_there(house) else ""))
    assert not await opens(house)
    await apply(house, MOVED.format(upstream="https://10.0.0.1", more=', rebinds_from: "https://10.0.0.1"'))
    assert await opens(house)


async def is_there(house: House) -> bool:
    async with house.database.read() as connection:
        return await house.systems.find_by_slug(connection, "oa") is not None


RECIPES = """
recipes:
  - {{id: oa, title: {title}, request: {{path: {path}, content: json, password_field: /p}}}}
  - {{id: other, request: {{path: /other, content: json, password_field: /p}}}}
"""
WITH_RECIPE = RECIPES + MOVED
HERE = "https://10.0.0.1"


async def rebinds(house: House) -> int:
    async with house.database.read() as connection:
        query = select(func.count()).where(event_table.c.action == "vault.rebind")
        return await connection.scalar(query) or 0


@pytest.mark.parametrize("recipe", ["{id: none}", "oa", "other"])
async def test_a_recipe_that_leads_the_login_elsewhere_takes_the_accounts_along(house: House, recipe: str) -> None:
    """The recipe is added, changed, or another one takes its place."""
    added, changed = recipe == "{id: none}", recipe == "oa"
    first = "" if added else ", recipe: oa"
    await apply(house, WITH_RECIPE.format(title="x", path="/login", upstream=HERE, more=first) + ACCOUNT)
    before, system = await the_account(house)
    then = {
        "path": "/elsewhere" if changed else "/login",
        "more": ", recipe: other" if recipe == "other" else ", recipe: oa",
    }
    await apply(house, WITH_RECIPE.format(title="x", upstream=HERE, **then))
    after, moved = await the_account(house)
    assert moved.login_generation != system.login_generation
    assert after.destination == moved.destination != before.destination
    assert await opens(house)
    assert await rebinds(house) == 1
    assert await house.recovery.check() == {}


async def test_a_recipe_that_is_taken_away_takes_the_accounts_along_too(house: House) -> None:
    described = {"title": "x", "path": "/login", "upstream": HERE}
    await apply(house, WITH_RECIPE.format(**described, more=", recipe: oa") + ACCOUNT)
    _, before = await the_account(house)
    await apply(house, WITH_RECIPE.format(**described, more=""))
    assert (await the_account(house))[1].login_generation != before.login_generation
    assert await opens(house)


async def test_what_a_recipe_says_beside_the_login_begins_no_generation(house: House) -> None:
    described = {"path": "/login", "upstream": HERE, "more": ", recipe: oa"}
    await apply(house, WITH_RECIPE.format(**described, title="x") + ACCOUNT)
    before = await the_account(house)
    await apply(house, WITH_RECIPE.format(**described, title="y"))
    assert await the_account(house) == before
    assert await rebinds(house) == 0


async def test_a_recipe_and_an_address_that_change_at_once_take_no_account_along(house: House) -> None:
    await apply(house, WITH_RECIPE.format(title="x", path="/a", upstream=HERE, more=", recipe: oa") + ACCOUNT)
    moved = {"title": "x", "path": "/b", "upstream": "https://10.0.0.2"}
    await apply(house, WITH_RECIPE.format(**moved, more=", recipe: oa"))
    assert not await opens(house)
    await apply(house, WITH_RECIPE.format(**moved, more=f', recipe: oa, rebinds_from: "{HERE}"'))
    assert await opens(house)


async def test_an_older_version_of_a_recipe_put_back_is_not_used(house: House) -> None:
    """Also where somebody deletes the event of the newer one."""
    described = {"title": "x", "upstream": HERE, "more": ", recipe: oa"}
    for path in ("/old", "/new"):
        await apply(house, WITH_RECIPE.format(**described, path=path))
    writer = Writer(house)
    (told,) = [
        one
        for one in await writer.rows(event_table, action="recipe.change", subject="recipe:oa")
        if one["detail"]["version"] == 2
    ]
    await writer.remove(recipe_table, id="oa", version=2)
    await writer.forget_events(event_table.c.id == told["id"])
    async with house.database.read() as connection:
        system = await house.systems.find_by_slug(connection, "oa")
        assert system is not None
        assert await house.recipes.find(connection, "oa") is not None
        with pytest.raises(YimenError, match="ERR-RECIPE_SIGNATURE"):
            await house.recipes.find(connection, "oa", at_least=system.recipe_version)
