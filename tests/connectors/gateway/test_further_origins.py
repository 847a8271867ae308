"""A system of several origins: each behind a gateway host of its own, one visit for all of them."""

from collections.abc import AsyncIterator
from urllib.parse import urlencode, urlsplit

import pytest
from starlette.responses import RedirectResponse, Response

from connectors.registration import SystemRegistration
from connectors.systems import System
from demo.serving import Listener
from tests.connectors.gateway.browser import FORM, NAVIGATION, Browser, Shown
from tests.connectors.gateway.conftest import LOGIN, SECRET, AddItem, AddSystem, Open
from tests.connectors.gateway.upstream import LegacyServer, login_page
from web.composition import House


@pytest.fixture
def sign_in_server() -> LegacyServer:
    """Where the form of `oa` leads to: another port of the same machine."""
    return LegacyServer()


@pytest.fixture
async def sign_in_origin(sign_in_server: LegacyServer) -> AsyncIterator[str]:
    listener = Listener()
    await listener.start(sign_in_server)
    yield listener.origin
    await listener.stop()


@pytest.fixture
async def system(add_system: AddSystem, legacy: LegacyServer, sign_in_origin: str) -> System:
    legacy.answers["GET /login"] = login_page(f"{sign_in_origin}/check")
    further = {"name": "auth", "upstream": sign_in_origin, "http_approved_by": "aq"}
    return await add_system(further_origins=[further])


async def opened(house: House, browser: Browser) -> Shown:
    """The tile: through every gateway host of the system, to the login page."""
    await house.launcher.launch(browser.session, "oa")
    slug, target = "oa", "/.yimen/open"
    for _ in range(20):
        shown = await browser.get(target, slug=slug)
        if shown.status == 200:
            return shown
        parts = urlsplit(shown.location)
        if shown.location.startswith(house.settings.issuer):
            target = await browser.authorize(shown)
            continue
        slug = (house.settings.gateway_slug(parts.netloc) if parts.netloc else slug) or slug
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    raise AssertionError("the opening does not come to an end")


async def test_a_form_that_leads_to_another_origin_of_the_system_signs_in_there(
    house: House,
    system: System,
    open_browser: Open,
    add_item: AddItem,
    legacy: LegacyServer,
    sign_in_server: LegacyServer,
    legacy_origin: str,
) -> None:
    sign_in_server.answers["POST /check"] = RedirectResponse(f"{legacy_origin}/home?ticket=1", 302)
    browser = await open_browser()
    await add_item(browser, system)
    page = await opened(house, browser)
    action = f"{house.settings.gateway_origin('oa--auth')}/check"
    assert f'action="{action}"' in page.text

    headers = NAVIGATION | {
        "content-type": FORM,
        "origin": house.settings.gateway_origin("oa"),
        "sec-fetch-site": "same-site",
    }
    body = urlencode({"username": LOGIN, "password": page.dummy}).encode()
    answer = await browser.send("POST", "/check", slug="oa--auth", headers=headers, body=body)
    assert answer.location == f"{house.settings.gateway_origin('oa')}/home?ticket=1"
    assert sign_in_server.posted("/check") == [urlencode({"username": LOGIN, "password": SECRET}).encode()]
    assert legacy.posted() == []


async def test_a_page_of_another_system_is_foreign_to_it(
    house: House, system: System, open_browser: Open, add_item: AddItem, sign_in_server: LegacyServer
) -> None:
    browser = await open_browser()
    await add_item(browser, system)
    await opened(house, browser)
    headers = {"origin": house.settings.gateway_origin("ob"), "sec-fetch-site": "same-site", "content-type": FORM}
    answer = await browser.send("POST", "/check", slug="oa--auth", headers=NAVIGATION | headers, body=b"a=1")
    assert answer.error == "ERR-FOREIGN"
    assert sign_in_server.received == []


async def test_a_host_that_no_origin_of_the_system_has_is_none_of_the_gateways(
    house: House, system: System, open_browser: Open
) -> None:
    browser = await open_browser()
    assert (await browser.get("/", slug="oa--other")).error == "ERR-SYSTEM"


async def test_a_form_that_leads_out_of_the_system_is_not_filled_and_the_page_says_why(
    house: House, add_system: AddSystem, open_browser: Open, add_item: AddItem, legacy: LegacyServer
) -> None:
    legacy.answers["GET /login"] = login_page("http://127.0.0.1:9/check")
    system, browser = await add_system(), await open_browser()
    await add_item(browser, system)
    page = await opened(house, browser)
    assert page.told is not None
    assert "dummy" not in page.told
    assert "另一个地址" in page.told["notice"]["text"]


@pytest.mark.parametrize(
    "further",
    [
        [{"name": "auth", "upstream": "http://10.0.0.1"}],
        [{"name": "Auth", "upstream": "https://10.0.0.1"}],
        [{"name": "a", "upstream": "https://10.0.0.1"}, {"name": "a", "upstream": "https://10.0.0.2"}],
        [{"name": "a", "upstream": "https://oa.county"}],
        [{"name": "a", "upstream": "ftp://10.0.0.1"}],
    ],
)
def test_a_further_origin_is_approved_and_named_as_the_first_is(further: list[dict[str, str]]) -> None:
    described = {"slug": "oa", "name": {"zh": "办公"}, "way_in": [{"kind": "gateway"}], "upstream": "https://oa.county"}
    with pytest.raises(ValueError, match=r"further_origins|http|name|origin|match"):
        SystemRegistration.model_validate({**described, "further_origins": further})


async def test_the_answer_of_a_further_origin_is_scrubbed_too(
    house: House, system: System, open_browser: Open, add_item: AddItem, sign_in_server: LegacyServer
) -> None:
    sign_in_server.answers["POST /check"] = RedirectResponse("/done", 302)
    sign_in_server.answers["GET /done"] = Response(
        f"<p>{LOGIN} typed {SECRET.encode().hex()}</p>", media_type="text/html"
    )
    browser = await open_browser()
    await add_item(browser, system)
    page = await opened(house, browser)
    headers = {"origin": house.settings.gateway_origin("oa"), "sec-fetch-site": "same-site", "content-type": FORM}
    body = urlencode({"username": LOGIN, "password": page.dummy}).encode()
    await browser.send("POST", "/check", slug="oa--auth", headers=NAVIGATION | headers, body=body)
    assert "******" in (await browser.get("/done", slug="oa--auth")).text
