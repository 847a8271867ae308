"""The way back: an answer of the legacy server, judged, freed of what must not be shown, and prepared for the browser.

It streams wherever nothing must be looked at.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from functools import partial

from starlette.types import Send

from connectors.errors import ConnectorError
from connectors.gateway.answers.echoes import Echoes, EchoStream
from connectors.gateway.answers.polling import Polling
from connectors.gateway.answers.results import Results
from connectors.gateway.answers.scrub import Scrubber
from connectors.gateway.pages.documents import MAX_DOCUMENT_BYTES, Document, Documents
from connectors.gateway.pages.salts import salts_in_answer
from connectors.gateway.parts import GatewayParts
from connectors.gateway.session.fills import Fills
from connectors.gateway.session.sessions import GatewaySessions
from connectors.gateway.swap.attempts import Answered
from connectors.gateway.swap.basic import BasicAuthorization
from connectors.gateway.visit import Visit
from connectors.gateway.wire.content_type import begins_html, charset_of, is_html, may_be_html
from connectors.gateway.wire.headers import Header, browser_headers, never_kept
from connectors.gateway.wire.reply import NO_BODY_STATUS, send_bodiless, send_start, send_whole
from connectors.gateway.wire.rewrite import is_data, is_rewritable, is_text
from connectors.gateway.wire.upstream import UpstreamAnswer
from connectors.legacy.outcome.answer import Outcome
from connectors.legacy.recipe.variables import from_response
from connectors.registration import WayInKind
from core.offload import off_loop

# A page that takes longer to come is no login page: it is shown as it comes.
_PATIENCE_SECONDS = 3.0
_LONGEST_LESSON = 16 * 1024
# Some servers take no larger header.
_MANY_COOKIES = 8 * 1024


class WayBack:
    def __init__(
        self,
        parts: GatewayParts,
        sessions: GatewaySessions,
        fills: Fills,
        basic: BasicAuthorization,
        echoes: Echoes,
        results: Results,
        polling: Polling,
        documents: Documents,
    ) -> None:
        self._parts = parts
        self._sessions = sessions
        self._fills = fills
        self._basic = basic
        self._echoes = echoes
        self._results = results
        self._polling = polling
        self._documents = documents

    async def lead(self, visit: Visit, answer: UpstreamAnswer, send: Send) -> None:
        """Raises the gateway's errors before the answer to the browser has begun, never after."""
        await self._judge_basic(visit, answer)
        content_type = answer.headers.get("content-type", "")
        # Scrubbed before our own address is written in, which may be the same word as a weak password.
        fields = await self._fields(visit, answer)
        headers = browser_headers(fields, visit.origins, secure=self._parts.settings.secure, target=visit.target)
        await self._note_cookies(visit, headers)
        headers = _with_challenge(visit, answer.status, fields, headers)
        headers = _with_room(visit, answer.status, headers)
        if answer.status == 206:
            headers = never_kept(headers)
        if (visit.swapped is not None and not visit.is_message) or visit.held is not None:
            await self._signed_in(visit, answer, headers, send, is_echo=fields != answer.fields)
        elif visit.request.method == "HEAD" or answer.status in NO_BODY_STATUS:
            await send_bodiless(send, answer, headers)
        elif visit.polling is not None:
            await self._packets(visit, answer, headers, send)
        elif may_be_html(content_type, answer) and visit.is_document and not answer.coding:
            await self._document(visit, answer, headers, send)
        elif self._teaches(visit, answer):
            await self._learn(visit, answer, headers, send)
        else:
            await self._pass_on(visit, answer, headers, send)

    async def _scrubber(self, visit: Visit, answer: UpstreamAnswer) -> Scrubber | None:
        """For what has come by now: while an answer comes, the same page may sign in. Raises ERR-UPSTREAM_ANSWER where
        there is something to hide, and the answer cannot be read."""
        scrubber = await self._echoes.scrubber(visit.who, charset_of(answer.headers.get("content-type", "")))
        if scrubber is not None:
            _require_readable(visit, answer)
        return scrubber

    async def _fields(self, visit: Visit, answer: UpstreamAnswer) -> list[Header]:
        scrubber = await self._scrubber(visit, answer)
        if scrubber is None:
            return answer.fields
        size = sum(len(name) + len(value) for name, value in answer.fields)
        return await off_loop(size, scrubber.fields, answer.fields, visit.cookie_names)

    async def _scrubbed(self, visit: Visit, answer: UpstreamAnswer, body: bytes) -> bytes:
        scrubber = await self._scrubber(visit, answer)
        return await off_loop(len(body), scrubber.scrub, body) if scrubber is not None else body

    async def _note_cookies(self, visit: Visit, headers: Sequence[Header]) -> None:
        """In a supervised sign-in only cookies pass that the server has set since it began, as the browser has them."""
        if visit.who.supervision is None:
            return
        lines = [value for name, value in headers if name == "set-cookie"]
        if visit.who.supervision.with_cookies(lines) != visit.who.supervision:
            async with self._parts.database.write() as connection:
                await self._sessions.note_cookies(connection, visit.who.id, lines)

    async def _judge_basic(self, visit: Visit, answer: UpstreamAnswer) -> None:
        given = visit.authorization
        if given is None:
            return
        if answer.status == 401:
            _require_basic(visit, answer)
            await self._basic_refused(visit, given.item_id)
        await self._results.note_basic(visit.who, visit.system, given, answer.status)

    async def _signed_in(
        self, visit: Visit, answer: UpstreamAnswer, headers: list[Header], send: Send, *, is_echo: bool
    ) -> None:
        """The answer to a sign-in is read whole: judged, freed of echoes, and then shown like any other. `is_echo`: its
        header fields show the password again."""
        raw = await self._read(visit, answer)
        body = await self._scrubbed(visit, answer, raw)
        content_type = answer.headers.get("content-type", "")
        told = await self._results.note(
            visit, answer.status, answer.fields, raw, charset_of(content_type), is_echo=is_echo or body != raw
        )
        headers = [*headers, *told]
        # What comes with a redirect is shown to nobody.
        if is_html(content_type) and not 300 <= answer.status < 400:
            body, headers = await self._documents.prepare(visit, _page(visit, answer, body, headers))
        elif is_rewritable(content_type):
            body = await off_loop(len(body), visit.origins.rewrite, body)
        if visit.swapped is not None:
            visit.swapped.attempt.answered(Answered(answer.status, headers, body))
        await send_whole(send, answer.status, headers, body)

    async def _packets(self, visit: Visit, answer: UpstreamAnswer, headers: list[Header], send: Send) -> None:
        """Messages of a socket that come over HTTP, long after they were asked for: one may answer a sign-in that was
        sent meanwhile."""
        first = bytearray()
        await _read_into(first, answer)
        if answer.content.at_eof():
            await self._polling.hear(visit, bytes(first))
        await self._pass_on(visit, answer, headers, send, bytes(first))

    async def _document(self, visit: Visit, answer: UpstreamAnswer, headers: list[Header], send: Send) -> None:
        first = await self._beginning(answer)
        if not answer.content.at_eof():
            # Larger than any login page, or a report that goes on and on: it is passed on as it comes.
            await self._pass_on(visit, answer, headers, send, first)
            return
        body = await self._scrubbed(visit, answer, first)
        if answer.headers.get("content-type") or begins_html(body):
            body, headers = await self._documents.prepare(visit, _page(visit, answer, body, headers))
        await send_whole(send, answer.status, headers, body)

    async def _beginning(self, answer: UpstreamAnswer) -> bytes:
        """What comes at once; mostly the whole."""
        first = bytearray()
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await _read_into(first, answer)
        return bytes(first)

    def _teaches(self, visit: Visit, answer: UpstreamAnswer) -> bool:
        """An answer that may hold what the page puts to the password: a variable of the recipe's transform, or while a
        filled page is open any short answer that its script asks for."""
        recipe, content_type = visit.recipe, answer.headers.get("content-type", "")
        if answer.coding:
            return False
        if recipe is not None and any(one.source == "response" for one in recipe.variables.values()):
            return is_text(content_type)
        is_short = (answer.length or 0) <= _LONGEST_LESSON
        return bool(visit.filled) and not visit.is_navigation and is_short and is_data(content_type)

    async def _learn(self, visit: Visit, answer: UpstreamAnswer, headers: list[Header], send: Send) -> None:
        body = await self._scrubbed(visit, answer, await self._read(visit, answer))
        async with self._parts.database.write() as connection:
            for fill in await self._fills.known(connection, visit.who.id):
                if not fill.is_spent and (found := _lesson(visit, answer, body, fill.id)):
                    await self._fills.add_variables(connection, fill, found)
        if is_rewritable(answer.headers.get("content-type", "")):
            body = await off_loop(len(body), visit.origins.rewrite, body)
        await send_whole(send, answer.status, headers, body)

    async def _pass_on(
        self, visit: Visit, answer: UpstreamAnswer, headers: list[Header], send: Send, first: bytes = b""
    ) -> None:
        content_type = answer.headers.get("content-type", "")
        rewriter = visit.origins.stream() if not answer.coding and is_rewritable(content_type) else None
        scrubbing = EchoStream(partial(self._scrubber, visit, answer))
        if answer.coding:
            headers = [*headers, ("content-encoding", answer.coding)]
        if rewriter is None and answer.length is not None and await self._scrubber(visit, answer) is None:
            headers = [*headers, ("content-length", str(answer.length))]
        await send_start(send, answer.status, headers)
        gone = asyncio.create_task(visit.upload.until_gone())
        try:
            async with aclosing(_pieces(first, answer, gone)) as pieces:
                async for piece in pieces:
                    passed = await scrubbing.feed(piece)
                    for part in rewriter.feed(passed) if rewriter is not None else (passed,):
                        await send({"type": "http.response.body", "body": part, "more_body": True})
            rest = await scrubbing.finish()
            rest = b"".join([*rewriter.feed(rest), rewriter.finish()]) if rewriter is not None else rest
            await send({"type": "http.response.body", "body": rest, "more_body": False})
        finally:
            gone.cancel()

    async def _basic_refused(self, visit: Visit, item_id: str) -> None:
        """The one attempt failed: the Item is frozen, and the system's own question never reaches the browser."""
        async with self._parts.database.write() as connection:
            await self._basic.forget(connection, visit.who)
        await self._results.record(visit.who, visit.system, item_id, Outcome("failure", "HTTP 401"))
        raise ConnectorError("ERR-ITEM_FROZEN", f"{visit.system.slug} refused the account", status=409)

    async def _read(self, visit: Visit, answer: UpstreamAnswer) -> bytes:
        body = bytearray()
        await _read_into(body, answer)
        if not answer.content.at_eof():
            why = f"{visit.system.slug} answered more than {MAX_DOCUMENT_BYTES} bytes"
            raise ConnectorError("ERR-UPSTREAM_ANSWER", why, status=502)
        return bytes(body)


async def _read_into(body: bytearray, answer: UpstreamAnswer) -> None:
    """Reads up to the limit, which the last piece may exceed; what was read stays in `body` when time runs out."""
    while len(body) <= MAX_DOCUMENT_BYTES and (piece := await answer.content.readany()):
        body += piece


def _lesson(visit: Visit, answer: UpstreamAnswer, body: bytes, fill_id: str) -> dict[str, str]:
    if visit.recipe is not None:
        charset = charset_of(answer.headers.get("content-type", ""))
        return from_response(visit.recipe, visit.address, body, charset)
    return salts_in_answer(body) if visit.filled == fill_id else {}


def _require_basic(visit: Visit, answer: UpstreamAnswer) -> None:
    """A system that asks for another scheme alone, Digest say, has refused no password. Raises ERR-NO_WAY_IN."""
    schemes = [value.split(" ")[0].lower() for value in answer.headers.getall("www-authenticate", [])]
    if visit.system.way_in.kind is WayInKind.BASIC and schemes and "basic" not in schemes:
        raise ConnectorError("ERR-NO_WAY_IN", f"{visit.system.slug} asks for another scheme than Basic", status=409)


def _require_readable(visit: Visit, answer: UpstreamAnswer) -> None:
    """What is in a coding that is not undone here, or a part of something, could show anything: a browser undoes more
    codings, and puts parts together, whatever their type is. Raises ERR-UPSTREAM_ANSWER. What no script can read, the
    parts of a film that is played, passes."""
    if answer.coding or (answer.status == 206 and not visit.is_played):
        raise ConnectorError("ERR-UPSTREAM_ANSWER", "an answer that cannot be read whole", status=502)


def _with_challenge(visit: Visit, status: int, fields: Sequence[Header], headers: list[Header]) -> list[Header]:
    """RFC 9110 §11.6.1: a script that gave user name and password to `XMLHttpRequest.open` has them sent only when it
    is asked for them. A page that is opened never asks: the browser's own window would be taken for Yimen's."""
    if status != 401 or visit.is_navigation or visit.authorization is not None:
        return headers
    asked = [value for name, value in fields if name == "www-authenticate" and value.lower().startswith("basic")]
    return [*headers, *(("www-authenticate", value) for value in asked[:1])]


def _with_room(visit: Visit, status: int, headers: list[Header]) -> list[Header]:
    """A system that takes no request with so many cookies will take none any more: they are forgotten. The page of a
    sister host may have set them, for the whole domain."""
    if status in (400, 431) and len(visit.headers.get("cookie", "")) > _MANY_COOKIES:
        return [*headers, ("clear-site-data", '"cookies"')]
    return headers


async def _pieces(first: bytes, answer: UpstreamAnswer, gone: asyncio.Task[None]) -> AsyncGenerator[bytes, None]:
    """The rest of the answer; ends early when the browser has gone, so that no legacy connection is left behind."""
    if first:
        yield first
    while not gone.done():
        reading = asyncio.ensure_future(answer.content.readany())
        await asyncio.wait([reading, gone], return_when=asyncio.FIRST_COMPLETED)
        if not reading.done():
            reading.cancel()
            return
        piece = reading.result()
        if not piece:
            return
        yield piece


def _page(visit: Visit, answer: UpstreamAnswer, body: bytes, headers: list[Header]) -> Document:
    charset = charset_of(answer.headers.get("content-type", ""))
    return Document(visit.address, body, charset, headers, answer.status, is_shown=visit.is_shown)
