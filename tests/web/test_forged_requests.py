"""Requests that are not the person's own: forged by other pages, or aimed at what belongs to somebody else."""

from collections.abc import Callable

import pytest
from starlette.routing import Route

from connectors.registration import SystemRegistration
from tests.web.agent import Agent
from tests.web.conftest import PASSWORD, add_person
from vault.ledger.queries import LedgerQuery
from vault.ledger.repeats import ONE_BY_ONE
from web.composition import House
from web.pages import page_routes
from web.pages.surface import Surface


@pytest.fixture
async def items(house: House, lin: str) -> dict[str, str]:
    """Ids of an account of lin's, one of wang's, and one in the county's custody."""
    wang = await add_person(house, "wang", "王建国")
    registration = SystemRegistration.model_validate(
        {
            "slug": "zhihui",
            "name": {"zh": "智惠掌心"},
            "way_in": [{"kind": "gateway"}],
            "upstream": "http://127.0.0.1:9001",
            "http_approved_by": "zhouan",
        }
    )
    found: dict[str, str] = {}
    async with house.database.write() as connection:
        change = await house.systems.upsert(connection, registration, actor="operator:test")
        for name, owner in (("own", f"user:{lin}"), ("other", f"user:{wang}"), ("custody", "organisation:qx")):
            item = await house.items.add(
                connection,
                owner=owner,
                system=change.id,
                destination="http://127.0.0.1:9001",
                login="x",
                secret=bytearray(b"hunter22"),
                actor="operator:test",
            )
            found[name] = item.id
    return found


ACTS = ("replace", "remove", "reveal", "test")
FORM = {"secret": "new-secret", "reason": "because", "password": PASSWORD}


async def act(house: House, agent: Agent, item_id: str, what: str) -> tuple[int, str]:
    """Posts to an account as its own page would."""
    page = await agent.get("/accounts")
    token = page.text.split('name="csrf" value="', 1)[1].split('"', 1)[0]
    answer = await agent.client.post(
        f"/accounts/{item_id}/{what}", data={**FORM, "csrf": token}, headers={"sec-fetch-site": "same-origin"}
    )
    return answer.status_code, answer.text


@pytest.mark.parametrize("what", ACTS)
async def test_somebody_elses_account_is_as_unknown_as_none(
    house: House, agent: Agent, items: dict[str, str], what: str
) -> None:
    await agent.sign_in("lin", PASSWORD)
    for item_id in (items["other"], "01m850000000000000000000000"):
        status, text = await act(house, agent, item_id, what)
        assert "ERR-ITEM" in text
        assert "hunter22" not in text
        assert status in (200, 404)


@pytest.mark.parametrize("what", ["replace", "remove", "reveal"])
async def test_an_account_in_custody_is_used_not_seen_or_changed(
    house: House, agent: Agent, items: dict[str, str], what: str
) -> None:
    await agent.sign_in("lin", PASSWORD)
    _, text = await act(house, agent, items["custody"], what)
    assert "ERR-CUSTODY_ACCOUNT" in text
    assert "hunter22" not in text


async def test_an_administrator_has_no_account_to_look_at(house: House, agent: Agent, items: dict[str, str]) -> None:
    user_id = await add_person(house, "root", "管理员", frozenset({"system_admin"}))
    async with house.database.write() as connection:
        await house.users.set_flags(connection, user_id, totp_required=False)
    await agent.sign_in("root", PASSWORD)
    page = await agent.get("/sessions")
    token = page.text.split('name="csrf" value="', 1)[1].split('"', 1)[0]
    form = {**FORM, "csrf": token, "system": "zhihui", "login": "root", "wanted": "yes"}
    for path in (f"/accounts/{items['own']}/reveal", "/accounts", "/launch/zhihui", "/favourites/zhihui"):
        answer = await agent.client.post(path, data=form, headers={"sec-fetch-site": "same-origin"})
        assert (answer.status_code, "ERR-FORBIDDEN" in answer.text) == (403, True), path
        assert "hunter22" not in answer.text


def posts(house: House) -> list[str]:
    """Every form's address, but that of language and colours, which anybody may choose."""
    routes = [
        route for route in page_routes(Surface(house)) if isinstance(route, Route) and "POST" in (route.methods or ())
    ]
    return [route.path for route in routes if route.path != "/preferences"]


async def test_no_form_is_answered_without_its_token(house: House, agent: Agent, lin: str) -> None:
    await agent.sign_in("lin", PASSWORD)
    assert len(posts(house)) > 15
    for path in posts(house):
        answer = await agent.client.post(path, data=FORM, headers={"sec-fetch-site": "same-origin"})
        assert answer.status_code == 403, path


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "same-site"}, {"sec-fetch-site": "cross-site"}, {"origin": "http://zhihui.localhost:8000"}],
)
async def test_a_form_of_a_gateway_host_is_not_answered_even_with_a_token(
    house: House, agents: Callable[[], Agent], lin: str, headers: dict[str, str]
) -> None:
    agent = agents()
    await agent.sign_in("lin", PASSWORD)
    page = await agent.get("/accounts")
    token = page.text.split('name="csrf" value="', 1)[1].split('"', 1)[0]
    answer = await agent.client.post("/sign-out", data={"csrf": token}, headers=headers)
    assert (answer.status_code, "ERR-CSRF" in answer.text) == (403, True)
    assert (await agent.get("/sessions")).status_code == 200
    (event,) = (await house.audit.query(LedgerQuery(action="portal.request"))).events
    assert (event.actor, event.result, event.reason) == (f"user:{lin}", "refused", "ERR-CSRF")
    assert (event.detail["path"], event.detail["from"]) == ("/sign-out", headers.get("origin", "unsaid"))


async def test_a_launch_that_another_systems_page_aims_is_told_and_never_floods_the_ledger(
    house: House, agent: Agent, lin: str, items: dict[str, str]
) -> None:
    await agent.sign_in("lin", PASSWORD)
    aimed = {"sec-fetch-site": "same-site", "sec-fetch-dest": "iframe", "origin": "http://oa.localhost:8001"}
    for _ in range(2 * ONE_BY_ONE):
        assert (await agent.client.post("/launch/zhihui", headers=aimed)).status_code == 403
    assert (await agent.client.post("/sign-out", headers=aimed)).status_code == 403
    told = (await house.audit.query(LedgerQuery(action="portal.request", limit=500))).events
    assert [one.detail["path"] for one in told[:2]] == ["/sign-out", "/launch/zhihui"]
    assert (told[1].detail["from"], told[1].detail["times"]) == (aimed["origin"], 2 * ONE_BY_ONE)
    assert len(told) == ONE_BY_ONE + 2
    assert (await house.audit.query(LedgerQuery(action="launch"))).events == []
