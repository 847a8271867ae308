"""The gateway host as a relying party: whose browser, for which system, for how long."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

import connectors.gateway.session.sessions
from connectors.systems import System
from core.clock import FrozenClock
from tests.connectors.gateway.browser import NAVIGATION, SCRIPT, Browser
from tests.connectors.gateway.conftest import AddSystem, Open
from tests.connectors.gateway.upstream import LegacyServer
from web.composition import House


@pytest.fixture
def _nothing_is_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that has just been seen alive may pass for a second more; these tests do not wait for it."""
    monkeypatch.setattr(connectors.gateway.session.sessions, "FRESH_SECONDS", 0.0)


async def test_a_page_leads_through_the_provider_and_back(browser: Browser, legacy: LegacyServer, house: House) -> None:
    asked = await browser.get("/list?page=2")
    query = parse_qs(urlsplit(asked.location).query)
    assert asked.status == 303
    assert asked.location.startswith(f"{house.settings.issuer}/authorize?")
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == [f"{house.settings.gateway_origin('oa')}/.yimen/callback"]

    back = await browser.get(await browser.authorize(asked))
    assert (back.status, back.location) == (303, "/list?page=2")
    [cookie] = [line for line in back.all("set-cookie") if line.startswith("yimen-gateway=")]
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert legacy.received == []
    assert (await browser.get("/list?page=2")).text == "found"
    assert legacy.last.get("cookie") is None


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("POST", NAVIGATION),
        ("GET", SCRIPT),
        ("GET", {"x-requested-with": "XMLHttpRequest"}),
        ("HEAD", NAVIGATION),
        ("PUT", {}),
    ],
)
async def test_only_opening_a_page_leads_to_the_provider(
    browser: Browser, legacy: LegacyServer, method: str, headers: dict[str, str]
) -> None:
    answer = await browser.send(method, "/list", headers=headers)
    assert (answer.status, answer.error) == (401, "ERR-SESSION")
    assert legacy.received == []


async def test_an_answer_with_another_state_is_refused(browser: Browser) -> None:
    target = await browser.authorize(await browser.get("/"))
    changed = target.replace("state=", "state=x")
    assert (await browser.get(changed)).error == "ERR-STATE"
    assert "yimen-gateway" not in browser.jar["oa"]


async def test_an_answer_meant_for_another_browser_is_refused(browser: Browser, open_browser: Open) -> None:
    """Else a stranger could sign this browser in as themselves (CVE-2025-68158)."""
    stranger = await open_browser("stranger")
    target = await stranger.authorize(await stranger.get("/"))
    assert (await browser.get(target)).error == "ERR-STATE"
    await browser.get("/")
    assert (await browser.get(target)).error == "ERR-STATE"


async def test_an_answer_works_once(browser: Browser) -> None:
    target = await browser.authorize(await browser.get("/"))
    waiting = browser.jar["oa"]["yimen-gateway-sign-in"]
    assert (await browser.get(target)).status == 303
    browser.jar["oa"] = {"yimen-gateway-sign-in": waiting}
    assert (await browser.get(target)).error == "ERR-STATE"


async def test_an_answer_of_another_issuer_is_refused(browser: Browser) -> None:
    """RFC 9207 §2.4."""
    target = await browser.authorize(await browser.get("/"))
    assert "iss=" in target
    assert (await browser.get(target.replace("iss=http", "iss=httq"))).error == "ERR-STATE"


@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example", "/\\evil.example", "/a b", "evil", ""])
async def test_the_way_back_stays_on_the_host(browser: Browser, path: str) -> None:
    from urllib.parse import quote

    target = await browser.authorize(await browser.get("/"))
    state, verifier, _ = browser.jar["oa"]["yimen-gateway-sign-in"].split(".", 2)
    browser.jar["oa"]["yimen-gateway-sign-in"] = f"{state}.{verifier}.{quote(path, safe='')}"
    assert (await browser.get(target)).location == "/"


async def test_a_very_long_address_comes_back_to_the_login_page(browser: Browser) -> None:
    """Browsers drop a cookie of more than 4096 bytes, and with it the state."""
    asked = await browser.get("/list?q=" + "x" * 6000)
    [cookie] = asked.all("set-cookie")
    assert len(cookie) < 4000
    assert (await browser.get(await browser.authorize(asked))).location == "/login"


async def test_a_session_of_one_system_opens_no_other(
    cadre: Browser, add_system: AddSystem, legacy: LegacyServer
) -> None:
    await add_system("pay")
    cadre.jar["pay"] = dict(cadre.jar["oa"])
    before = len(legacy.received)
    assert (await cadre.get("/", slug="pay")).status == 303
    assert len(legacy.received) == before


@pytest.mark.usefixtures("_nothing_is_cached")
async def test_a_revoked_sign_in_ends_at_once(cadre: Browser, house: House, legacy: LegacyServer) -> None:
    assert (await cadre.get("/")).status == 200
    async with house.database.write() as connection:
        await house.sessions.revoke(connection, cadre.session.id, actor="operator:test", reason="lost")
    assert (await cadre.get("/")).status == 303
    assert (await cadre.fetch("/")).error == "ERR-SESSION"
    assert len(legacy.received) == 1


@pytest.mark.usefixtures("_nothing_is_cached")
async def test_a_disabled_person_is_out_at_once(cadre: Browser, house: House) -> None:
    async with house.database.write() as connection:
        await house.users.set_status(connection, cadre.session.user.id, "disabled", actor="operator:test")
    assert (await cadre.fetch("/")).error == "ERR-SESSION"


async def test_a_sign_in_ends_with_its_time(
    cadre: Browser, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connectors.gateway.session.sessions, "FRESH_SECONDS", 0.0)
    clock.advance(timedelta(hours=13))
    assert (await cadre.fetch("/")).error == "ERR-SESSION"


async def test_working_in_a_legacy_system_keeps_the_sign_in_alive(
    cadre: Browser, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connectors.gateway.session.sessions, "FRESH_SECONDS", 0.0)
    for _ in range(4):
        clock.advance(timedelta(minutes=20))
        assert (await cadre.fetch("/")).status == 200


@pytest.mark.parametrize("status", ["disabled", "draft"])
async def test_a_system_that_is_not_live_is_closed(
    cadre: Browser, add_system: AddSystem, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    import time

    real = time.monotonic
    await add_system(status=status)
    monkeypatch.setattr("core.fresh.time.monotonic", lambda: real() + 2)
    assert (await cadre.get("/")).error == "ERR-SYSTEM_CLOSED"


async def test_signing_out_of_the_gateway_ends_its_session(cadre: Browser, oa: System) -> None:
    kept = cadre.jar["oa"]["yimen-gateway"]
    await cadre.get("/.yimen/sign-out")
    cadre.jar["oa"]["yimen-gateway"] = kept
    assert (await cadre.fetch("/")).error == "ERR-SESSION"


@pytest.mark.parametrize("value", ["", "x", "a" * 5000, '"', "yimen-gateway=", "\x01"])
async def test_a_malformed_session_cookie_is_no_session(browser: Browser, legacy: LegacyServer, value: str) -> None:
    """CVE-2026-25748: a cookie that does not parse opened the door."""
    if value.isprintable():
        assert (await browser.send("GET", "/", headers=SCRIPT, cookies=f"yimen-gateway={value}")).status == 401
    assert legacy.received == []


FOREIGN = {**NAVIGATION, "sec-fetch-site": "same-site"}


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("POST", FOREIGN),
        ("GET", {**FOREIGN, "sec-fetch-dest": "iframe"}),
        ("GET", {**SCRIPT, "sec-fetch-site": "same-site"}),
        ("GET", {**SCRIPT, "sec-fetch-site": "cross-site", "sec-fetch-dest": "script", "sec-fetch-mode": "no-cors"}),
        ("POST", {"origin": "http://pay.localhost:8000"}),
        ("POST", {"origin": "null"}),
        ("POST", {"referer": "http://pay.localhost:8000/x"}),
        ("GET", {"origin": "http://pay.localhost:8000"}),
        ("POST", {"origin": "https://oa.localhost:8000"}),
        ("POST", {"origin": "http://oa.localhost:8000.evil.example"}),
    ],
)
async def test_another_sites_page_cannot_act_in_this_one(
    cadre: Browser, legacy: LegacyServer, method: str, headers: dict[str, str]
) -> None:
    """All gateway hosts are one site to a browser, so SameSite keeps none of them from another."""
    before = len(legacy.received)
    assert (await cadre.send(method, "/pay", headers=headers)).error == "ERR-FOREIGN"
    assert len(legacy.received) == before


async def test_a_link_from_another_site_opens_a_page(cadre: Browser, legacy: LegacyServer) -> None:
    assert (await cadre.send("GET", "/list", headers=FOREIGN)).text == "found"


@pytest.mark.parametrize(
    "headers", [{"origin": "http://oa.localhost:8000"}, {"referer": "http://oa.localhost:8000/x"}, {}]
)
async def test_an_old_browser_without_fetch_metadata_is_served(
    cadre: Browser, legacy: LegacyServer, headers: dict[str, str]
) -> None:
    assert (await cadre.send("POST", "/list", headers=headers)).text == "found"


async def test_no_service_worker_is_installed(cadre: Browser, legacy: LegacyServer) -> None:
    """It would stay between the browser and the gateway, and see what the gateway says to the browser."""
    before = len(legacy.received)
    assert (await cadre.fetch("/sw.js", service_worker="script")).error == "ERR-FOREIGN"
    assert len(legacy.received) == before
