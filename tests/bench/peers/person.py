"""The person who signs in once, with a browser that keeps every cookie."""

from collections.abc import Mapping
from http.cookies import SimpleCookie
from typing import Self
from urllib.parse import urljoin

import httpx
from selectolax.lexbor import LexborHTMLParser


class Person:
    """Sends Secure cookies over plain HTTP too: on loopback everything is, and browsers do the same there."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(timeout=30.0)
        self._cookies: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    @property
    def cookies(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items())

    async def get(self, address: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return await self._ask("GET", address, headers=headers)

    async def follow(self, address: str, *, until: str) -> httpx.Response:
        """Goes on where redirects lead, but not beyond one to an address that begins with `until`."""
        while True:
            answer = await self.get(address)
            leads_to = urljoin(address, answer.headers.get("location", ""))
            if not answer.is_redirect or leads_to.startswith(until):
                return answer
            address = leads_to

    async def submit(self, page: httpx.Response, **typed: str) -> httpx.Response:
        """Fills in the page's form that has these fields, and sends it."""
        for form in LexborHTMLParser(page.text).css("form"):
            fields = {
                field.attributes["name"] or "": field.attributes.get("value") or "" for field in form.css("input[name]")
            }
            if typed.keys() <= fields.keys():
                action = urljoin(str(page.url), form.attributes.get("action") or "")
                return await self._ask("POST", action, fields | typed, {"sec-fetch-site": "same-origin"})
        raise ValueError(f"{page.url.path} has no form with {', '.join(typed)}")

    async def _ask(
        self,
        method: str,
        address: str,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        # The client's own jar is left empty: it would keep Secure cookies to itself.
        self._client.cookies.clear()
        sent = dict(headers or {}) | ({"cookie": self.cookies} if self._cookies else {})
        answer = await self._client.request(method, address, data=form, headers=sent)
        for line in answer.headers.get_list("set-cookie"):
            self._keep(SimpleCookie(line))
        return answer

    def _keep(self, cookies: SimpleCookie) -> None:
        for name, morsel in cookies.items():
            self._cookies.pop(name, None)
            if morsel.value:
                self._cookies[name] = morsel.value
