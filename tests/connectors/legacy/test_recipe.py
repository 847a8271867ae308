"""The recipe file: what it accepts, how it points at mistakes, and its one hash."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import ConnectorError
from connectors.legacy.recipe.recipe import Recipe, check_recipe, parse_recipe, recipe_schema

FULL = """\
id: oa-jsp
version: 3
title: 办公系统
paths: [/oa/login.jsp, "/oa/logon*"]
username: {name: userid}
password: "#pwd"
captcha: {placeholder: 验证码}
submit: {label: 登录}
submits: person
request:
  path: /oa/doLogin.do
  content: urlencoded
  username_field: userid
  password_field: userPwd
transform: md5(md5(password) + salt)
variables:
  salt: {from: page, selector: "#salt", attribute: value}
outcome:
  success: [{status: 302, location: "/oa/main*"}]
  failure:
    - {text: 密码错误}
    - {pointer: /code, equals: 500}
  locked: [{regex: "锁定\\\\d+分钟"}]
  expired: [{cookie: MUST_CHANGE}]
"""


def test_a_full_recipe_is_read() -> None:
    recipe = parse_recipe(FULL)
    assert recipe.id == "oa-jsp"
    assert recipe.password is not None
    assert recipe.password.selector == "#pwd"
    assert recipe.compiled_transform.variables == {"salt"}
    assert recipe.outcome.failure[1].equals == 500


def test_the_smallest_recipe_is_an_id() -> None:
    recipe = parse_recipe("id: x")
    assert recipe.transform == "plain"
    assert recipe.submits == "auto"


def test_the_hash_is_of_the_meaning_not_of_the_spelling() -> None:
    recipe = parse_recipe(FULL)
    respelled = yaml.safe_dump(yaml.safe_load(FULL), sort_keys=True, allow_unicode=False)
    assert parse_recipe(respelled).hash == recipe.hash
    assert parse_recipe(recipe.canonical) == recipe
    assert parse_recipe(FULL + "# a remark\n").hash == recipe.hash
    assert parse_recipe(FULL.replace("salt)", "salt + '')")).hash != recipe.hash
    assert len(recipe.hash) == 64


def test_saying_a_default_changes_no_hash() -> None:
    assert parse_recipe("id: x\nsubmits: auto\ntransform: plain").hash == parse_recipe("id: x").hash


@pytest.mark.parametrize(
    ("text", "line", "field", "message"),
    [
        ("id: Upper", 1, "id", "match pattern"),
        ("title: no id", 1, "id", "required"),
        ("id: x\nnonsense: 1", 2, "nonsense", "not permitted"),
        ("id: x\nid: y", 2, "id", "twice"),
        ("id: x\nusername: {}", 2, "username", "at least one"),
        ("id: x\nusername:\n  selektor: a", 3, "username.selektor", "not permitted"),
        ("id: x\ntransform: md5(", 2, "transform", "column 5"),
        ("id: x\ntransform: md5(password + salt)", 1, "", "uses salt"),
        ("id: x\nvariables:\n  salt: {from: cookie, name: a}", 1, "", "does not use salt"),
        ("id: x\ntransform: md5(password+s)\nvariables:\n  s: {from: moon}", 4, "variables.s", "expected tags"),
        ("id: x\ntransform: md5(password+s)\nvariables:\n  s: {from: page}", 4, "variables.s", "selector"),
        (
            "id: x\ntransform: md5(password+s)\nvariables:\n  s:\n    from: page\n    regex: '('",
            6,
            "variables.s.regex",
            "regular expression",
        ),
        ("id: x\noutcome:\n  success:\n  - {}", 4, "outcome.success[0]", "empty condition"),
        ("id: x\noutcome:\n  failure:\n  - {equals: 3}", 4, "outcome.failure[0]", "needs `pointer`"),
        ("id: x\nrequest:\n  content: json\n  password_field: pwd", 2, "request", "JSON pointer"),
        ("id: x\npaths: [login]", 2, "paths", "starts with /"),
        ("id: x\nrequest:\n  method: GET", 3, "request.method", "POST"),
        ("- id: x", 1, "", "mapping"),
        ("id: [", 1, "", "expected"),
        ("id: &a x\ntitle: *a", 2, "", "aliases"),
        ("id: x\ntitle: " + "t" * 70_000, 1, "", "64 KiB"),
        ("id: x\noutcome: " + "[" * 3000, 2, "", "nested too deeply"),
    ],
)
def test_a_mistake_is_pointed_at_with_line_and_field(text: str, line: int, field: str, message: str) -> None:
    recipe, problems = check_recipe(text)
    assert recipe is None
    assert any(
        problem.line == line and problem.field == field and message in problem.message for problem in problems
    ), list(map(str, problems))


def test_every_mistake_is_told_at_once() -> None:
    _, problems = check_recipe("id: X\nsubmits: maybe\nrequest:\n  content: xml\n")
    assert [problem.line for problem in problems] == [1, 2, 4]
    with pytest.raises(ConnectorError) as caught:
        parse_recipe("id: X\nsubmits: maybe\n")
    assert caught.value.code == "ERR-RECIPE"
    assert "line 1, id" in caught.value.detail
    assert "line 2, submits" in caught.value.detail


_KEYS = ["id", "title", "paths", "username", "password", "request", "transform", "variables", "outcome", "submits", "x"]
_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=10), st.sampled_from(["md5", "/a", "page"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from([*_KEYS, "from", "selector", "status", "success"]), inner, max_size=3),
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=6))
def test_any_document_is_a_recipe_or_told_what_is_wrong(document: dict[str, object]) -> None:
    recipe, problems = check_recipe(json.dumps(document, ensure_ascii=True))
    assert (recipe is None) == bool(problems)
    if recipe is not None:
        assert parse_recipe(recipe.canonical).hash == recipe.hash


@given(st.text(max_size=200))
def test_any_text_is_a_recipe_or_told_what_is_wrong(text: str) -> None:
    recipe, problems = check_recipe(text)
    assert (recipe is None) == bool(problems)
    assert all(problem.line >= 1 for problem in problems)


_NAMES = st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)
_LOCATORS = st.fixed_dictionaries({}, optional={"name": _NAMES, "selector": _NAMES}).filter(bool)
_RECIPES = st.fixed_dictionaries(
    {"id": _NAMES},
    optional={
        "title": st.text(max_size=20).filter(lambda text: text.isprintable()),
        "username": _LOCATORS,
        "password": _LOCATORS,
        "submits": st.sampled_from(["auto", "person"]),
        "transform": st.sampled_from(["plain", "md5", "upper(md5(password))"]),
        "paths": st.lists(_NAMES.map("/{}".format), max_size=3),
    },
)


@given(_RECIPES)
def test_the_schema_and_the_parser_agree(document: dict[str, object]) -> None:
    jsonschema.validate(document, recipe_schema())
    recipe = parse_recipe(yaml.safe_dump(document, allow_unicode=True))
    assert recipe == Recipe.model_validate(document)
    assert parse_recipe(recipe.canonical) == recipe


def test_the_examples_of_the_manual_are_recipes() -> None:
    blocks = Path("docs/recipes.md").read_text(encoding="utf-8").split("```yaml\n")[1:]
    examples = [block.split("```")[0] for block in blocks if block.startswith("id:")]
    assert len(examples) >= 4
    for example in examples:
        parse_recipe(example)
        jsonschema.validate(yaml.safe_load(example), recipe_schema())


_SEVERAL = """
id: forum
request:
  path: /login.php
  query: {do: login}
  username_field: uname
  password_fields: [pw_md5, {field: pw_utf, transform: "md5(upper(password))"}, {field: kept, transform: plain}]
  constant: {s: "", api: 3, cookie: true}
transform: md5
"""


def test_the_password_may_stand_in_several_fields_each_with_a_transform_of_its_own() -> None:
    recipe = parse_recipe(_SEVERAL)
    assert [(one.field, one.transform.expression) for one in recipe.password_places] == [
        ("pw_md5", "md5"),
        ("pw_utf", "md5(upper(password))"),
        ("kept", "plain"),
    ]
    assert recipe.request.query == {"do": "login"}
    assert recipe.request.constant == {"s": "", "api": 3, "cookie": True}


def test_one_password_field_is_one_place() -> None:
    one = parse_recipe("id: x\nrequest: {password_field: pw}\ntransform: md5")
    assert [(place.field, place.transform.expression) for place in one.password_places] == [("pw", "md5")]
    assert parse_recipe("id: x").password_places == ()


def test_what_a_recipe_does_not_say_does_not_change_its_hash() -> None:
    old = parse_recipe("id: x\nrequest: {path: /l, password_field: pw}")
    assert old.canonical == '{"id":"x","request":{"password_field":"pw","path":"/l"}}'


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        ("{password_field: a, password_fields: [b]}", "not both"),
        ("{password_fields: [a, a]}", "twice"),
        ("{password_fields: [a], constant: {a: x}}", "cannot be constant"),
        ("{content: json, password_fields: [a]}", "JSON pointer"),
        ("{content: json, constant: {method: login}}", "JSON pointer"),
        ('{password_fields: [{field: a, transform: "md5("}]}', "column"),
        ('{password_fields: [{field: a, transform: "md5(salt + password)"}]}', "does not define"),
    ],
)
def test_a_recipe_that_says_its_places_wrongly_is_refused(request_: str, complaint: str) -> None:
    recipe, problems = check_recipe(f"id: x\nrequest: {request_}")
    assert recipe is None
    assert complaint in " ".join(map(str, problems))


def test_an_expression_that_could_run_without_end_is_refused() -> None:
    recipe, problems = check_recipe("id: x\noutcome: {failure: [{regex: '(?<=a)b'}]}")
    assert recipe is None
    assert "RE2" in " ".join(map(str, problems))


def test_a_message_of_a_socket_is_told_by_a_constant_and_its_places_are_pointers() -> None:
    request = "{path: /socket.io/, content: socket.io, password_field: %s, constant: %s}"
    told = parse_recipe(f"id: chat\nrequest: {request % ('/1/password', '{/0: login}')}\n")
    assert told.request.is_message
    for field, constant in (("/1/password", "{}"), ("password", "{/0: login}"), ("/1/password", "{event: login}")):
        with pytest.raises(ConnectorError, match="ERR-RECIPE"):
            parse_recipe(f"id: chat\nrequest: {request % (field, constant)}\n")
