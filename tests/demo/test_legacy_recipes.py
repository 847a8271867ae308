"""What Yimen makes of these login pages: an ordinary form needs no recipe, the others have one that holds."""

from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from selectolax.lexbor import LexborHTMLParser

from connectors.legacy.filling.plan import FillPlan, fill_plan
from connectors.legacy.outcome.judge import SignInResponse, judge
from connectors.legacy.recipe.recipe import Recipe, parse_recipe
from connectors.legacy.recipe.variables import from_page
from demo.county_legacy import KINDS, LegacyCounty
from demo.legacy.nongjia import salted
from demo.legacy.system import RECIPES, LegacySystem
from tests.demo.people import account_of


def recipe_of(system: LegacySystem) -> Recipe | None:
    return parse_recipe(system.recipe) if system.recipe else None


async def plan_of(system: LegacySystem, client: httpx.AsyncClient) -> FillPlan:
    return (await page_and_plan(system, client))[1]


async def page_and_plan(system: LegacySystem, client: httpx.AsyncClient) -> tuple[LexborHTMLParser, FillPlan]:
    url = system.origin + system.login_path
    page = await client.get(url)
    plan = fill_plan(recipe_of(system), page.content, url)
    assert plan is not None
    return LexborHTMLParser(page.content), plan


def answer_of(response: httpx.Response, system: LegacySystem) -> SignInResponse:
    return SignInResponse(
        response.status_code,
        response.headers.multi_items(),
        str(response.url),
        response.content,
        login_url=system.origin + system.login_path,
    )


async def sign_in(system: LegacySystem, client: httpx.AsyncClient, password: str) -> str:
    """Signs in by the plan alone, as a browser would send the form; gives what the answer is judged to be."""
    page, plan = await page_and_plan(system, client)
    assert plan.username is not None
    assert plan.password is not None
    hidden = {one.attributes["name"] or "": one.attributes["value"] for one in page.css('input[type="hidden"][name]')}
    fields = hidden | {plan.username.name: account_of(system).login, plan.password.name: password}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await client.post(plan.action, content=urlencode(fields, encoding=plan.charset), headers=headers)
    return judge(recipe_of(system), answer_of(answer, system)).result


@pytest.mark.parametrize("slug", ["zhihui", "jingzhong", "nongfang", "danan"])
async def test_an_ordinary_form_is_found_without_a_recipe(
    county: LegacyCounty, client: httpx.AsyncClient, slug: str
) -> None:
    system: LegacySystem = getattr(county, slug)
    assert system.recipe is None
    plan = await plan_of(system, client)
    assert plan.username is not None
    assert plan.password is not None
    assert plan.submit is not None
    assert plan.action.startswith(system.origin)
    assert plan.submits is (slug != "jingzhong")


async def test_the_captcha_is_left_to_the_person(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    plan = await plan_of(county.jingzhong, client)
    assert [one.name for one in plan.person] == ["validateCode"]


async def test_the_login_form_is_found_through_the_frames(county: LegacyCounty, client: httpx.AsyncClient) -> None:
    """The frameset itself holds nothing to fill; the frame does, in the page's own charset."""
    page = await client.get(county.nongfang.origin + "/")
    assert fill_plan(None, page.content, county.nongfang.origin + "/") is None
    assert (await plan_of(county.nongfang, client)).charset == "gbk"


@pytest.mark.parametrize("slug", ["zhihui", "nongfang", "danan"])
async def test_the_plan_alone_signs_in(county: LegacyCounty, client: httpx.AsyncClient, slug: str) -> None:
    system: LegacySystem = getattr(county, slug)
    assert await sign_in(system, client, "wrong") == "failure"
    assert await sign_in(system, client, account_of(system).password) == "success"


@pytest.mark.parametrize("slug", ["zhihui", "nongfang"])
async def test_a_locked_account_is_told_from_a_wrong_password(
    county: LegacyCounty, client: httpx.AsyncClient, slug: str
) -> None:
    told = [await sign_in(getattr(county, slug), client, "wrong") for _ in range(6)]
    assert told == ["failure"] * 4 + ["locked"] * 2


async def test_the_recipe_of_the_hashing_page_makes_what_its_server_expects(
    county: LegacyCounty, client: httpx.AsyncClient
) -> None:
    system = county.nongjia
    recipe = recipe_of(system)
    assert recipe is not None
    page = await client.get(system.origin + "/login.php")
    variables = from_page(recipe, page.content)
    account = account_of(system)
    made = recipe.compiled_transform.apply(bytearray(account.password.encode()), variables).decode()
    assert made == salted(account.password, variables["salt"])
    answer = await client.post(page.url, data={"username": account.login, "password": made})
    assert judge(recipe, answer_of(answer, system)).result == "success"


async def test_the_recipe_of_the_hashing_page_knows_its_refusals(
    county: LegacyCounty, client: httpx.AsyncClient
) -> None:
    system = county.nongjia
    told = []
    for _ in range(5):
        page = await client.get(system.origin + "/login.php")
        answer = await client.post(page.url, data={"username": account_of(system).login, "password": "0" * 32})
        told.append(judge(recipe_of(system), answer_of(answer, system)).result)
    assert told == ["failure"] * 4 + ["locked"]


async def test_the_recipe_of_the_drawn_page_waits_for_its_script_and_knows_its_answers(
    county: LegacyCounty, client: httpx.AsyncClient
) -> None:
    system = county.wenhua
    plan = await plan_of(system, client)
    assert (plan.waits, plan.submits) == (True, True)
    assert plan.username is not None
    assert plan.username.placeholder == "账号"
    account = account_of(system)
    told = []
    for password in (account.password, *["wrong"] * 5):
        content = {"username": account.login, "password": password}
        answer = await client.post(system.origin + "/api/login", json=content)
        told.append(judge(recipe_of(system), answer_of(answer, system)).result)
    assert told == ["success", *["failure"] * 4, "locked"]


def test_every_recipe_belongs_to_a_system_and_bears_its_name() -> None:
    slugs = {kind.slug for kind in KINDS}
    found: list[Path] = sorted(RECIPES.glob("*.yaml"))
    assert {path.stem for path in found} <= slugs
    for path in found:
        assert parse_recipe(path.read_text(encoding="utf-8")).id == path.stem
