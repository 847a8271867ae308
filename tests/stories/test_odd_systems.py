"""Systems whose answers are odd, in a real browser: what it would show directly, it shows behind the gateway."""

import asyncio
import gzip
import json

from playwright.async_api import Browser, expect

from tests.connectors.gateway.raw import serving
from tests.stories.conftest import DESKTOP, Town, launch, sign_in

_ACCOUNT = ("wang", "odd-Pass-1")
_OK = b"HTTP/1.1 200 OK\r\n"
_HTML = b"Content-Type: text/html\r\n"
_SHOWN = b"<h1>shown</h1>"
ANSWERS = {
    "start": _OK + _HTML + b"\r\n" + _SHOWN,
    "status": b"HTTP/1.1 999 Request denied\r\n" + _HTML + b"\r\n" + _SHOWN,
    "no-reason": b"HTTP/1.0 200\nContent-Type: text/html\n\n" + _SHOWN,
    "large-field": _OK + _HTML + b"X-Rights: " + b"menu:read," * 20_000 + b"\r\n\r\n" + _SHOWN,
    "odd-fields": _OK + _HTML + b"X-A: \x01b\r\nX B: c\r\nX-Folded: a\r\n  b\r\nno colon\r\n\r\n" + _SHOWN,
    "two-lengths": _OK + _HTML + b"Content-Length: 14\r\nContent-Length: 14\r\n\r\n" + _SHOWN,
    "hints": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + _OK + _HTML + b"\r\n" + _SHOWN,
    "both": _OK + _HTML + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\ne\r\n" + _SHOWN + b"\r\n0\r\n\r\n",
    "gzip": _OK + _HTML + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(_SHOWN),
}
REFUSED = {
    "protocol": (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
        "ERR-UPSTREAM_ANSWER",
    ),
    "ssh": (b"SSH-2.0-OpenSSH_9\r\n", "ERR-UPSTREAM_ANSWER"),
    "broken-gzip": (_OK + _HTML + b"Content-Encoding: gzip\r\n\r\nhello", "ERR-UPSTREAM_ANSWER"),
    "half": (_OK + _HTML + b"Content-Length: 99\r\n\r\n" + _SHOWN, "ERR-UPSTREAM_CUT"),
    "silent": (b"", "ERR-UPSTREAM"),
}


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    name = head.split(b" ")[1].decode().strip("/")
    writer.write(ANSWERS[name] if name in ANSWERS else REFUSED.get(name, (_OK + b"\r\n", ""))[0])


async def test_a_browser_shows_what_it_would_show_directly_or_is_told_why_not(town: Town, browser: Browser) -> None:
    async with serving(_serve) as origin:
        county = {
            "version": 1,
            "systems": [
                {
                    "slug": "odd",
                    "name": {"zh": "odd"},
                    "way_in": [{"kind": "gateway"}],
                    "upstream": origin,
                    "login_path": "/start",
                    "http_approved_by": "zhouan",
                }
            ],
            "items": [{"system": "odd", "owner": {"user": "wangxw"}, "login": _ACCOUNT[0], "password": _ACCOUNT[1]}],
        }
        assert (await town.yimen.run("apply", "-", given=json.dumps(county).encode()))[0] == 0
        context = await browser.new_context(viewport=DESKTOP, locale="zh-CN")
        page = await launch(await sign_in(context, town), "odd")
        await page.wait_for_url("**/start")
        start = page.url
        for name in ANSWERS:
            await page.goto(start.replace("/start", f"/{name}"))
            await expect(page.locator("h1"), name).to_have_text("shown")
        for name, (_, code) in REFUSED.items():
            answer = await page.goto(start.replace("/start", f"/{name}"))
            assert answer is not None
            assert answer.status == 502, name
            await expect(page.locator("code"), name).to_contain_text(f"{code} ·")
