"""The provider on a real socket with a real clock, for clients that nobody here wrote."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urljoin

import httpx
import pytest

from core.settings import Settings
from demo.serving import Listener
from tests.web.agent import Agent
from tests.web.conftest import PASSWORD, add_client, add_county, add_person
from web.composition import House, open_house
from web.portal import portal_app
from web.request_context import RequestContext


@dataclass(frozen=True)
class Provider:
    house: House
    issuer: str
    agent: Agent

    async def play_the_person(self, address: str) -> str:
        """Follows an authorization request as the signed-in person, who allows it; gives where it leads to."""
        response = await self.agent.follow(await self.agent.get(address))
        if response.status_code == 200:
            response = await self.agent.follow(await self.agent.submit(response, "consent-allow"))
        assert response.is_redirect, response.text
        return urljoin(address, response.headers["location"])


@pytest.fixture
async def provider(settings: Settings) -> AsyncIterator[Provider]:
    listener = Listener()
    issuer = f"http://localhost:{listener.port}"
    own = Settings(data_dir=settings.data_dir, database_url=settings.database_url, issuer=issuer, port=listener.port)
    async with open_house(own) as house, httpx.AsyncClient(base_url=issuer, trust_env=False) as client:
        await add_county(house)
        await add_person(house, "lin", "林晓岚")
        await add_client(house)
        await listener.start(RequestContext(portal_app(house), own, house.notices, "portal"))
        agent = Agent(client)
        await agent.sign_in("lin", PASSWORD)
        yield Provider(house, issuer, agent)
        await listener.stop()
