"""A WebSocket to a system (RFC 6455), over the same guarded connections as everything else.

Framing is that of the `websockets` library; here are the handshake and the waiting. Messages are bounded, in whole.
"""

import base64
import hashlib
import secrets
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace

from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import Protocol, Side, State

from connectors.errors import ConnectorError
from connectors.gateway.wire.answer_head import AnswerHead
from connectors.gateway.wire.connection import Connection
from connectors.gateway.wire.message import Message
from connectors.gateway.wire.request import UpstreamRequest
from connectors.gateway.wire.upstream import Upstream

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
# A socket may be silent for as long as its page is open; the gateway looks at the session meanwhile.
_SILENCE_SECONDS = 24 * 3600.0
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclass(frozen=True)
class Closed:
    """How the system ended the socket; no code when it just went away."""

    code: int | None
    reason: str = ""


@asynccontextmanager
async def open_socket(
    upstream: Upstream, request: UpstreamRequest, protocols: Sequence[str]
) -> AsyncIterator["UpstreamSocket"]:
    """Raises what `Upstream` names, and ERR-UPSTREAM_ANSWER for a system that opens no socket here."""
    key = base64.b64encode(secrets.token_bytes(16))
    handshake = [
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", key.decode()),
        *([("sec-websocket-protocol", ", ".join(protocols))] if protocols else []),
    ]
    request = replace(request, headers=[*request.headers, *handshake])
    async with upstream.upgrade(request) as (head, connection, rest):
        problem = _problem(head, key, protocols)
        if problem:
            raise ConnectorError("ERR-UPSTREAM_ANSWER", f"{request.origin}: no socket: {problem}", status=502)
        try:
            yield UpstreamSocket(connection, next(iter(head.all("sec-websocket-protocol")), None), rest)
        finally:
            # The close frame still goes out.
            connection.finish()


def _problem(head: AnswerHead, key: bytes, protocols: Sequence[str]) -> str:
    """What is wrong with the answer to the handshake (RFC 6455 §4.1)."""
    accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest()).decode()
    if head.status != 101:
        return f"HTTP {head.status}"
    if "websocket" not in head.tokens("upgrade") or "upgrade" not in head.tokens("connection"):
        return "another protocol"
    if head.all("sec-websocket-accept") != [accept]:
        return "a wrong key"
    if head.all("sec-websocket-extensions"):
        return "extensions that were not asked for"
    chosen = head.all("sec-websocket-protocol")
    return "" if not chosen or (len(chosen) == 1 and chosen[0] in protocols) else "a protocol that was not offered"


class UpstreamSocket:
    """`receive` gives whole messages, and at the end how it ended."""

    def __init__(self, connection: Connection, protocol: str | None, rest: bytes) -> None:
        self.protocol = protocol
        self._connection = connection
        self._frames = Protocol(Side.CLIENT, state=State.OPEN, max_size=MAX_MESSAGE_BYTES)
        self._messages: deque[Message] = deque()
        self._parts: list[bytes] = []
        self._is_text = False
        self._rest = rest

    async def send(self, message: Message) -> None:
        """Raises OSError when the system has gone."""
        if self._frames.state is not State.OPEN:
            raise ConnectionResetError("the socket is closed")
        if message.is_text:
            self._frames.send_text(message.data)
        else:
            self._frames.send_binary(message.data)
        await self._flush()

    async def close(self, code: int, reason: str = "") -> None:
        if self._frames.state is State.OPEN:
            self._frames.send_close(code, reason)
            with suppress(OSError):
                await self._flush()

    async def receive(self) -> Message | Closed:
        while not self._messages:
            if self._frames.state is not State.OPEN:
                return self._closed()
            await self._read()
        return self._messages.popleft()

    async def _read(self) -> None:
        received, self._rest = self._rest, b""
        try:
            received = received or await self._connection.read(_SILENCE_SECONDS)
        except (OSError, TimeoutError):
            received = b""
        if received:
            self._frames.receive_data(received)
        else:
            self._frames.receive_eof()
        for event in self._frames.events_received():
            if isinstance(event, Frame):
                self._take(event)
        with suppress(OSError):
            await self._flush()

    def _take(self, frame: Frame) -> None:
        """RFC 6455 §5.4: a message may come in parts. Pings are answered by the library."""
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
        self._parts.append(bytes(frame.data))
        if not frame.fin:
            return
        whole = b"".join(self._parts)
        self._parts.clear()
        if self._is_text and not _is_utf8(whole):
            self._frames.fail(CloseCode.INVALID_DATA)
            return
        self._messages.append(Message(self._is_text, whole))

    def _closed(self) -> Closed:
        """A system that breaks the protocol, or sends too much at once, is told so; the browser hears the same."""
        close = self._frames.close_rcvd or self._frames.close_sent
        return Closed(close.code, close.reason) if close is not None else Closed(None)

    async def _flush(self) -> None:
        for data in self._frames.data_to_send():
            # An empty piece asks for the connection's half to be closed: it is closed whole when the socket ends.
            if data:
                await self._connection.write(data)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
