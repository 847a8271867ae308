"""The address that Yimen believes, behind a proxy that it trusts (case 01)."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from core.clock import FrozenClock
from core.settings import Settings
from tests.web.agent import Agent
from tests.web.conftest import PASSWORD, add_county, add_person
from tests.web.test_troubles import every_job_runs
from web.composition import House, open_house
from web.portal import portal_app
from web.request_context import RequestContext


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return Settings(**{**settings.model_dump(), "trusted_proxies": "127.0.0.0/8", "address_attempts": 5})


@pytest.fixture
async def behind(settings: Settings, clock: FrozenClock) -> AsyncIterator[tuple[House, httpx.ASGITransport]]:
    async with open_house(settings, clock=clock) as house:
        await add_county(house)
        await add_person(house, "lin", "林晓岚")
        await every_job_runs(house)
        app = RequestContext(portal_app(house), settings, house.notices, "portal")
        yield house, httpx.ASGITransport(app=app)


def agent_at(behind: tuple[House, httpx.ASGITransport], **headers: str) -> Agent:
    house, transport = behind
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Agent(httpx.AsyncClient(transport=transport, base_url=house.settings.issuer, headers=named))


async def addresses(house: House) -> list[str]:
    async with house.database.read() as connection:
        lin = await house.users.find_by_username(connection, "lin")
        assert lin is not None
        return [session.address for session in await house.sessions.list(connection, lin.id)]


async def warnings(house: House, agent: Agent) -> list[Any]:
    await house.notices.settled()
    told: list[Any] = (await agent.get("/readyz")).json()["warnings"]
    return told


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ({"x_forwarded_for": "10.1.1.1"}, "10.1.1.1"),
        ({"x_forwarded_for": "10.1.1.1:50001"}, "10.1.1.1"),
        ({"x_forwarded_for": "[2001:db8::7]:4433"}, "2001:db8::7"),
        ({"x_forwarded_for": "10.1.1.1:50001, 127.0.0.9:60000"}, "10.1.1.1"),
        ({"forwarded": 'for="[2001:db8::7]:4433";proto=https, for=127.0.0.9'}, "2001:db8::7"),
    ],
)
async def test_an_address_with_a_port_is_the_callers(
    behind: tuple[House, httpx.ASGITransport], headers: dict[str, str], address: str
) -> None:
    agent = agent_at(behind, **headers)
    assert (await agent.sign_in("lin", PASSWORD)).status_code == 303
    assert await addresses(behind[0]) == [address]
    assert await warnings(behind[0], agent) == []


async def test_an_address_that_cannot_be_read_is_told_and_locks_nobody_else_out(
    behind: tuple[House, httpx.ASGITransport], capsys: pytest.CaptureFixture[str]
) -> None:
    house, agent = behind[0], agent_at(behind, x_forwarded_for="10.1.1.1, 10.1.1.2.3")
    for n in range(house.settings.address_attempts + 2):
        assert (await agent.sign_in(f"somebody-{n}", "wrong")).status_code == 401
    assert (await agent.sign_in("lin", PASSWORD)).status_code == 303
    assert await addresses(house) == ["unknown"]
    assert await warnings(house, agent) == [{"code": "ERR-CALLER_UNREADABLE"}]
    said = capsys.readouterr()
    assert (said.out + said.err).count("what proxies say of a caller is no address") == 1


async def test_a_proxy_that_names_nobody_is_told(behind: tuple[House, httpx.ASGITransport]) -> None:
    agent = agent_at(behind)
    assert await warnings(behind[0], agent) == [], "a monitor asks for itself"
    await agent.get("/sign-in")
    assert await warnings(behind[0], agent) == [], "what was told is a few seconds old"
    assert await warnings(behind[0], agent_at((behind[0], _again(behind[0])))) == [{"code": "ERR-CALLER_MISSING"}]


def _again(house: House) -> httpx.ASGITransport:
    """Another process, which has looked at nothing yet."""
    return httpx.ASGITransport(app=RequestContext(portal_app(house), house.settings, house.notices, "portal"))
