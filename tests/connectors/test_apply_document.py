"""The county file: its documented example is a true one, and what is wrong in a file is said with its place."""

import json
import re
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from connectors.apply.document import County, parse_county
from connectors.errors import ConnectorError

DOCUMENT = Path(__file__).parents[2] / "docs" / "apply.md"


def example() -> str:
    match = re.search(r"```yaml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert match is not None
    return match[1]


def test_the_documented_example_is_a_county() -> None:
    county = parse_county(example())
    assert [user.username for user in county.users] == ["wangxw", "zhouan"]
    assert len(county.systems) == len(county.items) == 2


def test_the_json_schema_takes_the_documented_example() -> None:
    document = json.loads(json.dumps(yaml.safe_load(example()), default=str))
    errors = [error.message for error in Draft202012Validator(County.model_json_schema()).iter_errors(document)]
    assert errors == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("users: [{username: a}]", "users[0].name"),
        ("users: [{username: a, name: b, roles: [king]}]", "users[0].roles[0]"),
        ("systems: [{slug: A B, name: {zh: x}, way_in: [{kind: oidc}]}]", "systems[0].slug"),
        ("items: [{system: a, owner: {}, login: x, password: y}]", "items[0].owner"),
        ("users: [{username: a, name: b, password: ''}]", "users[0].password: is empty"),
        ("users: [{username: a, name: b, totp: {secret: ''}}]", "users[0].totp.secret: is empty"),
        ("items: [{system: a, owner: {user: b}, login: x, password: ''}]", "items[0].password: is empty"),
        ("organisations: [{id: q, name: x, order: 4000000000}]", "organisations[0].order"),
        ("nonsense: 1", "nonsense"),
        ("- 1", "mapping"),
        ("a: [", "line 1"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, place: str) -> None:
    with pytest.raises(ConnectorError, match="ERR-APPLY_FILE") as caught:
        parse_county(text)
    assert place in caught.value.detail


_BOMB = ", ".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9) if i else 'x'}]" for i in range(12))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("users: []\nclients: []\nusers: []", "line 3: users: stands here twice"),
        ("users: [{username: a,\n name: b,\n name: c}]", "line 3: name: stands here twice"),
        ("users: [{username: a, name: b, posts: [{organisation: q, from: 2026-02-30}]}]", "line 1: not a date"),
        ("users: [{username: a, name: b, password: 0123456}]", "line 1: it would be read as another whole number"),
        (f"organisations: [{{id: q, name: x, order: {'9' * 5000}}}]", "line 1: a number this long"),
        (f"organisations: [{{id: q, name: x, order: {'9' * 400}}}]", "line 1: a number this long"),
        (f"organisations: [{{id: q, name: x, order: {'9' * 20}}}]", "line 1: a number beyond all bounds"),
        (f"organisations: [{{id: q, name: x, order: {':'.join('1' * 100_000)}}}]", "line 1: a number this long"),
        ("version: .nan", "line 1: a number beyond all bounds"),
        ("version: !!int abc", "line 1: not a whole number"),
        ("version: !!float abc", "line 1: not a number"),
        ("version: !!timestamp abc", "line 1: not a date"),
        ("version: !!bool abc", "line 1: not a truth value"),
        ("version: !!binary /w==", "line 1: the tag !!binary"),
        ("version: !!python/name:os.system x", "line 1: the tag !!python/name:os.system"),
        ('users: [{username: a, name: b, password: {file: "a\\0b"}}]', "line 1: the character NUL"),
        ("clients: [&a {client_id: x, jwks: *a}]", "line 1: an alias (*name) stands inside what it names"),
        (f"clients: [{{client_id: x, more: {{{_BOMB}}}}}]", "line 1: the aliases (*name) stand for too much"),
        ("? [a]\n: b", "line 1"),
        ("version: \x01", "special characters"),
        ("[" * 50_000, "line 1: nested too deeply"),
    ],
)
def test_what_yaml_would_lose_change_or_never_end_is_refused_with_its_line(text: str, words: str) -> None:
    with pytest.raises(ConnectorError, match="ERR-APPLY_FILE") as caught:
        parse_county(text)
    assert words in caught.value.detail


def test_a_rule_that_is_written_once_and_named_again_is_the_same_rule() -> None:
    ways = "name: {zh: x}, way_in: [{kind: none, reason: y}]"
    county = parse_county(
        f"systems: [{{slug: aa, {ways}, access: &all {{roles: [cadre]}}}}, {{slug: bb, {ways}, access: *all}}]"
    )
    assert county.systems[0].access == county.systems[1].access


def test_a_value_never_stands_in_a_message() -> None:
    with pytest.raises(ConnectorError) as caught:
        parse_county("items: [{system: a, owner: {}, login: x, password: {env: A, extra: hunter2hunter2}}]")
    assert "hunter2" not in str(caught.value)
