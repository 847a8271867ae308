"""What the gateway fills, what it leaves to the person, and where it keeps its hands off."""

import json

import pytest

from connectors.legacy.filling.plan import FillPlan, fill_plan
from connectors.legacy.recipe.recipe import parse_recipe
from tests.connectors.legacy.pages import PAGES

PAGE = {page.name: page for page in PAGES}
PLAIN = (
    '<form action="/login" method="post"><input name="u" placeholder="账号">'
    '<input name="p" type="password">{}<button>登录</button></form>'
)
SHELL = '<html><head><script src="/app.js"></script></head><body><div id="app"></div></body></html>'
URL = "http://a.test/login"


def _plan(html: str, recipe: str | None = None, url: str = URL) -> FillPlan:
    plan = fill_plan(parse_recipe(recipe) if recipe else None, html, url)
    assert plan is not None
    return plan


def test_an_ordinary_form_is_filled_and_submitted() -> None:
    plan = _plan(PLAIN.format(""))
    assert plan.username is not None
    assert plan.password is not None
    assert plan.submit is not None
    assert (plan.username.selector, plan.password.selector) == ('input[name="u"]', 'input[name="p"]')
    assert plan.submits
    assert not plan.waits
    assert plan.action == "http://a.test/login"


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("RuoYi with a captcha picture", "captcha"),
        ("message code with a send button", "otp"),
        ("a slider to drag", "captcha"),
        ("tenant to choose", "tenant"),
        ("organisation code to type", "tenant"),
    ],
)
def test_what_is_the_persons_stops_the_plan_from_submitting(name: str, role: str) -> None:
    page = PAGE[name]
    plan = fill_plan(None, page.content, page.url)
    assert plan is not None
    assert [target.role for target in plan.person] == [role]
    assert not plan.submits


def test_a_tenant_without_a_choice_stops_nothing() -> None:
    select = '<select name="orgCode"><option value="">单位</option><option value="1">本县</option></select>'
    assert _plan(PLAIN.format(select)).submits


def test_a_form_that_leads_to_another_origin_is_left_alone() -> None:
    for action in ("https://a.test/login", "http://evil.test/login", "//a.test:81/x", "http://["):
        html = PLAIN.format("").replace("/login", action)
        assert fill_plan(None, html, URL) is None
        assert fill_plan(parse_recipe("id: x\npassword: {name: p}"), html, URL) is None


def test_a_page_without_a_login_has_no_plan() -> None:
    assert fill_plan(None, "<h1>首页</h1><input name=q>", URL) is None
    assert fill_plan(None, PAGE["frameset"].html, URL) is None
    assert fill_plan(parse_recipe("id: x\npassword: {name: p}"), "<h1>首页</h1>", URL) is None


def test_a_page_made_by_its_script_is_waited_for() -> None:
    plan = _plan(SHELL)
    assert plan.waits
    assert plan.password is not None
    assert plan.password.selector == 'input[type="password"]'


def test_components_are_found_by_their_placeholder_once_they_are_inputs() -> None:
    plan = _plan(PAGE["Element UI components in the page's own template"].html)
    assert plan.waits
    assert plan.username is not None
    assert plan.username.selector == 'input[placeholder="账号"]'


def test_a_recipe_is_for_its_paths_only() -> None:
    recipe = "id: x\npaths: [/login*]"
    assert fill_plan(parse_recipe(recipe), PLAIN.format(""), URL + ".jsp") is not None
    assert fill_plan(parse_recipe(recipe), PLAIN.format(""), "http://a.test/other") is None


def test_a_recipe_says_which_fields_by_any_of_four_ways() -> None:
    html = (
        '<form method="post"><label>甲<input name="a"></label><input name="b" placeholder="请输入乙">'
        '<input id="c"><input name="d"></form>'
    )
    for locator, selector in (
        ("{label: 甲}", 'input[name="a"]'),
        ("{placeholder: 乙}", 'input[name="b"]'),
        ('"#c"', "#c"),
        ("{name: d}", 'input[name="d"]'),
        ("{selector: input, name: d}", 'input[name="d"]'),
    ):
        plan = _plan(html, f"id: x\npassword: {locator}")
        assert plan.password is not None
        assert plan.password.selector == selector


def test_detection_fills_what_a_recipe_leaves_out() -> None:
    plan = _plan(PLAIN.format('<input name="z">'), "id: x\nusername: {name: z}\nsubmits: person")
    assert plan.username is not None
    assert plan.password is not None
    assert (plan.username.name, plan.password.name) == ("z", "p")
    assert not plan.submits


def test_a_recipes_captcha_is_the_persons() -> None:
    plan = _plan(PLAIN.format('<input name="odd">'), "id: x\ncaptcha: {name: odd}")
    assert [target.name for target in plan.person] == ["odd"]
    assert not plan.submits


def test_a_recipe_for_a_page_made_by_its_script_keeps_its_locators() -> None:
    plan = _plan(SHELL, "id: x\npaths: [/login]\nusername: {placeholder: 账号}\npassword: {selector: '.pw input'}")
    assert plan.waits
    assert plan.username is not None
    assert plan.password is not None
    assert (plan.username.selector, plan.username.placeholder) == (None, "账号")
    assert plan.password.selector == ".pw input"


def test_the_plan_is_plain_json_for_the_page() -> None:
    for page in PAGES:
        plan = fill_plan(None, page.content, page.url, page.http)
        if plan is not None:
            assert json.loads(json.dumps(plan.to_json()))["password"]["role"] == "password"


def test_a_password_that_is_asked_for_after_the_user_name_is_a_second_step() -> None:
    page = '<form action="/signin"><input name="user"><input type="password" name="pwd" class="hide">'
    plan = fill_plan(None, f"{page}<button>Next</button></form>", URL)
    assert plan is not None
    assert plan.steps
    assert plan.username is not None
    assert (plan.username.name, plan.password and plan.password.name) == ("user", "pwd")


def test_a_family_name_beside_is_the_persons_to_type() -> None:
    plan = _plan(PLAIN.format('<label>Last name <input name="n"></label>'))
    assert plan.username is not None
    assert plan.password is not None
    assert (plan.username.name, plan.password.name) == ("u", "p")
    assert [(target.name, target.role) for target in plan.person] == [("n", "person")]
    assert not plan.submits


@pytest.mark.parametrize(
    ("user", "secret", "button", "is_filled"),
    [
        ("User", "PIN", "Sign in", True),
        ("User", "UKey PIN", "Sign in", False),
        ("User", "PIN码", "Sign in", False),
        ("用户名", "PIN", "Sign in", False),
        ("User", "PIN", "登录", False),
        ("User", "U盾密码", "Sign in", False),
    ],
)
def test_a_pin_is_filled_only_where_it_is_no_keys(user: str, secret: str, button: str, *, is_filled: bool) -> None:
    form = (
        f'<form action="/login" method="post"><label>{user} <input name="u"></label>'
        f'<label>{secret} <input type="password" name="p"></label><button>{button}</button></form>'
    )
    assert (fill_plan(None, form, URL) is not None) == is_filled
