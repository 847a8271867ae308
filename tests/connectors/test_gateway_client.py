"""The gateway's own sign-in clients, as a version kept them that did not know of moves."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import update

from connectors.gateway_client import gateway_client, keep_by_host
from connectors.registration import SystemRegistration
from core.clock import FrozenClock
from core.settings import Settings
from sso.clients import client_table
from vault.ledger import Event
from web.composition import House, open_house

SYSTEM = {"way_in": [{"kind": "gateway"}], "upstream": "https://10.0.0.1", "name": {"zh": "办公系统"}}
FURTHER = [{"name": "files", "upstream": "https://10.0.0.2"}]
OF_BEFORE = "http://{}.localhost:8601/.yimen/callback"


@pytest.fixture
async def house(settings: Settings, clock: FrozenClock) -> AsyncIterator[House]:
    """Two systems; their clients have the whole addresses of another day."""
    async with open_house(settings, clock=clock) as house:
        for slug, further in (("oa", []), ("hr", FURTHER)):
            system = SystemRegistration.model_validate({"slug": slug, **SYSTEM, "further_origins": further})
            client = gateway_client(settings, system)
            old = [OF_BEFORE.format(host) for host in system.gateway_hosts]
            async with house.database.write() as connection:
                await house.systems.upsert(connection, system, actor="operator:test")
                await house.clients.upsert(connection, client, actor="operator:test")
                event = Event("client.change", "success", actor="system", subject=f"client:{client.client_id}")
                kept = {**client.metadata, "redirect_uris": old}
                key = {"client_id": client.client_id}
                await house.rows.change_told(connection, client_table, key, event, metadata=kept)
        yield house


async def keep(house: House) -> list[str]:
    async with house.database.write() as connection:
        return await keep_by_host(connection, house.settings, house.systems, house.clients)


async def addresses(house: House, slug: str) -> tuple[str, ...]:
    async with house.database.read() as connection:
        client = await house.clients.find(connection, f"gateway.{slug}")
    assert client is not None
    return client.metadata.redirect_uris


async def test_the_first_start_frees_them_from_the_settings_once(house: House) -> None:
    assert await keep(house) == ["hr", "oa"]
    assert await addresses(house, "oa") == ("http://oa.localhost:8000/.yimen/callback",)
    assert len(await addresses(house, "hr")) == 2
    assert await keep(house) == []


async def test_one_that_somebody_else_wrote_stays_refused_and_holds_up_no_start(house: House) -> None:
    async with house.database.write() as connection:
        planted = {"redirect_uris": ["https://evil.example/"]}
        spoiled = update(client_table).where(client_table.c.client_id == "gateway.oa").values(metadata=planted)
        await connection.execute(spoiled)
    assert await keep(house) == ["hr"]
