"""The whole thing as people meet it: the demo county, a real `yimen serve`, and Chromium."""

import random
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize

import demo.running
from demo.county import County
from demo.running import Yimen, open_demo, serving
from tests import forked
from tests.chromium import chromium

DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}


@dataclass(frozen=True)
class Town:
    """`folder` holds Yimen's data, `log` what its server said at the most talkative level."""

    yimen: Yimen
    county: County
    folder: Path
    log: Path

    @property
    def issuer(self) -> str:
        return self.yimen.issuer


@pytest.fixture(scope="session", autouse=True)
def _forked_commands() -> Iterator[None]:
    """The server is started as an operator starts it; commands need not import everything each time."""

    async def run(environment: Mapping[str, str], *arguments: str, given: bytes = b"") -> tuple[int, bytes]:
        status, said, _ = await forked.run(arguments, environment, given)
        return status, said

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo.running, "_run", run)
        yield


@pytest.fixture
async def town(tmp_path: Path, database_url: str) -> AsyncIterator[Town]:
    folder, log = tmp_path / "data", tmp_path / "server.log"
    async with open_demo(folder, free_port(), log=log, database_url=database_url, log_level="DEBUG") as (yimen, county):
        yield Town(yimen, county, folder, log)


@asynccontextmanager
async def moved(town: Town, issuer: str, gateway_domain: str) -> AsyncIterator[Town]:
    """The town after its server was stopped, and started again under other names."""
    town.yimen.server.terminate()
    await town.yimen.server.wait()
    environment = {**town.yimen.environment, "YIMEN_ISSUER": issuer, "YIMEN_GATEWAY_DOMAIN": gateway_domain}
    async with serving(environment, int(environment["YIMEN_PORT"]), town.log) as server:
        yield replace(town, yimen=Yimen(issuer, environment, server))


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


def free_port() -> int:
    """For a portal; the one after it, for its gateway, is free too. Below those that the system gives to connections on
    their way out, one of which would take it before a server does."""
    while True:
        port = random.randrange(20_000, 32_000, 2)
        with suppress(OSError):
            for each in (port, port + 1):
                socket.create_server(("127.0.0.1", each)).close()
            return port


async def sign_in(context: BrowserContext, town: Town, username: str = "wangxw") -> Page:
    """Signs in at the portal; gives its page."""
    page = await context.new_page()
    await page.goto(town.issuer)
    await page.fill("#username", username)
    await page.fill("#password", town.county.passwords[username])
    await page.click("#login-submit")
    await page.wait_for_url(lambda address: "/sign-in" not in address)
    return page


async def launch(portal: Page, slug: str) -> Page:
    """Presses a tile; gives the page it opens: a new tab on a desktop, the same one on a phone."""
    page = await portal.context.new_page()
    await page.goto(portal.url.partition("?")[0])
    button = page.locator(f'form[action="/launch/{slug}"] .open-button').first
    if page.viewport_size == PHONE:
        await button.click()
        return page
    async with portal.context.expect_page() as opening:
        await button.click()
    await page.close()
    return await opening.value
