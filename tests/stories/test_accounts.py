"""What happens to a cadre's accounts over time: kept at first use, refused, replaced, looked at, signed out of."""

import re

from playwright.async_api import Browser, Page, expect

from demo.legacy.accounts import Outcome
from demo.legacy.system import LegacySystem
from demo.people import CADRE, STEWARD, Person
from tests.stories.conftest import DESKTOP, PHONE, Town, launch, sign_in
from tests.stories.test_one_sign_in import expect_anywhere


def account_of(system: LegacySystem, person: Person) -> tuple[str, str]:
    """The user name and password of a person at a legacy system."""
    assert person.legacy is not None
    login = system.login_of(person.legacy)
    account = system.accounts.find(login)
    assert account is not None
    return login, account.password


def outcomes(system: LegacySystem) -> list[Outcome]:
    return [attempt.outcome for attempt in system.attempts]


async def test_what_is_typed_once_is_offered_to_be_kept_and_never_typed_again(town: Town, browser: Browser) -> None:
    system = town.county.legacy.danan
    login, password = account_of(system, STEWARD)
    context = await browser.new_context(viewport=PHONE, locale="zh-CN")
    portal = await sign_in(context, town, STEWARD.username)
    page = await launch(portal, "danan")
    await page.fill("#id_username", login)
    await page.fill("#id_password", password)
    await page.click("input[type=submit]")
    await expect_anywhere(page, STEWARD.name)
    await page.get_by_role("status").get_by_role("link", name="保管").click()
    await page.click("#capture-keep")
    await expect(page.locator(".entries > li").filter(has_text="档案管理")).to_be_visible()
    await page.close()

    await context.clear_cookies(domain=re.compile("danan"))
    again = await launch(portal, "danan")
    await expect_anywhere(again, STEWARD.name)
    assert outcomes(system) == [Outcome.ACCEPTED, Outcome.ACCEPTED]


async def test_an_offer_that_is_declined_keeps_nothing(town: Town, browser: Browser) -> None:
    login, password = account_of(town.county.legacy.danan, STEWARD)
    context = await browser.new_context(viewport=DESKTOP, locale="en")
    portal = await sign_in(context, town, STEWARD.username)
    page = await launch(portal, "danan")
    await page.fill("#id_username", login)
    await page.fill("#id_password", password)
    await page.click("input[type=submit]")
    await page.get_by_role("status").get_by_role("link", name="Keep it").click()
    offer = page.url
    await page.click("#capture-later")
    await page.goto(f"{town.issuer}/accounts")
    assert await page.locator(".entries > li").count() == 1  # the one the county gave them at 智惠掌心
    assert "ERR-CAPTURE" in await (await page.goto(offer)).text()  # type: ignore[union-attr]


async def test_a_refused_password_is_tried_once_and_waits_to_be_replaced(town: Town, browser: Browser) -> None:
    system = town.county.legacy.zhihui
    login, _ = account_of(system, CADRE)
    system.accounts.add(login, CADRE.name, "changed-elsewhere-9Z")
    context = await browser.new_context(viewport=DESKTOP, locale="zh-CN")
    portal = await sign_in(context, town)
    page = await launch(portal, "zhihui")
    await expect(page.get_by_role("status")).to_contain_text("密码被拒绝")
    assert outcomes(system) == [Outcome.REFUSED]
    await page.close()

    again = await launch(portal, "zhihui")
    await expect(again.get_by_role("status")).to_contain_text("密码被拒绝")
    await expect(again.locator("input[type=password]")).to_have_value("")
    assert outcomes(system) == [Outcome.REFUSED]
    await again.get_by_role("link", name="更换密码").click()
    entry = again.locator(".entries > li").filter(has_text="智惠掌心")
    await entry.locator("input[name=secret]").fill("changed-elsewhere-9Z")
    await entry.get_by_role("button", name="保存").click()
    await expect(again.locator(".entries > li").filter(has_text="智惠掌心").locator(".sign-bad")).to_have_count(0)

    await context.clear_cookies(domain=re.compile("zhihui"))
    opened = await launch(portal, "zhihui")
    await expect_anywhere(opened, f"{CADRE.name},您好")
    assert outcomes(system) == [Outcome.REFUSED, Outcome.ACCEPTED]


async def test_only_the_owner_sees_a_password_with_a_new_proof_and_a_reason(town: Town, browser: Browser) -> None:
    _, password = account_of(town.county.legacy.zhihui, CADRE)
    context = await browser.new_context(viewport=PHONE, locale="zh-CN")
    page = await sign_in(context, town)
    await page.goto(f"{town.issuer}/accounts")
    entry = page.locator(".entries > li").filter(has_text="智惠掌心")
    await entry.locator("summary", has_text="查看密码").click()
    await entry.locator("input[name=reason]").fill("到县里培训要用")
    await entry.locator("input[name=password]").fill("not-my-password")
    await entry.locator(".btn-primary", has_text="查看").click()
    await expect(entry.locator("[aria-live]")).to_contain_text("ERR-SIGN_IN")
    await entry.locator("input[name=password]").fill(town.county.passwords[CADRE.username])
    await entry.locator(".btn-primary", has_text="查看").click()
    await expect(entry.locator("output")).to_have_text(password)
    custody = page.locator(".entries > li").filter(has_text="农房管理")
    await expect(custody.locator("summary")).to_have_text(["重新学习登录"])
    await expect_reveal_in_ledger(town, "到县里培训要用")


async def expect_reveal_in_ledger(town: Town, reason: str) -> None:
    status, exported = await town.yimen.run("audit", "export", "--action", "vault.reveal")
    assert status == 0
    assert exported.count(b'"action":"vault.reveal"') == 1
    assert reason.encode() in exported


async def test_signing_out_closes_the_systems_too(town: Town, browser: Browser) -> None:
    context = await browser.new_context(viewport=DESKTOP, locale="zh-CN")
    portal = await sign_in(context, town)
    page = await launch(portal, "zhihui")
    await expect_anywhere(page, f"{CADRE.name},您好")
    await sign_out(portal, town)
    await page.wait_for_timeout(1100)  # what a process may go on believing (DESIGN §5)
    await page.goto(page.url)
    await expect(page.locator("#login-submit")).to_be_visible()


async def sign_out(portal: Page, town: Town) -> None:
    await portal.goto(f"{town.issuer}/sign-out")
    await portal.click("#logout-confirm")
    await expect(portal).to_have_url(re.compile("signed-out"))
