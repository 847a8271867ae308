"""A person's browser without script: cookies, pages, plain forms. Redirects are followed by hand."""

from typing import Self
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx
from selectolax.lexbor import LexborHTMLParser


class Agent:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def get(self, address: str, **options: object) -> httpx.Response:
        return await self.client.get(address, **options)  # type: ignore[arg-type]

    async def follow(self, response: httpx.Response) -> httpx.Response:
        """Follows redirects while they stay here."""
        while response.is_redirect and self.is_here(response):
            response = await self.get(urljoin(str(response.url), response.headers["location"]))
        return response

    def is_here(self, response: httpx.Response) -> bool:
        target = urljoin(str(response.url), response.headers["location"])
        return urlsplit(target).netloc == self.client.base_url.netloc.decode()

    async def submit(self, page: httpx.Response, button: str, **typed: str) -> httpx.Response:
        """Fills the form that holds the element with the id `button`, and presses it."""
        tree = LexborHTMLParser(page.text)
        pressed = tree.css_first(f"#{button}")
        assert pressed is not None, f"no #{button} on {page.url}: {page.text[:2000]}"
        form = pressed
        while form.tag != "form":
            assert form.parent is not None
            form = form.parent
        fields = {
            field.attributes["name"] or "": field.attributes.get("value") or ""
            for field in form.css("input[name]")
            if field.attributes.get("type") not in ("checkbox", "radio") or "checked" in field.attributes
        }
        if pressed.attributes.get("name"):
            fields[pressed.attributes["name"] or ""] = pressed.attributes.get("value") or ""
        action = urljoin(str(page.url), form.attributes.get("action") or "")
        return await self.client.post(action, data=fields | typed, headers={"sec-fetch-site": "same-origin"})

    async def sign_in(self, username: str, password: str, at: str = "/sign-in") -> httpx.Response:
        page = await self.follow(await self.get(at))
        return await self.submit(page, "login-submit", username=username, password=password)


def answer_of(response: httpx.Response) -> dict[str, str]:
    """The parameters an authorization response carries to the client."""
    assert response.status_code == 303, response.text
    return dict(parse_qsl(urlsplit(response.headers["location"]).query, keep_blank_values=True))
