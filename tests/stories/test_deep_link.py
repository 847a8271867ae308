"""A link into an application, opened from a message by somebody who is not signed in."""

from urllib.parse import urlsplit

from playwright.async_api import Browser

from tests.stories.conftest import DESKTOP, Town


async def test_the_fragment_of_a_link_survives_the_sign_in(town: Town, browser: Browser) -> None:
    """Only the browser knows it, and applications that route by it show another page without."""
    parts = urlsplit(town.issuer)
    address = f"http://zhihui.localhost:{(parts.port or 0) + 1}/login?id=7&q=%E4%B8%AD#/todo/123"
    context = await browser.new_context(viewport=DESKTOP, locale="zh-CN")
    page = await context.new_page()
    await page.goto(address)
    await page.fill("#username", "wangxw")
    await page.fill("#password", town.county.passwords["wangxw"])
    await page.click("#login-submit")
    await page.wait_for_url(lambda now: "zhihui.localhost" in now)
    assert page.url == address
    assert "todo" not in town.log.read_text(encoding="utf-8")
