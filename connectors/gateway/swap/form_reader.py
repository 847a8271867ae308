"""Reading the login form that a system gives to a visitor who is not signed in: over the gateway's own wire, with no
cookie of anybody, twice."""

import asyncio
from contextlib import suppress
from functools import partial
from urllib.parse import urljoin, urlsplit

from connectors.errors import ConnectorError
from connectors.gateway.parts import GatewayParts
from connectors.gateway.swap.knowledge import LoginKnowledge
from connectors.gateway.wire.content_type import charset_of
from connectors.gateway.wire.upstream import ACCEPT_ENCODING, Upstream, UpstreamAnswer, UpstreamRequest
from connectors.legacy.page.detect import detect
from connectors.legacy.page.login_form import LoginForm, login_form
from connectors.login_requests import LoginRequest
from connectors.login_requests.form import request_of_form
from connectors.origin import ExactOrigin
from connectors.systems import System
from core.fresh import Fresh
from core.logs import logger
from core.offload import off_loop

_MAX_PAGE_BYTES = 1024 * 1024
_MOST_REDIRECTS = 5
_MOST_FRAMES = 3
# Whoever opens the system waits for it, once.
_PATIENCE_SECONDS = 8.0
_AGAIN_SECONDS = 60.0

# Nothing of what a person's browser says: a page that repeats it would say what that person wants it to.
_OF_A_BROWSER = (
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"),
    ("accept-language", "zh-CN,zh;q=0.9,en;q=0.5"),
    ("accept", "text/html,*/*;q=0.8"),
)

_log = logger("gateway")


class FormReader:
    def __init__(self, parts: GatewayParts, upstream: Upstream, knowledge: LoginKnowledge) -> None:
        self._parts = parts
        self._upstream = upstream
        self._knowledge = knowledge
        self._tried: Fresh[str, bool] = Fresh(_AGAIN_SECONDS)

    async def learn(self, system: System, *, anew: bool = False) -> bool:
        """Pins the login request of the system's form; False where its page does not tell, or does not come. What did
        not tell is asked again after a while, or when a person opens the system (`anew`)."""
        read = partial(self._learned, system)
        return await read() if anew else await self._tried.get(f"{system.id} {system.version}", read)

    async def _learned(self, system: System) -> bool:
        found = None
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                found = await self._read(system)
        if found is None:
            return False
        async with self._parts.database.write() as connection:
            await self._parts.login_requests.keep_form(connection, system.login, found)
        self._knowledge.forget()
        return True

    async def _read(self, system: System) -> LoginRequest | None:
        origins = {str(endpoint.origin): endpoint.origin for endpoint in system.endpoints}
        try:
            first, again = [await _Visitor(self._upstream, system, origins).form() for _ in range(2)]
        except ConnectorError as error:
            _log.info("the login page cannot be read beforehand", system=system.slug, code=error.code)
            return None
        return request_of_form(first, again, origins.keys()) if first is not None else None


class _Visitor:
    """One visit: follows redirects among the system's own origins, keeps the cookies that it is given."""

    def __init__(self, upstream: Upstream, system: System, origins: dict[str, ExactOrigin]) -> None:
        self._upstream = upstream
        self._system = system
        self._origins = origins
        self._cookies: dict[str, str] = {}

    async def form(self) -> LoginForm | None:
        address = f"{self._system.origin}{self._system.registration.login_path}"
        return await self._form_at(address, frames=_MOST_FRAMES)

    async def _form_at(self, address: str, *, frames: int) -> LoginForm | None:
        url, body, charset = await self._page(address)
        found = await off_loop(len(body), login_form, body, url, charset)
        if found is not None or not frames:
            return found
        detected = await off_loop(len(body), detect, body, url, charset)
        for frame in (detected.frames if detected is not None else ())[:frames]:
            if (inside := await self._form_at(frame, frames=0)) is not None:
                return inside
        return None

    async def _page(self, address: str) -> tuple[str, bytes, str | None]:
        for _ in range(_MOST_REDIRECTS):
            parts = urlsplit(address)
            origin = self._origins.get(str(ExactOrigin.parse(address)))
            if origin is None:
                raise ConnectorError("ERR-ORIGIN", "the login page leads to another origin")
            target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
            async with self._upstream.send(self._request(origin, target)) as answer:
                self._keep_cookies(answer)
                location = answer.headers.get("location", "")
                if 300 <= answer.status < 400 and location:
                    address = urljoin(address, location)
                    continue
                return address, await _beginning(answer), charset_of(answer.headers.get("content-type", ""))
        raise ConnectorError("ERR-UPSTREAM_ANSWER", "redirects without end", status=502)

    def _request(self, origin: ExactOrigin, target: str) -> UpstreamRequest:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        headers = [
            ("host", origin.authority),
            *_OF_A_BROWSER,
            ("accept-encoding", ACCEPT_ENCODING),
            *([("cookie", cookies)] if cookies else []),
        ]
        return UpstreamRequest("GET", origin, target, headers, None, self._system.registration.trust, "")

    def _keep_cookies(self, answer: UpstreamAnswer) -> None:
        for name, line in answer.fields:
            if name == "set-cookie":
                key, equals, value = line.partition(";")[0].partition("=")
                if equals:
                    self._cookies[key.strip()] = value.strip()


async def _beginning(answer: UpstreamAnswer) -> bytes:
    body = bytearray()
    while len(body) <= _MAX_PAGE_BYTES and (piece := await answer.content.readany()):
        body += piece
    return bytes(body[:_MAX_PAGE_BYTES])
