"""The county's two clients in a real browser: Authlib's Starlette client, and oidc-client-ts as a public client."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from demo.clients.open_affairs import OpenAffairs
from demo.clients.patrol import Patrol
from demo.serving import Listener
from tests.chromium import chromium
from tests.interop.conftest import Provider
from tests.web.conftest import PASSWORD, SECRET, add_client

pytestmark = pytest.mark.browser
_OWN = ("client_id", "client_secret", "name", "policy", "owner")
_GREETING = "林晓岚，您好"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture
async def page(browser: Browser) -> Page:
    return await (await browser.new_context(locale="zh-CN")).new_page()


@pytest.fixture
async def affairs(provider: Provider) -> AsyncIterator[str]:
    """Gives the origin."""
    listener = Listener()
    app = OpenAffairs(listener.origin, provider.issuer, "cunwu", SECRET).app
    await _register(provider, OpenAffairs.registration(listener.origin, "cunwu", SECRET))
    await listener.start(app)
    yield listener.origin
    await listener.stop()


@pytest.fixture
async def patrol(provider: Provider) -> AsyncIterator[str]:
    """Gives the origin."""
    listener = Listener()
    await _register(provider, Patrol.registration(listener.origin, "xuncha"))
    await listener.start(Patrol(listener.origin, provider.issuer, "xuncha").app)
    yield listener.origin
    await listener.stop()


async def test_village_affairs_greet_the_person_and_let_go_of_them_everywhere(
    provider: Provider, affairs: str, page: Page
) -> None:
    # OIDC Core §4: the provider may ask for a page; one of another site is not shown.
    await page.goto(f"{affairs}/login?iss={provider.issuer}&login_hint=lin&target_link_uri={affairs}/%3Ffrom=portal")
    await _sign_in(page)
    await page.click("#consent-allow")
    await expect(page.locator("#greeting")).to_have_text(_GREETING)
    await expect(page.locator("#posts")).to_have_text("清溪县 网格员")
    assert page.url == f"{affairs}/?from=portal"
    await page.goto(f"{affairs}/login?target_link_uri=https://evil.example/")
    assert page.url == f"{affairs}/"

    await page.click("#logout")
    await expect(page.locator("#left")).to_be_visible()
    await page.click("#login")
    await expect(page.locator("#username")).to_be_visible()


async def test_a_person_who_does_not_allow_it_is_told_so_by_each_client(affairs: str, patrol: str, page: Page) -> None:
    await page.goto(f"{affairs}/login")
    await _sign_in(page)
    await page.click("#consent-deny")
    await expect(page.locator("#problem-code")).to_have_text("access_denied")
    await page.goto(f"{patrol}/login")
    await page.click("#consent-deny")
    await expect(page.locator("#problem-code")).to_have_text("access_denied")
    await page.click("#again")
    await page.click("#consent-allow")
    await expect(page.locator("#greeting")).to_have_text(_GREETING)


async def test_the_patrol_remembers_what_is_done_and_renews_its_tokens_by_itself(patrol: str, page: Page) -> None:
    await _open_patrol(patrol, page)
    assert page.url == f"{patrol}/"
    await page.locator("#rounds input").first.check()
    before = await _stored(page)
    await _outlive_the_access_token(page)
    await page.reload()
    await expect(page.locator("#greeting")).to_have_text(_GREETING)
    await expect(page.locator("#count")).to_have_text("已完成 1 / 5")
    after = await _stored(page)
    assert after["refresh_token"] != before["refresh_token"]
    assert after["access_token"] != before["access_token"]

    await page.click("#sign-out")
    await expect(page.locator("#sign-in")).to_be_visible()
    await page.click("#sign-in")
    await expect(page.locator("#username")).to_be_visible()


async def test_a_patrol_whose_session_ended_elsewhere_asks_to_sign_in_again(
    provider: Provider, patrol: str, page: Page
) -> None:
    await _open_patrol(patrol, page)
    sid = (await _stored(page))["profile"]["sid"]
    async with provider.house.database.write() as connection:
        await provider.house.sessions.revoke(connection, sid, actor="operator:test", reason="lost")
    await _outlive_the_access_token(page)
    await page.reload()
    await expect(page.locator("#problem-code")).to_have_text("invalid_grant")
    await page.click("#again")
    await expect(page.locator("#username")).to_be_visible()


async def _register(provider: Provider, registration: dict[str, Any]) -> None:
    metadata = {name: content for name, content in registration.items() if name not in _OWN}
    named = {name: registration[name] for name in ("name", "policy")}
    await add_client(provider.house, registration["client_id"], metadata=metadata, **named)


async def _sign_in(page: Page) -> None:
    await page.fill("#username", "lin")
    await page.fill("#password", PASSWORD)
    await page.click("#login-submit")


async def _open_patrol(patrol: str, page: Page) -> None:
    await page.goto(f"{patrol}/login")
    await _sign_in(page)
    await page.click("#consent-allow")
    await expect(page.locator("#greeting")).to_have_text(_GREETING)


async def _stored(page: Page) -> dict[str, Any]:
    """What oidc-client-ts keeps in the tab."""
    stored: dict[str, Any] = await page.evaluate(
        "JSON.parse(Object.entries(sessionStorage).find(([key]) => key.startsWith('oidc.user:'))[1])"
    )
    return stored


async def _outlive_the_access_token(page: Page) -> None:
    """As if the tab had slept until its access token was over."""
    await page.evaluate(
        """() => {
            const [key, text] = Object.entries(sessionStorage).find(([key]) => key.startsWith('oidc.user:'));
            sessionStorage.setItem(key, JSON.stringify({ ...JSON.parse(text), expires_at: 1 }));
        }"""
    )
