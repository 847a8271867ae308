"""The way to the legacy servers: guarded addresses, checked certificates, bodies that stream in both directions.

Enters: a request, clean and complete but for its body. Leaves: the answer as a browser would read it, its body still to
be read. Promised: whatever the server says or does, it is an answer, or a ConnectorError that says what was the matter:
ERR-UPSTREAM (it did not answer), ERR-UPSTREAM_TLS (its certificate), ERR-UPSTREAM_ANSWER (its answer cannot be
understood), ERR-UPSTREAM_CUT (its answer broke off), ERR-UPSTREAM_BUSY (too many requests of this system at once).
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from connectors.errors import ConnectorError
from connectors.gateway.wire.answer import SILENCE_SECONDS, Content, UpstreamAnswer, understood
from connectors.gateway.wire.answer_head import (
    MAX_HEAD_BYTES,
    AnswerError,
    AnswerHead,
    end_of_head,
    is_no_answer,
    parse_head,
)
from connectors.gateway.wire.coding import ACCEPT_ENCODING
from connectors.gateway.wire.connection import Connection
from connectors.gateway.wire.headers import Header
from connectors.gateway.wire.methods import require_method
from connectors.gateway.wire.pool import Pool
from connectors.gateway.wire.request import Body, UpstreamRequest, request_head, require_target
from connectors.gateway.wire.sender import Sender
from connectors.origin import ExactOrigin
from core.errors import OutboundError
from core.held import require_nothing_held
from core.outbound import Outbound

__all__ = ["ACCEPT_ENCODING", "Body", "Upstream", "UpstreamAnswer", "UpstreamRequest", "answer_headers"]

# RFC 9110 §15.2: any number of interim answers may come first; a server that sends nothing else never answers.
_INTERIM_ANSWERS = 32


class Upstream:
    def __init__(self, outbound: Outbound) -> None:
        self._pool = Pool(outbound)

    async def close(self) -> None:
        self._pool.close()

    @asynccontextmanager
    async def send(self, request: UpstreamRequest) -> AsyncIterator[UpstreamAnswer]:
        """The answer, its body still to be read; never follows a redirect. Raises what the module's text names, before
        the answer is given or while its body is read."""
        require_nothing_held("a request to a system")
        require_method(request.method)
        require_target(request.target)
        async with self._pool.slot(request.destination):
            exchange = await self._begin(request)
            try:
                yield exchange.answer
            finally:
                if exchange.can_be_followed:
                    self._pool.keep(request.destination, exchange.connection)
                else:
                    exchange.sender.cancel()
                    exchange.connection.close()

    @asynccontextmanager
    async def upgrade(self, request: UpstreamRequest) -> AsyncIterator[tuple[AnswerHead, Connection, bytes]]:
        """A request that asks for another protocol: the head of the answer, the connection, and what came after the
        head. The connection is the caller's as long as the context lasts."""
        require_nothing_held("a request to a system")
        require_target(request.target)
        async with self._pool.slot(request.destination):
            connection = await self._dial(request)
            try:
                with _reachable(request.origin):
                    await connection.write(request_head(request.method, request.target, request.headers))
                head, rest = await _Head(connection, request.origin, upgrades=True).read()
                yield head, connection, rest
            finally:
                connection.close()

    async def _begin(self, request: UpstreamRequest) -> "_Exchange":
        """A repeatable request that a kept connection loses unanswered goes out again, over a new one."""
        kept = self._pool.take(request.destination, repeatable=request.is_repeatable)
        if kept is not None:
            with suppress(_UnansweredError):
                return await _exchange(kept, request, once=not request.is_repeatable)
        return await _exchange(await self._dial(request), request, once=True)

    async def _dial(self, request: UpstreamRequest) -> Connection:
        with _reachable(request.origin):
            return await self._pool.dial(request.destination)


def answer_headers(answer: UpstreamAnswer) -> list[Header]:
    return answer.fields


class _UnansweredError(Exception):
    """The connection ended before a byte of the answer."""


@dataclass
class _Exchange:
    connection: Connection
    sender: Sender
    head: AnswerHead
    answer: UpstreamAnswer

    @property
    def can_be_followed(self) -> bool:
        """The connection is as good as new: the request is sent whole, the answer read whole, nothing more came."""
        return self.sender.is_done and self.answer.content.can_be_followed and self.head.keeps_open


async def _exchange(connection: Connection, request: UpstreamRequest, *, once: bool) -> _Exchange:
    sender: Sender | None = None
    try:
        sender = Sender(connection, request)
        head, rest = await _Head(connection, request.origin, sender=sender, once=once).read()
        sender.answer_begins()
        with understood(request.origin):
            content = Content(connection, head, request.method, request.origin)
        content.failed = sender.failure
        content.look(rest)
        return _Exchange(connection, sender, head, UpstreamAnswer(head, content))
    except BaseException:
        if sender is not None:
            sender.cancel()
        connection.close()
        raise


class _Head:
    """Reads the head of an answer, past the interim ones."""

    def __init__(
        self,
        connection: Connection,
        origin: ExactOrigin,
        *,
        sender: Sender | None = None,
        once: bool = True,
        upgrades: bool = False,
    ) -> None:
        self._connection = connection
        self._origin = origin
        self._sender = sender
        self._once = once
        self._upgrades = upgrades
        self._received = bytearray()

    async def read(self) -> tuple[AnswerHead, bytes]:
        """The head, and what came after it."""
        with understood(self._origin):
            for _ in range(_INTERIM_ANSWERS):
                head = parse_head(await self._raw())
                if head.status == 101 and not self._upgrades:
                    raise AnswerError("another protocol, unasked")
                if head.status >= 200 or head.status == 101:
                    return head, bytes(self._received)
            raise AnswerError("nothing but interim answers")

    async def _raw(self) -> bytes:
        """RFC 9112 §2.2: empty lines before an answer are passed over."""
        since = 0
        while True:
            if self._received.startswith((b"\r", b"\n")):
                self._received = self._received.lstrip(b"\r\n")
            if self._received and is_no_answer(self._received):
                raise AnswerError("no HTTP")
            end = end_of_head(self._received, since)
            if end > MAX_HEAD_BYTES or (end < 0 and len(self._received) > MAX_HEAD_BYTES):
                raise AnswerError(f"its header fields are larger than {MAX_HEAD_BYTES} bytes")
            if end >= 0:
                raw = bytes(self._received[:end])
                del self._received[:end]
                return raw
            since = len(self._received)
            self._received += await self._more()

    async def _more(self) -> bytes:
        try:
            received = await self._next_bytes()
        except (OSError, TimeoutError) as error:
            raise self._gone(type(error).__name__) from None
        if not received:
            raise self._gone("the connection ended")
        return received

    async def _next_bytes(self) -> bytes:
        """Silence begins when the request has gone out: until then it is the browser that is waited for."""
        while True:
            try:
                return await self._connection.read(SILENCE_SECONDS)
            except TimeoutError:
                if self._sender is None or self._sender.is_silent(SILENCE_SECONDS):
                    raise

    def _gone(self, reason: str) -> Exception:
        failure = self._sender.failure() if self._sender is not None else None
        if failure is not None:
            return failure
        if self._received:
            return ConnectorError("ERR-UPSTREAM_CUT", f"{self._origin}: {reason}", status=502)
        if not self._once:
            return _UnansweredError()
        return ConnectorError("ERR-UPSTREAM", f"{self._origin}: {reason}", status=502)


class _reachable:  # noqa: N801 - reads as a statement: `with _reachable(origin):`
    """Turns what happens before an answer can come into the gateway's errors."""

    def __init__(self, origin: ExactOrigin) -> None:
        self._origin = origin

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ssl.SSLError):
            raise ConnectorError("ERR-UPSTREAM_TLS", f"{self._origin}: {error.reason}", status=502) from None
        if isinstance(error, OutboundError):
            raise ConnectorError("ERR-UPSTREAM", f"{self._origin}: {error}", status=502) from None
        if isinstance(error, OSError | TimeoutError):
            raise ConnectorError("ERR-UPSTREAM", f"{self._origin}: {type(error).__name__}", status=502) from None
