"""What of a system is served: its path prefix, in no spelling that the server might read another way."""

import pytest

from connectors.systems import System
from tests.connectors.gateway.browser import Browser
from tests.connectors.gateway.conftest import AddSystem, Open
from tests.connectors.gateway.upstream import LegacyServer
from tests.connectors.gateway.wire import exchange


@pytest.fixture
async def cadre(add_system: AddSystem, open_browser: Open) -> Browser:
    await add_system(path_prefix="/app", login_path="/app/login")
    browser = await open_browser()
    await browser.sign_in("/app/")
    return browser


@pytest.mark.parametrize(
    "path", ["/app", "/app/", "/app/a%20b", "/app/%E6%B8%85?x=../../y", "/app/a.b..c/;v=1/x", "/app//x"]
)
async def test_what_is_inside_passes_exactly_as_it_came(cadre: Browser, legacy: LegacyServer, path: str) -> None:
    assert (await cadre.get(path)).error is None
    assert legacy.last.target == path


@pytest.mark.parametrize("path", ["/", "/application", "/APP/x", "/admin", "/app;x=1/y"])
async def test_what_is_outside_is_not_served(cadre: Browser, legacy: LegacyServer, path: str) -> None:
    before = len(legacy.received)
    assert (await cadre.get(path)).error == "ERR-PATH"
    assert len(legacy.received) == before


@pytest.mark.parametrize(
    "path",
    [
        "/app/../admin",
        "/app/./x",
        "/app/%2e%2e/admin",
        "/app/.%2E/admin",
        "/app/..;/admin",
        "/app/..;x=1/admin",
        "/app/%2e%2e;/admin",
        "/app/..%3b/admin",
        "/app/%252e%252e/admin",
        "/app/..%252fadmin",
        "/app/..%2fadmin",
        "/app/..%5cadmin",
        "/app/..%255cadmin",
        "/app/..\\admin",
        "/app/%c0%ae%c0%ae/admin",
        "/app/%ef%bc%8e%ef%bc%8e/admin",
        "/app/..%c0%afadmin",
        "/app/%0d%0aX-Evil:%201",
        "/app/%00",
        "/app/x%250d%250aSet-Cookie:a=b",
        "//evil.example/app",
        "/app/..",
    ],
)
async def test_a_path_that_two_servers_could_read_in_two_ways_is_refused(
    cadre: Browser, legacy: LegacyServer, path: str
) -> None:
    before = len(legacy.received)
    assert (await cadre.get(path)).error == "ERR-PATH"
    assert len(legacy.received) == before


@pytest.mark.parametrize("path", ["/.yimen/", "/.yimen/nothing", "/.yimen/../app/", "/.yimen"])
async def test_the_gateways_own_paths_are_never_passed_on(cadre: Browser, legacy: LegacyServer, path: str) -> None:
    before = len(legacy.received)
    assert (await cadre.get(path)).status == 404 or (await cadre.get(path)).error == "ERR-PATH"
    assert len(legacy.received) == before


@pytest.mark.parametrize("slug", ["nothing", "OA.evil", "a.oa", ""])
async def test_an_unknown_host_is_no_system(oa: System, open_browser: Open, legacy: LegacyServer, slug: str) -> None:
    browser = await open_browser()
    assert (await browser.get("/", slug=slug)).error == "ERR-SYSTEM"
    assert legacy.received == []


@pytest.mark.parametrize(
    "target", [b"/app/\xc7\xe5", b"/app/a b", b"/app/a\x00", b"/app/a\tb", b"http://evil.example/app/"]
)
async def test_a_request_line_that_is_none_reaches_no_system(
    cadre: Browser, legacy: LegacyServer, target: bytes
) -> None:
    before = len(legacy.received)
    status, _ = await exchange(cadre, b"GET " + target + b" HTTP/1.1", b"")
    assert status == 400 or legacy.last.target == "/app/"
    assert len(legacy.received) - before == (status == 200)
