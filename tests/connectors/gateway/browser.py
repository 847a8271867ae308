"""A browser as the gateway sees one: cookies, navigation, forms and scripts, with the headers Chromium sends."""

import html
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
import httpx
from yarl import URL

from core.settings import Settings
from sso.authentication.sessions import Session

NAVIGATION = {
    "accept": "text/html,*/*;q=0.8",
    "accept-language": "zh-CN,zh;q=0.9",
    "sec-fetch-dest": "document",
    "sec-fetch-mode": "navigate",
    "sec-fetch-site": "none",
}
SCRIPT = {"accept": "*/*", "sec-fetch-dest": "empty", "sec-fetch-mode": "cors", "sec-fetch-site": "same-origin"}
# What browsers take, where the client library takes less.
_SIZES: dict[str, Any] = {"max_line_size": 256 * 1024, "max_field_size": 256 * 1024, "max_headers": 10_000}
FORM = "application/x-www-form-urlencoded"


class Browser:
    """`jar` holds the cookies by gateway host; the portal's session cookie stands where a portal would put it."""

    def __init__(
        self, settings: Settings, gateway: str, portal: httpx.ASGITransport, session: Session, token: str
    ) -> None:
        self.session = session
        self.jar: dict[str, dict[str, str]] = {}
        self._settings = settings
        # The address that the gateway listens on, whatever host is asked for.
        self.gateway = gateway
        self._portal = httpx.AsyncClient(transport=portal, base_url=settings.issuer, cookies={"yimen-session": token})
        self._client = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, **_SIZES)

    def authority(self, slug: str) -> str:
        return self._settings.gateway_authority(slug)

    async def close(self) -> None:
        await self._client.close()
        await self._portal.aclose()

    def open(
        self,
        method: str,
        target: str,
        *,
        slug: str = "oa",
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        cookies: str | None = None,
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """One request whose answer is still to be read. `cookies` replaces the jar's."""
        sent = httpx.Headers(headers)
        sent.setdefault("host", self.authority(slug))
        kept = "; ".join(f"{name}={value}" for name, value in self.jar.get(slug, {}).items())
        if cookies is None and kept:
            cookies = kept
        if cookies:
            sent["cookie"] = cookies
        return self._client.request(
            method,
            URL(f"{self.gateway}{target}", encoded=True),
            headers=list(sent.multi_items()),
            data=body,
            allow_redirects=False,
            skip_auto_headers=("user-agent", "accept", "content-type", "accept-encoding"),
        )

    def connect(
        self, target: str, *, headers: Mapping[str, str] | None = None, protocols: Sequence[str] = ()
    ) -> AbstractAsyncContextManager[aiohttp.ClientWebSocketResponse]:
        """Opens a WebSocket, as a script of a page of `oa` does."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.jar.get("oa", {}).items())
        own = {"host": self.authority("oa"), "origin": self._settings.gateway_origin("oa"), "cookie": cookies}
        url = URL(f"{self.gateway.replace('http', 'ws', 1)}{target}", encoded=True)
        return self._client.ws_connect(url, headers=own | dict(headers or {}), protocols=protocols)

    async def send(self, method: str, target: str, *, slug: str = "oa", **options: Any) -> "Shown":
        """One request; keeps the cookies of the answer. Options are those of `open`."""
        async with self.open(method, target, slug=slug, **options) as response:
            shown = Shown(response.status, list(response.headers.items()), await response.read())
        for line in shown.all("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.jar.setdefault(slug, {})[name] = value.strip('"')
        return shown

    async def get(self, target: str, *, slug: str = "oa", **headers: str) -> "Shown":
        """Opens a page."""
        return await self.send("GET", target, slug=slug, headers=NAVIGATION | _dashed(headers))

    async def fetch(self, target: str, method: str = "GET", body: Any = None, **headers: str) -> "Shown":
        """What a page's script asks for."""
        return await self.send(method, target, headers=SCRIPT | _dashed(headers), body=body)

    async def post(self, target: str, fields: Mapping[str, str], **headers: str) -> "Shown":
        """Sends a form of a page of `oa`."""
        return await self.send_form(target, urlencode(fields).encode(), FORM, **headers)

    async def send_form(self, target: str, body: Any, content_type: str, **headers: str) -> "Shown":
        origin = self._settings.gateway_origin("oa")
        own = {"origin": origin, "referer": f"{origin}/login", "sec-fetch-site": "same-origin"}
        sent = NAVIGATION | own | {"content-type": content_type} | _dashed(headers)
        return await self.send("POST", target, headers=sent, body=body)

    async def sign_in(self, target: str = "/", slug: str = "oa") -> "Shown":
        """Through the provider and back; gives the answer that the gateway sends at the end."""
        asked = await self.get(target, slug=slug)
        assert asked.status == 303, asked.text
        return await self.get(await self.authorize(asked), slug=slug)

    async def authorize(self, asked: "Shown") -> str:
        """Follows the redirects at the provider; gives the target that leads back to the gateway."""
        address = asked.location
        for _ in range(5):
            answer = await self._portal.get(address)
            assert answer.status_code == 303, answer.text
            address = answer.headers["location"]
            if not address.startswith((self._settings.issuer, "/")):
                parts = urlsplit(address)
                return f"{parts.path}?{parts.query}"
        raise AssertionError(f"the provider does not come to an end: {address}")


class Shown:
    """An answer of the gateway."""

    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status = status
        self.headers = [(name.lower(), value) for name, value in headers]
        self.body = body

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.headers if known == name]

    def get(self, name: str) -> str | None:
        return next(iter(self.all(name)), None)

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def location(self) -> str:
        return self.get("location") or ""

    @property
    def error(self) -> str | None:
        """The code of the gateway's own answer, or None when it is the system's."""
        return self.get("x-yimen-error")

    @property
    def told(self) -> dict[str, Any] | None:
        """What the page's injected script is told."""
        match = re.search(rb'data-yimen="([^"]*)"', self.body)
        told: dict[str, Any] | None = json.loads(html.unescape(match[1].decode())) if match else None
        return told

    @property
    def dummy(self) -> str:
        assert self.told is not None, self.text
        dummy: str = self.told["dummy"]
        return dummy


def _dashed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
