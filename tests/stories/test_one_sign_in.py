"""One cadre, one sign-in, every system; and no password anywhere but where it belongs."""

import json
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect

from demo.legacy.accounts import Outcome
from demo.people import CADRE
from tests.stories.conftest import DESKTOP, PHONE, Town, launch, sign_in
from tests.stories.spying import spy_on, ways_of_writing

# What stands on each system's home page for the person who is signed in.
HOMES = {
    "zhihui": f"{CADRE.name},您好",
    "wenhua": f"欢迎您,{CADRE.name}",
    "nongjia": f"{CADRE.name} 同志,您好",
    "jingzhong": CADRE.name,
    "nongfang": f"{CADRE.name},您好",
    "zhiyuan": f"{CADRE.name},您好",
    "danan": CADRE.name,
}


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_a_cadre_signs_in_once_and_reaches_every_system(
    town: Town, browser: Browser, tmp_path: Path, size: ViewportSize
) -> None:
    har = tmp_path / "browser.har"
    context = await browser.new_context(viewport=size, locale="zh-CN", record_har_path=har, record_har_content="embed")
    seen = await spy_on(context)
    portal = await sign_in(context, town)
    await reach_clients(portal)
    for slug, greeting in HOMES.items():
        page = await launch(portal, slug)
        if slug == "jingzhong":
            await type_captcha(page, town)
        await expect_anywhere(page, greeting)
        await page.close()
    await context.close()

    for system in town.county.legacy:
        password = password_of(town, system.slug)
        assert [attempt.outcome for attempt in system.attempts if attempt.outcome is not Outcome.ACCEPTED] == []
        assert system.attempts
        if system.slug != "nongjia":  # it gets a hash, never the password
            assert {attempt.secret for attempt in system.attempts} == {password}
    await assert_found_nowhere(town, har, seen)


async def reach_clients(portal: Page) -> None:
    for slug in ("cunwu", "xuncha"):
        page = await launch(portal, slug)
        await page.click("#consent-allow")
        await expect(page.locator("#greeting")).to_have_text(f"{CADRE.name}，您好")
        await page.close()
        again = await launch(portal, slug)
        await expect(again.locator("#greeting")).to_have_text(f"{CADRE.name}，您好")
        await again.close()


async def type_captcha(page: Page, town: Town) -> None:
    """The one thing that is left to the person: Yimen has filled the rest and put the cursor there."""
    captcha = page.locator("input:focus")
    await expect(page.locator("input[type=password]")).not_to_have_value("")
    await expect(captcha).to_have_count(1)
    await captcha.press_sequentially(town.county.legacy.jingzhong.captchas[-1])
    await captcha.press("Enter")


async def expect_anywhere(page: Page, text: str) -> None:
    """In the page or in one of its frames."""
    await page.wait_for_function(
        """(text) => {
            const texts = (view) => {
                let found = view.document.body ? view.document.body.innerText : "";
                for (let i = 0; i < view.frames.length; i++) { try { found += texts(view.frames[i]); } catch {} }
                return found;
            };
            return texts(window).includes(text);
        }""",
        arg=text,
    )


def password_of(town: Town, slug: str) -> str:
    system = getattr(town.county.legacy, slug)
    assert CADRE.legacy is not None
    account = system.accounts.find(system.login_of(CADRE.legacy))
    password: str = account.password
    return password


async def assert_found_nowhere(town: Town, har: Path, seen: list[str]) -> None:
    status, exported = await town.yimen.run("audit", "export")
    assert status == 0
    places = {
        "the pages": "\n".join(seen).encode(),
        "the network log of the browser": har.read_bytes(),
        "the server's log": town.log.read_bytes(),
        "the audit export": exported,
        **{str(path): path.read_bytes() for path in town.folder.rglob("*") if path.is_file()},
        **{str(path): path.read_bytes() for path in town.folder.parent.glob("yimen.db*")},
    }
    assert len(seen) > 100
    for system in town.county.legacy:
        for written in ways_of_writing(password_of(town, system.slug)):
            found = [name for name, content in places.items() if written.encode() in content]
            assert found == [], f"the password of {system.slug} stands in {found}"


async def test_the_auditor_proves_who_opened_what(town: Town, browser: Browser, tmp_path: Path) -> None:
    context = await browser.new_context(viewport=DESKTOP, locale="zh-CN")
    portal = await sign_in(context, town)
    page = await launch(portal, "zhihui")
    await expect_anywhere(page, HOMES["zhihui"])

    auditing = await browser.new_context(viewport=DESKTOP, locale="zh-CN")
    audit = await sign_in(auditing, town, "shenji")
    await audit.select_option("#system", "zhihui")
    await audit.click("#audit-filter")
    lines = audit.locator("table.lines tbody tr")
    await expect(lines.filter(has_text="wangxw").first).to_be_visible()
    assert await lines.count() >= 3
    async with audit.expect_download() as downloading:
        await audit.click("#audit-export")
    exported = tmp_path / "audit.jsonl"
    await (await downloading.value).save_as(exported)

    status, key = await town.yimen.run("audit", "key")
    assert status == 0
    assert (await town.yimen.run("audit", "verify", str(exported), "--key", key.decode()))[0] == 0
    exported.write_bytes(exported.read_bytes().replace(b'"action":"launch"', b'"action":"lunch!"', 1))
    status, said = await town.yimen.run("audit", "verify", str(exported), "--key", key.decode(), "--json")
    assert status == 1
    assert json.loads(said)["findings"]
