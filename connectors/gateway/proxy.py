"""One request through the gateway: to the legacy server and back, streaming wherever nothing must be looked at."""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress

import aiohttp
from starlette.types import Send

from connectors.errors import ConnectorError
from connectors.gateway.answers.scrub import Scrubber
from connectors.gateway.basic import BasicAuthorization
from connectors.gateway.captures import Captures
from connectors.gateway.documents import MAX_DOCUMENT_BYTES, Document, Documents
from connectors.gateway.echo_watch import EchoWatch
from connectors.gateway.fills import Fills
from connectors.gateway.outgoing import Outgoing
from connectors.gateway.parts import GatewayParts
from connectors.gateway.results import Results
from connectors.gateway.salts import salts_in_answer
from connectors.gateway.scripted_basic import ScriptedBasic
from connectors.gateway.sessions import GatewaySession
from connectors.gateway.visit import Visit
from connectors.gateway.wire.headers import ECHO_COOKIE, Header, Peer, browser_headers, unconditional, upstream_headers
from connectors.gateway.wire.rewrite import is_data, is_rewritable, is_text
from connectors.gateway.wire.upstream import (
    ACCEPT_ENCODING,
    Body,
    Upstream,
    UpstreamRequest,
    answer_headers,
)
from connectors.legacy.outcome.answer import Outcome
from connectors.legacy.recipe.variables import from_response
from connectors.systems import System, WayInKind

_NO_BODY_STATUS = frozenset({204, 304})
# The codings that the client library undoes.
_DECODED = frozenset({"gzip", "deflate", "br", "zstd"})
# A page that takes longer to come is no login page: it is shown as it comes.
_PATIENCE_SECONDS = 3.0
_LONGEST_LESSON = 16 * 1024
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)


class Proxy:
    def __init__(self, parts: GatewayParts, upstream: Upstream, fills: Fills, captures: Captures) -> None:
        self._parts = parts
        self._upstream = upstream
        self._fills = fills
        self._captures = captures
        self._outgoing = Outgoing(parts, fills, captures)
        self._echoes = EchoWatch(parts)
        self._results = Results(parts, fills, captures, self._echoes)
        self._documents = Documents(parts, fills, captures, self._results)
        self._basic = BasicAuthorization(parts)
        self._scripted = ScriptedBasic(parts, fills, self._basic)

    async def serve(self, visit: Visit, send: Send) -> None:
        """Raises the gateway's errors before the answer has begun, never after."""
        scripted = await self._scripted.authorization(visit)
        body = await self._outgoing.body(visit, authorized=scripted is not None)
        visit.echo = await self._echo(visit)
        peer = await self._peer(visit, scripted)
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
            visit.wipe()

    async def _peer(self, visit: Visit, scripted: str | None) -> Peer:
        """What the legacy server is told of the caller."""
        peer, item_id = await self._basic.peer(visit.who, visit.system, visit.request.state.address)
        if scripted is not None:
            return Peer(peer.forwarded_for, scripted)
        visit.basic_item = item_id
        return peer

    async def refuse_dummies(self, who: GatewaySession, system: System, lines: Sequence[str]) -> None:
        """Raises ERR-FILL for what must not go to the system over a socket."""
        await self._outgoing.refuse_dummies(who, system, lines)

    async def _echo(self, visit: Visit) -> bytearray | None:
        fill_id = visit.request.cookies.get(ECHO_COOKIE)
        return await self._echoes.password(visit.who, visit.system, fill_id) if fill_id else None

    # Back to the browser

    async def _answer(self, visit: Visit, response: aiohttp.ClientResponse, send: Send) -> None:
        answered = answer_headers(response)
        headers = browser_headers(answered, visit.origins, secure=self._parts.settings.secure)
        if response.status == 401 and visit.basic_item is not None:
            _require_basic(visit, response)
            await self._basic_refused(visit, visit.basic_item)
        content_type = _readable_type(response)
        if visit.echo is not None:
            headers = _scrubber(response, visit.echo).fields(headers)
        if visit.swapped is not None or visit.held is not None:
            await self._signed_in(visit, response, answered, headers, send)
        elif visit.request.method == "HEAD" or response.status in _NO_BODY_STATUS:
            await _send_bodiless(send, response, headers)
        elif _is_html(content_type) and visit.is_document:
            await self._document(visit, response, headers, send)
        elif self._teaches(visit, response, content_type):
            await self._learn(visit, response, headers, send)
        else:
            await self._pass_on(visit, response, headers, send)

    async def _signed_in(
        self, visit: Visit, response: aiohttp.ClientResponse, answered: list[Header], headers: list[Header], send: Send
    ) -> None:
        """The answer to a sign-in is read whole: judged, freed of echoes, and then shown like any other."""
        body = await self._read(visit, response, MAX_DOCUMENT_BYTES)
        headers = [*headers, *await self._results.note(visit, response.status, answered, body, _charset(response))]
        if visit.swapped is not None:
            scrubber = _scrubber(response, visit.swapped.secret, visit.swapped.written)
            body, headers = scrubber.scrub(body), scrubber.fields(headers)
        # What comes with a redirect is shown to nobody.
        if _is_html(response.headers.get("content-type", "")) and not 300 <= response.status < 400:
            document = _page(visit, response, body, headers)
            body, headers = await self._documents.prepare(
                visit.who, visit.system, visit.recipe, visit.origins, document
            )
        elif is_rewritable(response.headers.get("content-type", "")):
            body = visit.origins.rewrite(body)
        await _send_whole(send, response.status, headers, body)

    async def _document(
        self, visit: Visit, response: aiohttp.ClientResponse, headers: list[Header], send: Send
    ) -> None:
        first = await self._beginning(visit, response)
        if not response.content.at_eof():
            # Larger than any login page, or a report that goes on and on: it is passed on as it comes.
            await self._pass_on(visit, response, headers, send, first)
            return
        document = _page(visit, response, first, headers)
        body, headers = await self._documents.prepare(visit.who, visit.system, visit.recipe, visit.origins, document)
        await _send_whole(send, response.status, headers, body)

    async def _beginning(self, visit: Visit, response: aiohttp.ClientResponse) -> bytes:
        """What comes at once, without the password that was put in a moment ago; mostly the whole."""
        first = bytearray()
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._read_into(first, visit, response, MAX_DOCUMENT_BYTES)
        return _without_echo(visit, response, bytes(first))

    def _teaches(self, visit: Visit, response: aiohttp.ClientResponse, content_type: str) -> bool:
        """An answer that may hold what the page puts to the password: a variable of the recipe's transform, or while a
        filled page is open any short answer that its script asks for."""
        recipe = visit.recipe
        if recipe is not None and any(one.source == "response" for one in recipe.variables.values()):
            return is_text(content_type)
        length = response.headers.get("content-length", "0")
        short = length.isdigit() and int(length) <= _LONGEST_LESSON
        return bool(visit.filled) and not visit.is_navigation and short and is_data(content_type)

    async def _learn(self, visit: Visit, response: aiohttp.ClientResponse, headers: list[Header], send: Send) -> None:
        body = _without_echo(visit, response, await self._read(visit, response, MAX_DOCUMENT_BYTES))
        async with self._parts.database.write() as connection:
            for fill in await self._fills.known(connection, visit.who.id):
                if not fill.is_spent and (found := self._lesson(visit, response, body, fill.id)):
                    await self._fills.learn(connection, fill, found)
        if is_rewritable(response.headers.get("content-type", "")):
            body = visit.origins.rewrite(body)
        await _send_whole(send, response.status, headers, body)

    def _lesson(self, visit: Visit, response: aiohttp.ClientResponse, body: bytes, fill_id: str) -> dict[str, str]:
        if visit.recipe is not None:
            return from_response(visit.recipe, visit.address, body, _charset(response))
        return salts_in_answer(body) if visit.filled == fill_id else {}

    async def _pass_on(
        self,
        visit: Visit,
        response: aiohttp.ClientResponse,
        headers: list[Header],
        send: Send,
        first: bytes = b"",
    ) -> None:
        if visit.echo is not None and not first and is_text(_readable_type(response)):
            first = await self._beginning(visit, response)
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


def _require_basic(visit: Visit, response: aiohttp.ClientResponse) -> None:
    """A system that asks for another scheme alone, Digest say, has refused no password. Raises ERR-NO_WAY_IN."""
    schemes = [value.split(" ")[0].lower() for value in response.headers.getall("www-authenticate", [])]
    if visit.system.way_in.kind is WayInKind.BASIC and schemes and "basic" not in schemes:
        raise ConnectorError("ERR-NO_WAY_IN", f"{visit.system.slug} asks for {schemes[0]}, not Basic", status=409)


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


async def _send_bodiless(send: Send, response: aiohttp.ClientResponse, headers: list[Header]) -> None:
    """RFC 9110 §8.6: such an answer's length is that of the body it does not have; of a coded body, it is not ours."""
    length = response.headers.get("content-length")
    if length is not None and response.status not in _NO_BODY_STATUS and not _coding(response):
        headers = [*headers, ("content-length", length)]
    await _send_start(send, response.status, headers)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


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


def _page(visit: Visit, response: aiohttp.ClientResponse, body: bytes, headers: list[Header]) -> Document:
    shown = visit.is_shown and response.status < 400
    return Document(visit.address, body, _charset(response), headers, visit.is_english, is_shown=shown)


def _without_echo(visit: Visit, response: aiohttp.ClientResponse, body: bytes) -> bytes:
    return _scrubber(response, visit.echo).scrub(body) if visit.echo is not None else body


def _scrubber(response: aiohttp.ClientResponse, *secrets: bytes | bytearray) -> Scrubber:
    charset = _charset(response)
    return Scrubber(secrets, (charset,) if charset else ())
