"""The legacy county, running on loopback ports, and a client that behaves as a browser without scripts."""

from collections.abc import AsyncIterator

import httpx
import pytest

from demo.county_legacy import LegacyCounty, open_legacy


@pytest.fixture
async def county() -> AsyncIterator[LegacyCounty]:
    async with open_legacy() as county:
        yield county


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client
