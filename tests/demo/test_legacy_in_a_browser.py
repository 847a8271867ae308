"""A person signs in at every legacy system with a browser, keys and mouse only, and nothing of Yimen in between."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Dialog, Locator, Page, expect

from demo.county_legacy import LegacyCounty, open_legacy
from demo.legacy.accounts import Outcome
from demo.legacy.jingzhong import Jingzhong
from demo.legacy.nongfang import Nongfang
from demo.legacy.nongjia import Nongjia
from demo.legacy.people import CADRE
from demo.legacy.system import LegacySystem
from tests.chromium import chromium
from tests.demo.people import account_of

# One browser serves them all.
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

WITH_A_PAGE = pytest.mark.parametrize("slug", ["zhihui", "wenhua", "nongjia", "jingzhong", "nongfang", "danan"])
TEXT = 'input[type="text"], input:not([type])'
MD5 = re.compile(r"[0-9a-f]{32}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def county() -> AsyncIterator[LegacyCounty]:
    """As everywhere else, in the loop of these tests."""
    async with open_legacy() as county:
        yield county


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    page = await browser.new_page(viewport={"width": 390, "height": 844}, locale="zh-CN")
    yield page
    await page.close()


def shown(page: Page, system: LegacySystem) -> Locator:
    """What the person looks at: the page, or the lower frame of it."""
    return (page.frame_locator('frame[name="main"]') if isinstance(system, Nongfang) else page).locator("body")


async def sign_in(page: Page, system: LegacySystem, password: str) -> None:
    await page.goto(system.origin + "/")
    form = shown(page, system)
    await form.locator(TEXT).first.press_sequentially(account_of(system).login)
    await form.locator('input[type="password"]').press_sequentially(password)
    if isinstance(system, Jingzhong):
        await form.locator("#validateCode").press_sequentially(system.captchas[-1])
    await form.get_by_role("button", name=re.compile("登")).click()


@WITH_A_PAGE
async def test_typing_the_password_leads_to_a_home_that_greets_by_name(
    county: LegacyCounty, page: Page, slug: str
) -> None:
    system: LegacySystem = getattr(county, slug)
    await sign_in(page, system, account_of(system).password)
    await expect(page.locator('input[type="password"]')).to_have_count(0)
    await expect(shown(page, system)).to_contain_text(CADRE.name)
    assert [one.outcome for one in system.attempts] == [Outcome.ACCEPTED]
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@WITH_A_PAGE
async def test_a_wrong_password_leads_back_to_the_form(county: LegacyCounty, page: Page, slug: str) -> None:
    system: LegacySystem = getattr(county, slug)
    spoken: list[str] = []

    async def accept(dialog: Dialog) -> None:
        spoken.append(dialog.message)
        await dialog.accept()

    page.on("dialog", accept)
    await sign_in(page, system, "wrong")
    if isinstance(system, Nongfang | Nongjia):
        await expect(shown(page, system).locator(TEXT).first).to_have_value("")
        assert any("密码错误" in one for one in spoken)
    else:
        await expect(shown(page, system)).to_contain_text(re.compile("密码(错误|不正确)|正确的"))
    await expect(shown(page, system).locator('input[type="password"]')).to_be_visible()
    assert [one.outcome for one in system.attempts] == [Outcome.REFUSED]


async def test_the_script_of_the_hashing_page_hides_the_password(county: LegacyCounty, page: Page) -> None:
    await sign_in(page, county.nongjia, account_of(county.nongjia).password)
    await expect(page.locator("body")).to_contain_text(CADRE.name)
    assert MD5.fullmatch(county.nongjia.attempts[0].secret)


async def test_a_value_that_no_input_event_announced_does_not_exist_for_the_drawn_page(
    county: LegacyCounty, page: Page
) -> None:
    await page.goto(county.wenhua.origin + "/")
    await page.locator("input").last.wait_for()
    await page.evaluate("document.querySelectorAll('input').forEach(field => { field.value = 'unseen'; })")
    await page.get_by_role("button").click()
    await expect(page.locator(".el-message")).to_have_text("请输入您的账号和密码")
    assert county.wenhua.attempts == []


async def test_an_alarm_appears_without_reloading(county: LegacyCounty, page: Page) -> None:
    await sign_in(page, county.jingzhong, account_of(county.jingzhong).password)
    await expect(page.locator("#alarms li")).to_have_count(3)
    await county.jingzhong.ring("前岙村文化礼堂", "手动报警按钮")
    await expect(page.locator("#alarms li").first).to_contain_text("前岙村文化礼堂")


async def test_the_browser_itself_asks_for_the_basic_password(county: LegacyCounty, browser: Browser) -> None:
    account = account_of(county.zhiyuan)
    context = await browser.new_context(http_credentials={"username": account.login, "password": account.password})
    page = await context.new_page()
    await page.goto(county.zhiyuan.origin + "/")
    await expect(page.locator("body")).to_contain_text(f"{CADRE.name},您好")
    await context.close()


@pytest.mark.parametrize("slug", ["zhihui", "wenhua", "nongjia", "jingzhong"])
async def test_the_sign_out_link_ends_the_session(county: LegacyCounty, page: Page, slug: str) -> None:
    system: LegacySystem = getattr(county, slug)
    await sign_in(page, system, account_of(system).password)
    await page.get_by_text(re.compile("退出")).click()
    await expect(page.locator('input[type="password"]')).to_be_visible()
    await page.goto(system.origin + system.home_path)
    await expect(page.locator('input[type="password"]')).to_be_visible()
