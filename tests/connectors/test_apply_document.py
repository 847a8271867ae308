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
    assert [user.username for user in county.users] == ["wangxw"]
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
        ("nonsense: 1", "nonsense"),
        ("- 1", "mapping"),
        ("a: [", "line 1"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, place: str) -> None:
    with pytest.raises(ConnectorError, match="ERR-APPLY_FILE") as caught:
        parse_county(text)
    assert place in caught.value.detail


def test_a_value_never_stands_in_a_message() -> None:
    with pytest.raises(ConnectorError) as caught:
        parse_county("items: [{system: a, owner: {}, login: x, password: {env: A, extra: hunter2hunter2}}]")
    assert "hunter2" not in str(caught.value)
