"""A visitor without a browser, whom nobody has signed in: fetches a page, or sends one request, over the gateway's own
wire, so that whatever reads a system's pages reads what the gateway would.

Bounded in size and redirects; cookies go back to the origin that set them only; nothing is sent twice.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from string import punctuation
from urllib.parse import quote, urljoin, urlsplit

from connectors.errors import ConnectorError
from connectors.gateway.wire.content_type import charset_of
from connectors.gateway.wire.headers import Header
from connectors.gateway.wire.upstream import ACCEPT_ENCODING, Upstream, UpstreamAnswer, UpstreamRequest
from connectors.origin import ExactOrigin
from core.trust import Trust

# No login page is larger.
MAX_PAGE_BYTES = 2 * 1024 * 1024
_MOST_REDIRECTS = 5
_PATIENCE_SECONDS = 15.0
# Nothing of what a person's browser says: a page that repeats it would say what that person wants it to.
_OF_A_BROWSER = (
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"),
    ("accept-language", "zh-CN,zh;q=0.9,en;q=0.5"),
    ("accept", "text/html,*/*;q=0.8"),
    ("accept-encoding", ACCEPT_ENCODING),
)

# Whose certificates an origin may show; raises for one that is not to be visited.
TrustOf = Callable[[ExactOrigin], Trust]


@dataclass(frozen=True)
class Fetched:
    """One answer; `url` is the address that gave it. Names of header fields are in lower case."""

    url: str
    status: int
    headers: tuple[Header, ...] = field(repr=False)
    body: bytes = field(repr=False)

    def header(self, name: str) -> str:
        return next((value for known, value in self.headers if known == name), "")

    @property
    def charset(self) -> str | None:
        return charset_of(self.header("content-type"))


class Visitor:
    def __init__(self, upstream: Upstream, trust_of: TrustOf) -> None:
        self._upstream = upstream
        self._trust_of = trust_of
        self._cookies: dict[ExactOrigin, dict[str, str]] = {}

    async def page(self, url: str) -> Fetched:
        """The page at `url`, or where its redirects lead. Raises what `Upstream` names, and ERR-UPSTREAM_ANSWER for a
        circle of redirects."""
        for _ in range(_MOST_REDIRECTS):
            fetched = await self.send("GET", url)
            target = fetched.header("location")
            if not (300 <= fetched.status < 400 and target):
                return fetched
            url = urljoin(url, target)
        raise ConnectorError("ERR-UPSTREAM_ANSWER", f"more than {_MOST_REDIRECTS} redirects", status=502)

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
        origin = ExactOrigin.parse(url)
        headers = [("host", origin.authority), *_OF_A_BROWSER]
        if cookies := self.cookies(url):
            headers.append(("cookie", "; ".join(f"{name}={value}" for name, value in cookies.items())))
        if body is not None:
            headers += [
                ("content-type", content_type),
                ("content-length", str(len(body))),
                ("origin", str(origin)),
                ("referer", referrer),
            ]
        request = UpstreamRequest(method, origin, _target(url), headers, body, self._trust_of(origin))
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), self._upstream.send(request) as answer:
                fetched = Fetched(url, answer.status, tuple(answer.fields), await _whole(answer))
        except TimeoutError:
            raise ConnectorError("ERR-UPSTREAM", f"{origin}: no whole answer in time", status=502) from None
        self._keep_cookies(origin, fetched)
        return fetched

    def cookies(self, url: str) -> dict[str, str]:
        return self._cookies.get(ExactOrigin.parse(url), {})

    def _keep_cookies(self, origin: ExactOrigin, fetched: Fetched) -> None:
        for name, line in fetched.headers:
            key, equals, value = line.partition(";")[0].partition("=")
            if name == "set-cookie" and equals:
                self._cookies.setdefault(origin, {})[key.strip()] = value.strip()


def _target(url: str) -> str:
    """Path and query as they stand; what no address may hold as it is gets escaped."""
    parts = urlsplit(url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return quote(target, safe=punctuation)


async def _whole(answer: UpstreamAnswer) -> bytes:
    body = bytearray()
    while piece := await answer.content.readany():
        body += piece
        if len(body) > MAX_PAGE_BYTES:
            raise ConnectorError("ERR-UPSTREAM_ANSWER", f"more than {MAX_PAGE_BYTES} bytes", status=502)
    return bytes(body)
