"""The county gets another address: what was signed goes on proving, every system opens, and nobody is alarmed."""

import asyncio
import json
from pathlib import Path

import aiohttp
from playwright.async_api import Browser, BrowserContext

from tests.stories.conftest import DESKTOP, Town, launch, moved, sign_in
from tests.stories.test_one_sign_in import HOMES, expect_anywhere, type_captcha


async def reach_every_system(context: BrowserContext, town: Town) -> None:
    portal = await sign_in(context, town)
    for slug, greeting in HOMES.items():
        page = await launch(portal, slug)
        if slug == "jingzhong":
            await type_captcha(page, town)
        await expect_anywhere(page, greeting)
        await page.close()


async def exported(town: Town, file: Path) -> list[dict[str, object]]:
    """The events of an export, which proves itself."""
    status, key = await town.yimen.run("audit", "key")
    assert status == 0
    assert (await town.yimen.run("audit", "export", "--output", str(file)))[0] == 0
    assert (await town.yimen.run("audit", "verify", str(file), "--key", key.decode()))[0] == 0
    lines = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if "action" in line]


async def until_all_are_placed(town: Town) -> None:
    """By the server's own worker."""
    async with asyncio.timeout(60), aiohttp.ClientSession() as client:
        while True:
            async with client.get(f"http://127.0.0.1:{town.yimen.environment['YIMEN_PORT']}/metrics") as answer:
                if "yimen_ledger_unplaced_events 0.0" in (await answer.text()).splitlines():
                    return
            await asyncio.sleep(0.1)


async def test_the_county_moves_to_its_own_name(town: Town, browser: Browser, tmp_path: Path) -> None:
    port = int(town.yimen.environment["YIMEN_PORT"])
    context = await browser.new_context(viewport=DESKTOP, locale="zh-CN")
    await reach_every_system(context, town)
    key = await town.yimen.run("audit", "key")
    before = await exported(town, tmp_path / "before.jsonl")

    async with moved(town, f"http://sso.localhost:{port}", f"gw.localhost:{port + 1}") as there:
        # The same browser: what it has of the old address must not stand in the way.
        await reach_every_system(context, there)
        await until_all_are_placed(there)
        assert await there.yimen.run("audit", "key") == key
        after = await exported(there, tmp_path / "after.jsonl")
        status, _ = await there.yimen.run("audit", "verify", str(tmp_path / "before.jsonl"), "--key", key[1].decode())
        assert status == 0
        assert (await there.yimen.run("vault", "check"))[0] == 0

    assert after[: len(before)] == before
    assert {"launch", "login_request.pin"} <= {event["action"] for event in before}
    new = after[len(before) :]
    assert sum(event["action"] == "launch" for event in new) == len(HOMES)
    # Nothing is alarmed, and nothing that was learned of a login is learned again.
    assert {event["action"] for event in new}.isdisjoint({"vault.tamper", "login_request.pin", "client.change"})
    assert b"changed by somebody else" not in town.log.read_bytes()
