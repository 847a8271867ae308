"""What /openapi.json says of the JSON API is true: each operation is called, each answer checked against its schema."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from connectors.registration import SystemRegistration
from tests.web.agent import Agent
from tests.web.conftest import PASSWORD, add_person
from web.composition import House
from web.portal import OPENAPI_PATHS


@pytest.fixture
async def county(house: House) -> House:
    """A cadre with two accounts, one of them frozen, and an auditor."""
    for username, role in (("lin", "cadre"), ("shen", "audit_admin")):
        user_id = await add_person(house, username, "某人", frozenset({role}))
        async with house.database.write() as connection:
            await house.users.set_flags(connection, user_id, totp_required=False)
    async with house.database.write() as connection:
        lin = await house.users.find_by_username(connection, "lin")
        assert lin is not None
        for slug, way in (("zhihui", {"kind": "gateway"}), ("app", {"kind": "none", "reason": "只有手机应用"})):
            registration = {"slug": slug, "name": {"zh": slug}, "way_in": [way], "upstream": "https://10.0.0.1"}
            change = await house.systems.upsert(
                connection, SystemRegistration.model_validate(registration), actor="operator:test"
            )
            item = await house.items.add(
                connection,
                owner=f"user:{lin.id}",
                system=change.id,
                destination="https://10.0.0.1",
                login="lin",
                secret=bytearray(b"secret"),
                actor="operator:test",
            )
        await house.items.freeze(connection, item.id, "refused", actor="system")
    return house


@pytest.fixture
async def described(county: House, agent: Agent) -> dict[str, Any]:
    description: dict[str, Any] = (await agent.get(OPENAPI_PATHS[0])).json()
    return description


def operations(described: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in described["paths"].items():
        assert set(methods) == {"get"}, "the API only reads"
        yield path, methods["get"]


def require_as_described(described: dict[str, Any], operation: dict[str, Any], answer: httpx.Response) -> None:
    """The status is one that is told of, and the answer is what is told of that status."""
    told = operation["responses"][str(answer.status_code)]["content"]["application/json"]["schema"]
    schema = told | {"components": described["components"]}
    problems = [
        error.message
        for error in Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(answer.json())
    ]
    assert problems == [], (str(answer.url), answer.text)


async def test_it_stands_at_both_addresses(county: House, agent: Agent) -> None:
    answers = [await agent.get(path) for path in OPENAPI_PATHS]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert "/openapi.json" in OPENAPI_PATHS


async def test_every_operation_answers_as_described(
    county: House, described: dict[str, Any], agents: Callable[[], Agent]
) -> None:
    answered = set()
    for username in ("lin", "shen"):
        agent = agents()
        await agent.sign_in(username, PASSWORD)
        for path, operation in operations(described):
            answer = await agent.get(path)
            assert answer.status_code in (200, 403), answer.text
            require_as_described(described, operation, answer)
            answered |= {path} if answer.status_code == 200 else set()
    assert answered == set(described["paths"])


async def test_every_refusal_is_described(
    county: House, described: dict[str, Any], agents: Callable[[], Agent]
) -> None:
    visitor, auditor = agents(), agents()
    await auditor.sign_in("shen", PASSWORD)
    for path, operation in operations(described):
        answer = await visitor.get(path)
        assert answer.status_code == 401
        require_as_described(described, operation, answer)
        names = [parameter["name"] for parameter in operation.get("parameters", ())]
        if "limit" in names:
            answer = await auditor.get(path, params={"limit": "0"})
            assert answer.status_code == 422
            require_as_described(described, operation, answer)


async def test_every_parameter_that_is_described_is_taken(
    county: House, described: dict[str, Any], agent: Agent
) -> None:
    await agent.sign_in("shen", PASSWORD)
    values = {
        "cursor": None,
        "limit": "1",
        "result": "success",
        "since": "2026-01-01T00:00",
        "until": "2027-01-01T00:00",
    }
    for path, operation in operations(described):
        for parameter in operation.get("parameters", ()):
            assert parameter["in"] == "query"
            value = values.get(parameter["name"], "lin")
            answer = await agent.get(path, params={parameter["name"]: value} if value else {})
            assert answer.status_code == 200, answer.text
            require_as_described(described, operation, answer)
