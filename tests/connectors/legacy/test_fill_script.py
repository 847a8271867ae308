"""The script that fills a page (connectors/gateway/pages/fill.js), in a real browser, on pages that never end."""

import json
from collections.abc import AsyncIterator
from html import escape
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Request, Route, expect

from connectors.legacy.filling.plan import fill_plan
from tests.chromium import chromium

# One browser serves them all.
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

SCRIPT = (Path(__file__).parents[3] / "connectors/gateway/pages/fill.js").read_text(encoding="utf-8")
DUMMY = "Dm-7f3K2q9x"
URL = "http://a.test/login"
TEXTS = {
    "person": "PERSON",
    "presses": "PRESSES",
    "filled": "FILLED",
    "portal": "PORTAL",
    "missing": "MISSING",
    "unsent": "UNSENT",
    "refusals": {},
}
FIELDS = '<input name="username" placeholder="用户名"><input type="password" name="password" placeholder="密码">'
FORM = f'<form action="/in" method="post">{FIELDS}<button>登录</button></form>'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context()
    yield context
    await context.close()


class Visit:
    """A page with the script in it, as the gateway serves it. What it posts is kept; `/never` never answers."""

    def __init__(self, page: Page, html: str) -> None:
        self.page = page
        self.posted: list[str] = []
        self._html = html

    async def open(self) -> None:
        await self.page.clock.install()
        await self.page.route("http://a.test/**", self._answer)
        await self.page.goto(URL, wait_until="commit")

    async def shows(self, text: str) -> bool:
        """Within fifteen seconds of the page's clock."""
        await self.page.wait_for_load_state("domcontentloaded")
        for _ in range(15):
            await self.page.clock.run_for(1_000)
            if await self.page.get_by_text(text).is_visible():
                return True
        return False

    async def _answer(self, route: Route, request: Request) -> None:
        if request.url.endswith("/never"):
            return
        if request.method == "POST":
            self.posted.append(request.post_data or "")
            await route.fulfill(body="<h1>欢迎</h1>", content_type="text/html; charset=utf-8")
        else:
            await route.fulfill(body=self._with_script(), content_type="text/html; charset=utf-8")

    def _with_script(self) -> str:
        told = escape(json.dumps(_told(self._html)))
        head = f'<meta charset="utf-8"><script data-yimen="{told}">{SCRIPT}</script>'
        return f"<!doctype html><html><head>{head}</head><body>{self._html}</body>"


def _told(html: str) -> dict[str, Any]:
    plan = fill_plan(None, html, URL)
    content = plan.to_json() if plan is not None else {"waits": True, "password": None, "username": None, "person": []}
    names = ("username", "password", "person", "submit", "opener", "waits", "steps")
    told = {name: content.get(name) for name in names}
    return {**told, "fill": "1", "presses": True, "login": "wang", "dummy": DUMMY, "portal": "/", "texts": TEXTS}


async def _visit(context: BrowserContext, html: str) -> Visit:
    visit = Visit(await context.new_page(), html)
    await visit.open()
    return visit


async def _signs_in(context: BrowserContext, html: str) -> str:
    visit = await _visit(context, html)
    await expect(visit.page.get_by_role("heading", name="欢迎")).to_be_visible(timeout=10_000)
    assert len(visit.posted) == 1
    return visit.posted[0]


_SENT = f"username=wang&password={DUMMY}"


@pytest.mark.parametrize(
    "never",
    ['<img src="/never">', '<script src="/never"></script>', '<link rel="stylesheet" href="/never" media="print">'],
    ids=["picture", "script", "style sheet"],
)
async def test_what_never_answers_does_not_hold_the_filling_back(context: BrowserContext, never: str) -> None:
    assert await _signs_in(context, FORM + never) == _SENT


async def test_a_hint_gives_way_to_the_password(context: BrowserContext) -> None:
    hint = (
        '<form action="/in" method="post"><input name="username" value="用户名" onfocus="this.value=\'\'">'
        '<input id="hint" value="密码" onfocus="this.style.display=\'none\';pw.style.display=\'\';pw.focus()">'
        '<input type="password" id="pw" name="password" style="display:none"><button>登录</button></form>'
    )
    assert await _signs_in(context, hint) == _SENT


@pytest.mark.parametrize(
    "button",
    [
        '<x-button class="btn"><button>登录</button></x-button>',
        '<div class="btn"><span onclick="document.forms[0].submit()">登录</span></div>',
        '<div class="btn" onclick="document.forms[0].submit()"><span>登录</span></div>',
        '<div class="login-btn"><a href="javascript:document.forms[0].submit()">登录</a></div>',
        '<div role="button" id="b">登录</div><script>b.onpointerdown = () => document.forms[0].submit()</script>',
    ],
    ids=["wrapped", "inner handler", "outer handler", "link", "pointer"],
)
async def test_the_real_button_inside_a_wrapper_is_pressed(context: BrowserContext, button: str) -> None:
    form = f'<form action="/in" method="post">{FIELDS}{button}</form>'
    assert (await _signs_in(context, form)).startswith(_SENT)


async def test_a_press_that_sends_nothing_is_told_and_not_repeated(context: BrowserContext) -> None:
    count = "window.pressed = (window.pressed || 0) + 1; return false"
    counted = f'<form onsubmit="{count}">{FIELDS}<button>登录</button></form>'
    visit = await _visit(context, counted)
    assert await visit.shows("UNSENT")
    assert await visit.page.evaluate("window.pressed") == 1
    assert visit.posted == []


async def test_a_page_with_nothing_to_fill_says_so(context: BrowserContext) -> None:
    visit = await _visit(context, "<h1>系统</h1><script>1</script>")
    assert await visit.shows("MISSING")


@pytest.mark.parametrize(
    "fields",
    [
        '<input name="u"><input type="password" name="a"><input type="password" name="b"><button>确定</button>',
        '<input name="u"><input type="password" name="a" autocomplete="new-password"><button>注册</button>',
        '<input name="u"><input type="password" name="cvv" placeholder="安全码"><button>支付</button>',
    ],
    ids=["two", "new", "card"],
)
async def test_a_field_that_a_script_draws_is_filled_only_where_a_password_is_given(
    context: BrowserContext, fields: str
) -> None:
    drawn = f"<div id=app></div><script>app.innerHTML = `<form>{fields}</form>`</script>"
    visit = await _visit(context, drawn)
    assert await visit.shows("MISSING")
    values = await visit.page.locator("input[type=password]").evaluate_all("all => all.map((one) => one.value)")
    assert set(values) == {""}
