"""Every page answers for the people it is for, in both languages, and refuses everybody else."""

from collections.abc import Callable

import pytest

from connectors.registration import SystemRegistration
from tests.web.agent import Agent
from tests.web.conftest import PASSWORD, add_client, add_person
from web.composition import House

PAGES = {
    "cadre": ("/", "/?q=zh", "/accounts", "/sessions", "/activity", "/password", "/totp"),
    "steward": ("/", "/department", "/accounts"),
    "system_admin": ("/administration", "/sessions", "/activity"),
    "security_admin": ("/administration",),
    "audit_admin": (
        "/audit",
        "/audit?person=a&system=zhihui&action=launch&result=success&since=2026-11-23T00:00&text=x",
    ),
}
ALL = sorted({path.partition("?")[0] for paths in PAGES.values() for path in paths})


@pytest.fixture
async def county(house: House) -> House:
    """A person of each role, a few systems of each way in, an account."""
    await add_client(house)
    async with house.database.write() as connection:
        for slug, kind, more in (
            ("zhihui", "gateway", {"upstream": "http://127.0.0.1:9001", "http_approved_by": "zhouan"}),
            ("cunwu", "oidc", {"client_id": "affairs", "initiate_login_uri": "https://affairs.example/login"}),
            ("ditu", "link", {"link": "https://map.example/"}),
        ):
            registration = SystemRegistration.model_validate(
                {"slug": slug, "name": {"zh": "智惠掌心"}, "owner": "qx", "way_in": [{"kind": kind}], **more}
            )
            await house.systems.upsert(connection, registration, actor="operator:test")
        none = {"slug": "app", "name": {"zh": "应用"}, "way_in": [{"kind": "none", "reason": "只有手机应用"}]}
        await house.systems.upsert(connection, SystemRegistration.model_validate(none), actor="operator:test")
    for role in PAGES:
        user_id = await add_person(house, role.replace("_", ""), "某人", frozenset({role}))
        async with house.database.write() as connection:
            await house.users.set_flags(connection, user_id, totp_required=False)
            if role == "cadre":
                system = await house.systems.find_by_slug(connection, "zhihui")
                assert system is not None
                await house.items.add(
                    connection,
                    owner=f"user:{user_id}",
                    system=system.id,
                    destination=system.destination,
                    login="lin",
                    secret=bytearray(b"secret"),
                    actor="operator:test",
                )
    return house


@pytest.mark.every_case
@pytest.mark.parametrize("locale", ["zh-CN", "en"])
@pytest.mark.parametrize("role", PAGES)
async def test_a_role_sees_its_pages(county: House, agents: Callable[[], Agent], role: str, locale: str) -> None:
    agent = agents()
    agent.client.headers["accept-language"] = locale
    await agent.sign_in(role.replace("_", ""), PASSWORD)
    for path in PAGES[role]:
        page = await agent.get(path)
        assert page.status_code == 200, f"{path}: {page.status_code}"
        assert f'lang="{locale}"' in page.text


@pytest.mark.parametrize("role", PAGES)
async def test_a_role_sees_no_other_pages(county: House, agents: Callable[[], Agent], role: str) -> None:
    agent = agents()
    await agent.sign_in(role.replace("_", ""), PASSWORD)
    for path in ("/accounts", "/department", "/administration", "/audit"):
        if path not in PAGES[role]:
            assert (await agent.get(path)).status_code == 403, path
    business = 403 if role.endswith("_admin") else 200
    for path in ("systems", "items"):
        assert (await agent.get(f"/api/v1/{path}")).status_code == business


@pytest.mark.parametrize("path", ALL)
async def test_a_visitor_is_sent_to_sign_in_and_comes_back(county: House, agent: Agent, path: str) -> None:
    page = await agent.get(path)
    assert page.status_code == 303
    signed_in = await agent.sign_in("cadre", PASSWORD, at=page.headers["location"])
    assert signed_in.headers["location"] == path


async def test_the_api_tells_what_the_pages_show(county: House, agent: Agent) -> None:
    await agent.sign_in("cadre", PASSWORD)
    for path in ("me", "systems", "items", "sessions", "activity"):
        answer = await agent.get(f"/api/v1/{path}")
        assert answer.status_code == 200, answer.text
        assert "secret" not in answer.text
    refused = await agent.get("/api/v1/audit/events")
    assert (refused.status_code, refused.json()["code"]) == (403, "ERR-FORBIDDEN")
    assert (await agent.get("/api/openapi.json")).json()["paths"]


async def test_health_is_for_machines(county: House, agent: Agent) -> None:
    assert (await agent.get("/healthz")).text == "ok\n"
    assert (await agent.get("/readyz")).json() == {"ready": True, "problems": {}, "warnings": []}
    assert "yimen_ledger_events_total" in (await agent.get("/metrics")).text


async def test_not_ready_without_the_root_key(county: House, agent: Agent) -> None:
    county.settings.effective_key_file.unlink()
    answer = await agent.get("/readyz")
    assert (answer.status_code, answer.json()["problems"]) == (503, {"custodian": "ERR-CUSTODY"})


async def test_an_account_that_was_refused_keeps_what_was_typed(county: House, agent: Agent) -> None:
    await agent.sign_in("cadre", PASSWORD)
    page = await agent.get("/accounts")
    refused = await agent.submit(page, "account-add", system="ditu", login="lin<1>", label="第二个", secret="x" * 20)
    assert 'role="alert"' in refused.text
    assert 'value="lin&lt;1&gt;"' in refused.text
    assert 'value="第二个"' in refused.text
    assert "x" * 20 not in refused.text


async def test_what_was_sent_after_the_session_ended_is_said_to_be_undone(county: House, agent: Agent) -> None:
    await agent.sign_in("cadre", PASSWORD)
    page = await agent.get("/accounts")
    agent.client.cookies.delete("yimen-session")
    sign_in = await agent.follow(await agent.submit(page, "account-add", system="zhihui", login="l", secret="s"))
    assert "notice-warn" in sign_in.text
    signed_in = await agent.submit(sign_in, "login-submit", username="cadre", password=PASSWORD)
    assert signed_in.headers["location"] == "/accounts"


@pytest.mark.parametrize(
    "address",
    [
        "/activity?before=%00",
        "/captures/%00",
        "/authorize?client_id=%00",
        "/authorize/continue?interaction=%00",
        "/end-session?client_id=%00&id_token_hint=%00",
        "/audit?person=%00",
        "/audit?since=0001-01-01T00:00",
        "/launch/%00",
        "/audit?until=9999-12-31T23:59&zone=America/Lima",
        "/audit?zone=../..&since=2026-01-01T00:00",
        "/%0a",
        "/?q=%ff",
        "/api/v1/audit/events?since=0001-01-01T00:00&person=%00",
        "/sessions/%00/revoke",
        "/administration?at=%00",
    ],
)
async def test_an_address_of_nonsense_breaks_nothing(county: House, agents: Callable[[], Agent], address: str) -> None:
    for role in ("cadre", "auditadmin", "systemadmin"):
        agent = agents()
        await agent.sign_in(role, PASSWORD)
        for answer in (await agent.get(address), await agent.client.post(address)):
            assert answer.status_code < 500, answer.text
