"""One keep-alive connection of HTTP/1.1, as cheap as Python allows: bytes out, bytes in, nothing looked at twice."""

import asyncio
import re
from typing import NamedTuple, cast

_LENGTH = re.compile(rb"(?i)\r\ncontent-length:[ \t]*(\d+)")
_CHUNKED = re.compile(rb"(?i)\r\ntransfer-encoding:[ \t]*chunked")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]+)[^\r\n]*\r\n")
_BODILESS = (204, 304)


class Answer(NamedTuple):
    """`head` is the status line and the fields, without the empty line after them."""

    status: int
    head: bytes
    body: bytes


class Connection(asyncio.Protocol):
    """Opened when something is asked, and anew when the server has closed it."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._needed = 0
        self._waiting: asyncio.Future[Answer] | None = None

    async def ask(self, request: bytes) -> Answer:
        """Raises OSError where the server is not there or goes away."""
        if self._transport is None or self._transport.is_closing():
            await self._loop.create_connection(lambda: self, self._host, self._port)
        assert self._transport is not None
        waiting: asyncio.Future[Answer] = self._loop.create_future()
        self._waiting = waiting
        self._transport.write(request)
        return await waiting

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._received.clear()
        self._needed = 0

    def data_received(self, data: bytes) -> None:
        self._received += data
        if len(self._received) < self._needed:
            return
        answer = read_answer(self._received)
        if isinstance(answer, int):
            self._needed = answer
            return
        self._received.clear()
        self._needed = 0
        self._settle(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self._settle(ConnectionResetError("the server closed the connection"))

    def _settle(self, outcome: Answer | Exception) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is None or waiting.done():
            return
        if isinstance(outcome, Exception):
            waiting.set_exception(outcome)
        else:
            waiting.set_result(outcome)


def read_answer(received: bytes | bytearray) -> Answer | int:
    """The answer, or how many bytes there must be before it is worth looking again."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return len(received) + 1
    head, begins = bytes(received[:end]), end + 4
    status = int(head[9:12])
    if status in _BODILESS:
        return Answer(status, head, b"")
    if length := _LENGTH.search(head):
        needed = begins + int(length[1])
        return Answer(status, head, bytes(received[begins:needed])) if len(received) >= needed else needed
    if _CHUNKED.search(head):
        body = _read_chunks(received, begins)
        return len(received) + 1 if body is None else Answer(status, head, body)
    return Answer(status, head, b"")


def _read_chunks(received: bytes | bytearray, at: int) -> bytes | None:
    """RFC 9112 §7.1, without trailer fields; None when the last chunk has not come."""
    body = bytearray()
    while size := _CHUNK_SIZE.match(received, at):
        begins, length = size.end(), int(size[1], 16)
        at = begins + length + 2
        if len(received) < at:
            return None
        if length == 0:
            return bytes(body)
        body += received[begins : begins + length]
    return None
