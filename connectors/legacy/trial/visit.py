"""A short visit to a legacy system for checking forms and recipes: guarded, bounded, with cookies, never retrying."""

from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from types import TracebackType
from typing import Self
from urllib.parse import urljoin

import aiohttp

from connectors.errors import ConnectorError
from connectors.legacy.page.document import charset_of
from connectors.origin import ExactOrigin
from core.errors import OutboundError
from core.outbound import Outbound, address_of

_MAX_BYTES = 2 * 1024 * 1024
_TIMEOUT_SECONDS = 15.0
_MAX_REDIRECTS = 5
_AGENT = "Mozilla/5.0 (compatible; Yimen)"


@dataclass(frozen=True)
class Fetched:
    """One answer; `url` is the address that gave it."""

    url: str
    status: int
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)

    def header(self, name: str) -> str:
        return next((value for known, value in self.headers if known.lower() == name), "")

    @property
    def charset(self) -> str | None:
        return charset_of(self.header("content-type"))


class Visit:
    """Used as `async with Visit(outbound) as visit`. Cookies go back to the origin that set them only."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self._session: aiohttp.ClientSession | None = None
        self._cookies: dict[str, dict[str, str]] = {}

    async def __aenter__(self) -> Self:
        self._session = self._outbound.open_session(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def page(self, url: str) -> Fetched:
        """The page at `url`, or where its redirects lead. Raises OutboundError, or ERR-FORMS for a circle of them."""
        for _ in range(_MAX_REDIRECTS):
            fetched = await self.send("GET", url)
            target = fetched.header("location")
            if not (300 <= fetched.status < 400 and target):
                return fetched
            url = urljoin(url, target)
        raise ConnectorError("ERR-FORMS", f"more than {_MAX_REDIRECTS} redirects")

    async def send(
        self,
        method: str,
        url: str,
        *,
        body: bytes | bytearray | None = None,
        content_type: str = "",
        referrer: str = "",
    ) -> Fetched:
        """One request, one answer; redirects are not followed."""
        if self._session is None:
            raise RuntimeError("a Visit is used as an asynchronous context manager")
        target = address_of(url, encoded=True)
        self._outbound.require_target(target)
        headers = {"User-Agent": _AGENT, "Accept": "text/html,application/json;q=0.9,*/*;q=0.8"}
        if cookies := self.cookies(url):
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        if content_type:
            headers |= {"Content-Type": content_type, "Referer": referrer, "Origin": str(ExactOrigin.parse(url))}
        try:
            async with self._session.request(
                method, target, headers=headers, data=body, allow_redirects=False
            ) as response:
                content = await _bounded(response)
                pairs = tuple(response.headers.items())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise OutboundError("ERR-OUTBOUND_FAILED", f"{target.host}: {type(error).__name__}") from None
        fetched = Fetched(url, response.status, pairs, content)
        self._keep_cookies(fetched)
        return fetched

    def cookies(self, url: str) -> dict[str, str]:
        return self._cookies.get(str(ExactOrigin.parse(url)), {})

    def _keep_cookies(self, fetched: Fetched) -> None:
        jar = self._cookies.setdefault(str(ExactOrigin.parse(fetched.url)), {})
        for name, line in fetched.headers:
            if name.lower() != "set-cookie":
                continue
            try:
                parsed = SimpleCookie(line)
            except CookieError:
                continue
            jar.update({key: morsel.coded_value for key, morsel in parsed.items()})


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    content = b""
    async for chunk in response.content.iter_chunked(64 * 1024):
        content += chunk
        if len(content) > _MAX_BYTES:
            raise OutboundError("ERR-OUTBOUND_SIZE", f"{response.url.host} answered more than {_MAX_BYTES} bytes")
    return content
