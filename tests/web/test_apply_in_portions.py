"""`yimen apply` in many units of work: a mistake leaves everything as it was, what is broken off can be run again."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import func, select

import connectors.apply.portions
from connectors.apply.acts import Step
from connectors.apply.document import parse_county
from connectors.apply.entries import bundles_of, entries_of
from connectors.apply.portions import Progress, apply_county
from connectors.apply.recipe_files import load_recipes
from core.errors import YimenError
from core.held import require_nothing_held
from sso.directory.people import user_table
from vault.heads import item_table
from vault.ledger.events import event_table
from web.cli.apply import apply_parts
from web.composition import House

COUNTY = """
organisations:
  - {id: mz, name: 民政局, parent: qx}
  - {id: mz-office, name: 办公室, kind: office, parent: mz}
users:
  - {username: wang, name: 王晓雯, password: Lan-ting-2026!, posts: [{organisation: mz-office, main: true}]}
  - {username: zhou, name: 周安, roles: [security_admin], password: Lan-ting-2027!, must_change_password: true}
  - {username: chen, name: 陈, totp: required, id_card: "110101199003077299"}
clients:
  - {client_id: hall, client_secret: people-made-this, redirect_uris: ["https://a.example/"], owner: mz}
recipes:
  - {id: books, title: 农家书屋, request: {path: /login, content: json, password_field: /p}}
systems:
  - slug: books
    name: {zh: 农家书屋}
    owner: mz
    way_in: [{kind: gateway}]
    upstream: http://10.0.0.1
    http_approved_by: zhou
    recipe: books
  - {slug: hall, name: {zh: 办事大厅}, way_in: [{kind: oidc}], client_id: hall, initiate_login_uri: "https://a.example/"}
items:
  - {system: books, owner: {user: wang}, login: w, password: Legacy-2026!}
  - {system: books, owner: {organisation: mz-office}, login: o, label: 公用, password: Legacy-2027!}
"""
ENTRIES = 11


class BrokenOffError(Exception):
    pass


@pytest.fixture(autouse=True)
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each unit of work holds as little as it may."""
    monkeypatch.setattr(connectors.apply.portions, "_UNIT_SECONDS", 0)
    monkeypatch.setattr(connectors.apply.portions, "_PAUSE_SECONDS", 0)


async def applied(house: House, county: str = COUNTY, *, dry_run: bool = False) -> list[Step]:
    return await apply_county(apply_parts(house), parse_county(county), actor="operator:test", dry_run=dry_run)


async def counts(house: House) -> Sequence[int]:
    """How many people, accounts and events there are."""
    async with house.database.read() as connection:
        return [
            await connection.scalar(select(func.count()).select_from(table))
            for table in (user_table, item_table, event_table)
        ]


async def test_a_dry_run_tells_what_apply_does_and_leaves_everything_as_it_was(house: House) -> None:
    before = await counts(house)
    told = await applied(house, dry_run=True)
    assert await counts(house) == before
    assert await applied(house) == told
    assert len(told) == ENTRIES
    assert "keep" not in {step.verb for step in told}
    assert {step.verb for step in await applied(house)} == {"keep"}


async def test_a_mistake_in_the_last_entry_leaves_everything_as_it_was(house: House) -> None:
    before = await counts(house)
    with pytest.raises(YimenError, match="item books of nobody: there is no user nobody"):
        await applied(house, COUNTY + "  - {system: books, owner: {user: nobody}, login: n, password: x}\n")
    assert await counts(house) == before


@pytest.mark.parametrize("done", [1, 4, ENTRIES])
async def test_what_was_broken_off_is_completed_by_running_it_again(house: House, done: int) -> None:
    def breaks_off(progress: Progress) -> None:
        if progress.stage == "apply" and progress.done >= done:
            raise BrokenOffError

    with pytest.raises(BrokenOffError):
        await apply_county(apply_parts(house), parse_county(COUNTY), actor="operator:test", tell=breaks_off)
    again = [step.verb for step in await applied(house)]
    assert again.count("keep") >= done
    assert len(again) == ENTRIES
    assert {step.verb for step in await applied(house)} == {"keep"}


async def test_one_event_sums_up_what_was_done(house: House) -> None:
    await applied(house)
    await applied(house)
    async with house.database.read() as connection:
        query = select(event_table.c.result, event_table.c.detail).where(event_table.c.action == "apply")
        rows = (await connection.execute(query)).all()
    assert [tuple(row) for row in rows] == [("success", {"created": ENTRIES - 1, "changed": 1})]


async def test_between_units_of_work_nothing_is_held(house: House) -> None:
    heard: list[Progress] = []

    def tell(progress: Progress) -> None:
        require_nothing_held("anything")
        heard.append(progress)

    await apply_county(apply_parts(house), parse_county(COUNTY), actor="operator:test", tell=tell)
    ends = [max(one.done for one in heard if one.stage == stage) for stage in ("rehearse", "apply")]
    assert ends == [ENTRIES, ENTRIES]


def test_a_system_its_client_and_its_recipe_become_true_at_once() -> None:
    county = parse_county(COUNTY)
    bundles = bundles_of(entries_of(county, load_recipes(county.recipes, Path())))
    together = [{entry.address for entry in bundle} for bundle in bundles if len(bundle) > 1]
    assert together == [
        {("client", "hall"), ("system", "hall")},
        {("recipe", "books"), ("system", "books")},
    ]
