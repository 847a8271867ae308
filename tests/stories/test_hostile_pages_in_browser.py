"""Pages that mean harm, with full script in a real browser: none gets hold of a password, and what was refused is told.

Each attack is a system of its own with a password of its own, so that one that gets through is known by its name.
"""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from demo.running import open_demo
from tests.chromium import chromium
from tests.stories.conftest import DESKTOP, Town, free_port, launch, sign_in
from tests.stories.hostile.system import HostileSystem, county_of, hostile_system
from tests.stories.spying import spy_on, ways_of_writing

pytestmark = pytest.mark.asyncio(loop_scope="module")

PASSWORDS = {
    name: f'{name.title()}-7"&+溪%q{len(name)}'
    for name in ("send", "echo", "change", "teach", "cross", "victim", "basic", "hold")
}
# Portal and gateway share a domain for which every page may set cookies, as they do in a real county.
_PORTAL_HOST, _GATEWAY_DOMAIN = "portal.county.localhost", "gw.county.localhost"
_PATIENCE_MS = 60_000
_POURED = """() => {
  for (let count = 0; count < 4; count++) {
    fetch("/endless").then((answer) => answer.body.getReader().closed).finally(() => { window.ended = true; });
  }
}"""


@dataclass(frozen=True)
class Siege:
    """A cadre's browser at a portal whose systems are hostile. `seen` is what scripts of its pages could read."""

    town: Town
    system: HostileSystem
    context: BrowserContext
    portal: Page
    seen: list[str]
    har: Path

    async def sign_in_once(self, attack: str) -> None:
        """While the system behaves: from then on it is known where it takes a password."""
        self.system.polite = True
        page = await launch(self.portal, attack)
        await expect(page.locator("body")).to_contain_text("success", timeout=_PATIENCE_MS)
        self.system.polite = False
        assert self.system.taken.pop(attack) == [PASSWORDS[attack]]

    async def suffer(self, attack: str) -> Page:
        """Opens the system of that attack, and lets its page do what it wants."""
        page = await launch(self.portal, attack)
        await expect(page).to_have_title("done", timeout=_PATIENCE_MS)
        return page

    async def refusals(self) -> str:
        """The ledger's events of what was refused."""
        status, exported = await self.town.yimen.run("audit", "export")
        assert status == 0
        return "\n".join(line for line in exported.decode().splitlines() if '"refused"' in line)

    def stolen(self, name: str) -> list[bytes]:
        return [one for one in self.system.stored if one.startswith(f"POST /store/stolen/{name} ".encode())]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def siege(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Siege]:
    """At the end, everything that was stored, seen and sent over the wire is searched for the passwords."""
    folder = tmp_path_factory.mktemp("siege")
    log, har = folder / "server.log", folder / "browser.har"
    async with (
        hostile_system() as system,
        open_demo(
            folder / "data",
            free_port(),
            host=_PORTAL_HOST,
            log=log,
            log_level="DEBUG",
            gateway_domain=_GATEWAY_DOMAIN,
        ) as (yimen, county),
    ):
        described = json.dumps(county_of(system, PASSWORDS)).encode()
        assert (await yimen.run("apply", "-", given=described))[0] == 0
        town = Town(yimen, county, folder / "data", log)
        context = await browser.new_context(
            viewport=DESKTOP, locale="zh-CN", record_har_path=har, record_har_content="embed"
        )
        seen = await spy_on(context)
        yield Siege(town, system, context, await sign_in(context, town), seen, har)


async def test_a_dummy_is_exchanged_in_the_login_request_alone(siege: Siege) -> None:
    await siege.sign_in_once("send")
    await siege.suffer("send")
    assert siege.system.taken["send"] == [PASSWORDS["send"]]
    refused = [
        one for one in siege.system.stored if b"/store/refused" in one and b"/socket" not in one.split(b"\r\n")[0]
    ]
    assert [one[:60] for one in refused] == []
    told = await siege.refusals()
    script = (Path(__file__).parent / "hostile" / "send.js").read_text(encoding="utf-8")
    missing = [name for name in _refused_in(script) if f"/store/refused/{name}" not in told]
    assert missing == []
    (answers,) = siege.stolen("told")
    assert b'"workers":0' in answers
    assert "/store/challenge/opened" in told
    assert [one[:60] for one in siege.system.stored if b"/store/challenge" in one and b"dXNlcj" in one] == []


async def test_what_a_page_changes_around_the_fill_leads_nowhere(siege: Siege) -> None:
    await siege.sign_in_once("change")
    await siege.suffer("change")
    assert siege.system.taken["change"] == [PASSWORDS["change"]]
    told = await siege.refusals()
    assert "/store/refused/action" in told
    assert "/store/refused/button" in told


async def test_no_answer_shows_the_password_again(siege: Siege) -> None:
    page = await launch(siege.portal, "echo")
    await page.wait_for_url("**/after/home", timeout=_PATIENCE_MS)
    assert siege.system.taken["echo"] == [PASSWORDS["echo"]]
    assert siege.stolen("the%20rest")
    for name in ("sign-in", "text", "json", "picture", "utf-16", "gzip%20image", "chunks", "events", "field"):
        assert any(b"*" * 6 in one or b"*\0" * 6 in one for one in siege.stolen(name)), (name, siege.stolen(name))
    # The page has ended the visit itself; the next one hides the same.
    shown = await page.goto(page.url.replace("/after/home", "/shown/text"))
    assert shown is not None
    assert (shown.status, PASSWORDS["echo"] in await shown.text()) == (200, False)


async def test_a_supervised_sign_in_teaches_no_request_that_keeps_a_text(siege: Siege) -> None:
    await siege.suffer("teach")
    assert "teach" not in siege.system.taken
    assert [one[:40] for one in siege.system.stored if PASSWORDS["teach"].encode() in one] == []


async def test_a_system_reaches_neither_another_nor_the_portal(siege: Siege) -> None:
    await siege.suffer("cross")
    assert siege.system.taken["cross"] == [PASSWORDS["cross"]]
    assert "victim" not in siege.system.taken
    assert siege.stolen("other")
    events = [json.loads(line) for line in (await siege.refusals()).splitlines()]
    told = [one["detail"] for one in events if one["action"] == "gateway.request"]
    aimed = {(one["path"], one["method"]) for one in told if one["from"].startswith("http://cross.gw.")}
    assert ("/victim/login", "POST") in aimed
    assert ("/store/refused", "POST") in aimed
    assert ("/store/socket", "WEBSOCKET") in aimed
    assert {one["destination"] for one in told} >= {"iframe", "script", "image", "empty"}
    assert "/launch/victim" in {one["detail"]["path"] for one in events if one["action"] == "portal.request"}


async def test_a_page_behind_basic_authentication_does_not_see_the_field_that_the_gateway_gives(siege: Siege) -> None:
    await siege.suffer("basic")
    assert siege.system.taken["basic"] == [PASSWORDS["basic"]]
    for name in ("body", "token", "plain", "page", "json", "broken", "hex", "gzip", "field", "redirect", "trace"):
        assert any(b"*" * 6 in one for one in siege.stolen(f"mirror%20{name}")), (
            name,
            siege.stolen(f"mirror%20{name}"),
        )
    assert siege.stolen("the%20rest%20of%20basic")


async def test_what_outlives_a_page_and_two_systems_together_get_nothing(siege: Siege) -> None:
    await siege.sign_in_once("hold")
    await siege.suffer("hold")
    assert siege.system.taken["hold"][-1] == PASSWORDS["hold"]
    assert "victim" not in siege.system.taken
    (held,) = siege.stolen("held")
    told = json.loads(held.partition(b"\r\n\r\n")[2])
    assert (told["workers"], told["met"], told["got"][0]) == (0, True, "null")
    assert "the victim is here" not in told["got"]
    assert siege.stolen("overheard") == siege.stolen("opener") == []
    assert "/store/refused/shared" in await siege.refusals()


async def test_cookies_for_the_whole_county_shut_nobody_out(siege: Siege, browser: Browser) -> None:
    context = await browser.new_context(viewport=DESKTOP, locale="zh-CN")
    portal = await sign_in(context, siege.town)
    page = await launch(portal, "bomb")
    await expect(page).to_have_title("done", timeout=_PATIENCE_MS)
    bombed = "bomb(); Promise.all([document.cookie.length, fetch('/x').then((answer) => answer.status)])"
    size, status = await page.evaluate(bombed)
    assert size > 200_000
    assert status == 431
    again = await launch(await sign_in(context, siege.town), "open")
    await again.wait_for_url("**/open/login")
    await context.close()


async def test_answers_without_end_keep_nobody_else_waiting(siege: Siege, browser: Browser) -> None:
    page = await launch(siege.portal, "open")
    await page.wait_for_url("**/open/login")
    await page.evaluate(_POURED)
    other = await browser.new_context(viewport=DESKTOP, locale="zh-CN")
    opened = await sign_in(other, siege.town, "chengq")
    answer = await opened.goto(page.url)
    assert answer is not None
    assert answer.status == 200
    assert await page.evaluate("window.ended") is None
    await page.close()
    await other.close()


async def test_nothing_that_was_seen_stored_or_sent_holds_a_password(siege: Siege) -> None:
    """The last: it ends the browser."""
    await siege.context.close()
    status, exported = await siege.town.yimen.run("audit", "export")
    assert status == 0
    places = {
        "the pages": "\n".join(siege.seen).encode(),
        "the ledger": exported,
        "the server's log": siege.town.log.read_bytes(),
        "the browser's network log": b"\n".join(_bodies(siege.har)),
        **{repr(one[:60]): one for one in siege.system.stored},
    }
    found = [
        f"the password of {name} in {place}"
        for name, password in PASSWORDS.items()
        for written in ways_of_writing(password)
        for place, content in places.items()
        if written.encode() in content
    ]
    assert found == []


def _refused_in(script: str) -> Iterator[str]:
    for piece in script.split("/store/refused/")[1:]:
        yield piece.split('"')[0].split("`")[0].split("?")[0].split("/")[0]


def _bodies(har: Path) -> Iterator[bytes]:
    """The log as it is, and the answers in it that are written in base64."""
    text = har.read_bytes()
    yield text
    for entry in json.loads(text)["log"]["entries"]:
        content = entry["response"]["content"]
        if content.get("encoding") == "base64":
            yield base64.b64decode(content["text"])
