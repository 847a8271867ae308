"""One request through the gateway: to the legacy server and back, streaming wherever nothing must be looked at."""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field

import aiohttp
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Send

from connectors.errors import ConnectorError
from connectors.gateway.basic import BasicAuthorization
from connectors.gateway.captures import Captures
from connectors.gateway.documents import MAX_DOCUMENT_BYTES, Document, Documents
from connectors.gateway.echoes import scrubbed
from connectors.gateway.fills import DUMMY_PREFIX, Fill, Fills
from connectors.gateway.headers import (
    FILLED_COOKIE,
    Header,
    basic_credential,
    browser_headers,
    cookies_of,
    unconditional,
    upstream_headers,
)
from connectors.gateway.parts import GatewayParts
from connectors.gateway.results import Results
from connectors.gateway.rewrite import OriginMap, is_rewritable
from connectors.gateway.sessions import GatewaySession
from connectors.gateway.swap import MAX_BODY_BYTES, SentBody, Swap, Swapped
from connectors.gateway.upload import Upload
from connectors.gateway.upstream import (
    ACCEPT_ENCODING,
    Body,
    Upstream,
    UpstreamRequest,
    answer_headers,
)
from connectors.legacy.answer import Outcome, SignInResponse
from connectors.legacy.conventions import LEADS_BACK
from connectors.legacy.recipe import Recipe
from connectors.legacy.variables import from_response
from connectors.systems import System

_MAY_SIGN_IN = frozenset({"POST", "PUT", "PATCH"})
_NO_BODY_STATUS = frozenset({204, 304})
# The codings that the client library undoes.
_DECODED = frozenset({"gzip", "deflate", "br", "zstd"})
# A page that takes longer to come is no login page: it is shown as it comes.
_PATIENCE_SECONDS = 3.0
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)


@dataclass
class Visit:
    """Everything about one request on its way."""

    request: Request
    who: GatewaySession
    system: System
    recipe: Recipe | None
    origins: OriginMap
    target: str
    upload: Upload
    fills: Sequence[Fill] = ()
    swapped: Swapped | None = field(default=None, repr=False)
    capture_id: str | None = None
    basic_item: str | None = None

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def headers(self) -> Headers:
        return self.request.headers

    @property
    def filled(self) -> str:
        """The fill that stands in the browser's page, as our script there says."""
        return self.request.cookies.get(FILLED_COOKIE, "")

    @property
    def is_document(self) -> bool:
        """A page, not a part of one."""
        wanted = self.headers.get("sec-fetch-dest", "document")
        return wanted in ("document", "iframe", "frame") and "x-requested-with" not in self.headers

    @property
    def is_navigation(self) -> bool:
        """The browser opens a page, or a frame of one."""
        mode = self.headers.get("sec-fetch-mode")
        return mode == "navigate" or (mode is None and "text/html" in self.headers.get("accept", ""))


class Proxy:
    def __init__(self, parts: GatewayParts, upstream: Upstream, fills: Fills, captures: Captures) -> None:
        self._parts = parts
        self._upstream = upstream
        self._fills = fills
        self._captures = captures
        self._swap = Swap(parts.database, fills, parts.launcher, parts.items, parts.ledger)
        self._results = Results(parts)
        self._documents = Documents(parts, fills, captures, self._results)
        self._basic = BasicAuthorization(parts)

    async def serve(self, visit: Visit, send: Send) -> None:
        """Raises the gateway's errors before the answer has begun, never after."""
        body = await self._body(visit)
        peer, visit.basic_item = await self._basic.peer(visit.who, visit.system, visit.request.state.address)
        received = [(name, value) for name, value in visit.headers.items()]
        headers = upstream_headers(received, visit.origins, peer, ACCEPT_ENCODING)
        if visit.is_navigation:
            headers = unconditional(headers)
        length = _length(visit, body)
        if length is not None:
            headers.append(("content-length", str(length)))
        assert visit.system.origin is not None
        outgoing = UpstreamRequest(visit.request.method, visit.system.origin, visit.target, headers, body)
        try:
            async with self._upstream.send(outgoing) as response:
                await self._answer(visit, response, send)
        finally:
            if visit.swapped is not None:
                visit.swapped.wipe()

    # Towards the legacy server

    async def _body(self, visit: Visit) -> Body:
        """What to send on. A body that is too large for a sign-in, or of no method that signs in, streams through as
        it is: a dummy in it would mean nothing to anybody."""
        request = visit.request
        await self._refuse_elsewhere(visit)
        announced = visit.headers.get("content-length")
        if announced is None and "transfer-encoding" not in visit.headers:
            return None
        small = announced is not None and announced.isdigit() and int(announced) <= MAX_BODY_BYTES
        if request.method not in _MAY_SIGN_IN or not small:
            return visit.upload.pieces()
        visit.fills = await self._known_fills(visit.who)
        if not visit.fills:
            return visit.upload.pieces()
        body = await visit.upload.whole()
        content_type = visit.headers.get("content-type", "")
        cookies = cookies_of(visit.headers.items())
        sent = SentBody(request.method, visit.path, content_type, body, cookies, visit.filled)
        visit.swapped = await self._swap.swap(visit.who, visit.system, visit.recipe, sent, visit.fills)
        if visit.swapped is not None:
            return visit.swapped.body
        visit.capture_id = await self._captures.hold(visit.who, visit.system, visit.recipe, sent, visit.fills)
        return body

    async def refuse_dummies(self, who: GatewaySession, system: System, lines: Sequence[str]) -> None:
        """A page's login may send the password in an address, a header field or a socket, where it is not put in:
        raises ERR-FILL, so that its dummy counts as no attempt."""
        if any(DUMMY_PREFIX in line for line in lines):
            await self._swap.refuse_elsewhere(who, system, lines, await self._known_fills(who))

    async def _refuse_elsewhere(self, visit: Visit) -> None:
        basic = basic_credential(visit.headers.get("authorization", ""))
        await self.refuse_dummies(visit.who, visit.system, [visit.target, *visit.headers.values(), basic])

    async def _known_fills(self, who: GatewaySession) -> list[Fill]:
        async with self._parts.database.read() as connection:
            return await self._fills.known(connection, who.id)

    # Back to the browser

    async def _answer(self, visit: Visit, response: aiohttp.ClientResponse, send: Send) -> None:
        answered = answer_headers(response)
        headers = browser_headers(answered, visit.origins, secure=self._parts.settings.secure)
        if response.status == 401 and visit.basic_item is not None:
            await self._basic_refused(visit, visit.basic_item)
        content_type = _readable_type(response)
        if visit.swapped is not None or visit.capture_id is not None:
            await self._signed_in(visit, response, answered, headers, send)
        elif visit.request.method == "HEAD" or response.status in _NO_BODY_STATUS:
            await _send_whole(send, response.status, headers, b"")
        elif _is_html(content_type) and visit.is_document:
            await self._document(visit, response, headers, send)
        elif self._teaches(visit, content_type):
            await self._learn(visit, response, headers, send)
        else:
            await self._pass_on(visit, response, headers, send)

    async def _signed_in(
        self, visit: Visit, response: aiohttp.ClientResponse, answered: list[Header], headers: list[Header], send: Send
    ) -> None:
        """The answer to a sign-in is read whole: judged, freed of echoes, and then shown like any other."""
        body = await self._read(visit, response, MAX_DOCUMENT_BYTES)
        charset = _charset(response)
        fill = visit.swapped.fill if visit.swapped is not None else None
        login_url = fill.login_url if fill is not None else ""
        told = SignInResponse(
            response.status, answered, self._address(visit), body, charset=charset, login_url=login_url
        )
        item_id = fill.item_id if fill is not None else None
        outcome = await self._results.note(visit.who, visit.system, visit.recipe, item_id, told)
        if fill is not None and outcome is LEADS_BACK:
            async with self._parts.database.write() as connection:
                await self._fills.leave_undecided(connection, fill)
        if visit.capture_id is not None:
            accepted = outcome.result == "success"
            await (self._captures.offer if accepted else self._captures.drop)(visit.capture_id)
        if visit.swapped is not None:
            secrets = (visit.swapped.secret, visit.swapped.written)
            body = scrubbed(body, secrets)
            headers = [(name, scrubbed(value.encode("latin-1"), secrets).decode("latin-1")) for name, value in headers]
        if _is_html(response.headers.get("content-type", "")):
            document = Document(self._address(visit), body, charset, headers, _english(visit))
            body, headers = await self._documents.prepare(
                visit.who, visit.system, visit.recipe, visit.origins, document
            )
        elif is_rewritable(response.headers.get("content-type", "")):
            body = visit.origins.rewrite(body)
        await _send_whole(send, response.status, headers, body)

    async def _document(
        self, visit: Visit, response: aiohttp.ClientResponse, headers: list[Header], send: Send
    ) -> None:
        first = bytearray()
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._read_into(first, visit, response, MAX_DOCUMENT_BYTES)
        if not response.content.at_eof():
            # Larger than any login page, or a report that goes on and on: it is passed on as it comes.
            await self._pass_on(visit, response, headers, send, bytes(first))
            return
        document = Document(self._address(visit), bytes(first), _charset(response), headers, _english(visit))
        body, headers = await self._documents.prepare(visit.who, visit.system, visit.recipe, visit.origins, document)
        await _send_whole(send, response.status, headers, body)

    def _teaches(self, visit: Visit, content_type: str) -> bool:
        """An answer that may hold a variable of the recipe's transform, such as a key the page fetches."""
        recipe = visit.recipe
        if recipe is None or not any(one.source == "response" for one in recipe.variables.values()):
            return False
        return is_rewritable(content_type) or content_type.startswith("text/")

    async def _learn(self, visit: Visit, response: aiohttp.ClientResponse, headers: list[Header], send: Send) -> None:
        body = await self._read(visit, response, MAX_DOCUMENT_BYTES)
        assert visit.recipe is not None
        found = from_response(visit.recipe, self._address(visit), body, _charset(response))
        if found:
            async with self._parts.database.write() as connection:
                for fill in await self._fills.known(connection, visit.who.id):
                    if not fill.is_spent:
                        await self._fills.learn(connection, fill, found)
        if is_rewritable(response.headers.get("content-type", "")):
            body = visit.origins.rewrite(body)
        await _send_whole(send, response.status, headers, body)

    async def _pass_on(
        self,
        visit: Visit,
        response: aiohttp.ClientResponse,
        headers: list[Header],
        send: Send,
        first: bytes = b"",
    ) -> None:
        rewriter = visit.origins.stream() if is_rewritable(_readable_type(response)) else None
        coding = _coding(response)
        length = response.headers.get("content-length")
        if coding and coding not in _DECODED:
            headers = [*headers, ("content-encoding", coding)]
        if rewriter is None and coding not in _DECODED and length is not None:
            headers = [*headers, ("content-length", length)]
        await _send_start(send, response.status, headers)
        gone = asyncio.create_task(visit.upload.until_gone())
        try:
            async with aclosing(_pieces(first, response, gone)) as pieces:
                async for piece in pieces:
                    for part in rewriter.feed(piece) if rewriter is not None else (piece,):
                        await send({"type": "http.response.body", "body": part, "more_body": True})
            rest = rewriter.finish() if rewriter is not None else b""
            await send({"type": "http.response.body", "body": rest, "more_body": False})
        finally:
            gone.cancel()

    async def _basic_refused(self, visit: Visit, item_id: str) -> None:
        """The one attempt failed: the Item is frozen, and the system's own question never reaches the browser."""
        async with self._parts.database.write() as connection:
            await self._basic.forget(connection, visit.who)
        await self._results.record(visit.who, visit.system, item_id, Outcome("failure", "HTTP 401"))
        raise ConnectorError("ERR-ITEM_FROZEN", f"{visit.system.slug} refused the account", status=409)

    async def _read(self, visit: Visit, response: aiohttp.ClientResponse, limit: int) -> bytes:
        body = bytearray()
        await self._read_into(body, visit, response, limit)
        if not response.content.at_eof():
            raise ConnectorError("ERR-UPSTREAM", f"{visit.system.slug} answered more than {limit} bytes", status=502)
        return bytes(body)

    async def _read_into(self, body: bytearray, visit: Visit, response: aiohttp.ClientResponse, limit: int) -> None:
        """Reads up to `limit`, which the last piece may exceed; what was read stays in `body` when time runs out."""
        while len(body) <= limit and (piece := await response.content.readany()):
            body += piece

    def _address(self, visit: Visit) -> str:
        return f"{visit.system.origin}{visit.target}"


async def _pieces(
    first: bytes, response: aiohttp.ClientResponse, gone: asyncio.Task[None]
) -> AsyncGenerator[bytes, None]:
    """The rest of the answer; ends early when the browser has gone, so that no legacy connection is left behind."""
    if first:
        yield first
    while not gone.done():
        reading = asyncio.ensure_future(response.content.readany())
        await asyncio.wait([reading, gone], return_when=asyncio.FIRST_COMPLETED)
        if not reading.done():
            reading.cancel()
            return
        piece = reading.result()
        if not piece:
            return
        yield piece


def _length(visit: Visit, body: Body) -> int | None:
    if isinstance(body, bytes | bytearray):
        return len(body)
    announced = visit.headers.get("content-length")
    return int(announced) if announced is not None and announced.isdigit() and body is not None else None


async def _send_start(send: Send, status: int, headers: Sequence[Header]) -> None:
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def _send_whole(send: Send, status: int, headers: Sequence[Header], body: bytes) -> None:
    bodiless = status in _NO_BODY_STATUS
    await _send_start(send, status, headers if bodiless else [*headers, ("content-length", str(len(body)))])
    await send({"type": "http.response.body", "body": b"" if bodiless else body})


def _charset(response: aiohttp.ClientResponse) -> str | None:
    match = _CHARSET.search(response.headers.get("content-type", ""))
    return match[1] if match else None


def _coding(response: aiohttp.ClientResponse) -> str:
    return response.headers.get("content-encoding", "").strip().lower()


def _readable_type(response: aiohttp.ClientResponse) -> str:
    """The content type; empty for a body in a coding that is not undone here, which is passed on as it is."""
    return response.headers.get("content-type", "") if _coding(response) in (*_DECODED, "") else ""


def _is_html(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() in ("text/html", "application/xhtml+xml")


def _english(visit: Visit) -> bool:
    return visit.headers.get("accept-language", "zh").split(",")[0].strip().lower().startswith("en")
