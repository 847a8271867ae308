"""The whole house, opened in the test's own process and spoken to over ASGI."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from core.clock import FrozenClock
from core.settings import Settings
from sso.clients import ClientRegistration
from sso.directory.organisations import Kind, Level, Organisation
from sso.directory.users import Post, UserRegistration
from tests.web.agent import Agent
from web.composition import House, open_house
from web.portal import portal_app
from web.request_context import RequestContext

PASSWORD = "Lan-ting-2026!"
SECRET = "county-hall-secret-0123456789-abcdefgh"
REDIRECT_URI = "https://affairs.example/callback"


@pytest.fixture
async def house(settings: Settings, clock: FrozenClock) -> AsyncIterator[House]:
    async with open_house(settings, clock=clock) as house:
        await add_county(house)
        yield house


@pytest.fixture
def portal(house: House) -> httpx.ASGITransport:
    app = RequestContext(portal_app(house), house.settings, house.notices, "portal")
    return httpx.ASGITransport(app=app)


@pytest.fixture
async def agents(house: House, portal: httpx.ASGITransport) -> AsyncIterator[Callable[[], Agent]]:
    """As many browsers as a test wants."""
    opened: list[Agent] = []

    def open_agent() -> Agent:
        agent = Agent(httpx.AsyncClient(transport=portal, base_url=house.settings.issuer))
        opened.append(agent)
        return agent

    yield open_agent
    for agent in opened:
        await agent.client.aclose()


@pytest.fixture
def agent(agents: Callable[[], Agent]) -> Agent:
    return agents()


@pytest.fixture
async def lin(house: House) -> str:
    """A cadre; gives the user id."""
    return await add_person(house, "lin", "林晓岚")


async def add_county(house: House) -> None:
    county = Organisation("qx", "清溪县", Kind.AREA, Level.COUNTY, "330999000000")
    async with house.database.write() as connection:
        await house.organisations.upsert(connection, county, actor="operator:test")


async def add_person(house: House, username: str, name: str, roles: frozenset[str] = frozenset({"cadre"})) -> str:
    registration = UserRegistration(
        username=username,
        name=name,
        roles=sorted(roles),
        posts=(Post("qx", "网格员", True),),
        email=f"{username}@qx.example",
    )
    hashed = await house.passwords.given(PASSWORD)
    async with house.database.write() as connection:
        user_id, _ = await house.users.upsert(connection, registration, actor="operator:test")
        await house.passwords.keep(connection, user_id, hashed, actor="operator:test")
    return user_id


async def add_client(house: House, client_id: str = "affairs", **changes: Any) -> None:
    metadata: dict[str, Any] = {
        "redirect_uris": [REDIRECT_URI],
        "post_logout_redirect_uris": ["https://affairs.example/bye"],
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        "scope": "openid profile email offline_access affairs.read",
    }
    metadata |= changes.pop("metadata", {})
    values: dict[str, Any] = {"client_secret": SECRET, "name": {"zh": "村务公开"}, "policy": "oidc", **changes}
    if metadata.get("token_endpoint_auth_method") in ("none", "private_key_jwt"):
        values["client_secret"] = None
    registration = await house.clients.readied(ClientRegistration(client_id, metadata=metadata, **values))
    async with house.database.write() as connection:
        await house.clients.upsert(connection, registration, actor="operator:test")
