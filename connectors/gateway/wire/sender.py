"""Sends a request while its answer may already come; the body is framed by us (RFC 9112 §6)."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.requests import ClientDisconnect

from connectors.errors import ConnectorError
from connectors.gateway.wire.connection import Connection
from connectors.gateway.wire.request import UpstreamRequest, request_head

# A browser that sends nothing for so long in the middle of a request has gone.
STALLED_SECONDS = 60.0
# Most answers begin sooner: until then nobody looks whether the browser is still there.
_UNWATCHED_SECONDS = 0.5


class Sender:
    """Begins at once. A server that answers early takes as much of the body as it wants."""

    def __init__(self, connection: Connection, request: UpstreamRequest) -> None:
        self._connection = connection
        self._request = request
        self._failure: Exception | None = None
        self._moved = time.monotonic()
        self.is_done = request.body is None and connection.put(
            request_head(request.method, request.target, request.headers)
        )
        self._task = None if self.is_done else asyncio.create_task(self._send())
        self._watch = (
            asyncio.get_running_loop().call_later(_UNWATCHED_SECONDS, self._begin_watching, request.gone)
            if request.gone is not None
            else None
        )
        self._watching: asyncio.Task[None] | None = None

    def failure(self) -> Exception | None:
        """Why the request has no end, where the browser's part of it broke off."""
        return self._failure

    def is_silent(self, seconds: float) -> bool:
        """Nothing has been sent for so long."""
        return time.monotonic() - self._moved >= seconds

    def cancel(self) -> None:
        self.answer_begins()
        if self._task is not None:
            self._task.cancel()

    def answer_begins(self) -> None:
        """From now on whoever passes the answer on sees whether the browser is still there."""
        if self._watch is not None:
            self._watch.cancel()
        if self._watching is not None:
            self._watching.cancel()

    def _begin_watching(self, gone: Callable[[], Awaitable[None]]) -> None:
        self._watching = asyncio.create_task(self._end_with(gone))

    async def _end_with(self, gone: Callable[[], Awaitable[None]]) -> None:
        """A system that thinks for minutes is not kept busy for nobody."""
        await gone()
        self._give_up(ConnectorError("ERR-GONE", "the browser went away", status=400))

    async def _send(self) -> None:
        try:
            await self._send_all()
            self.is_done = True
        except ClientDisconnect:
            self._give_up(ConnectorError("ERR-GONE", "the browser went away", status=400))
        except TimeoutError:
            self._give_up(ConnectorError("ERR-STALLED", "the browser sends nothing more", status=408))
        except OSError:
            # The server takes no more. It may have answered all the same: whoever reads the answer will see.
            return
        except Exception as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        """The server must not take what it got for the whole: its connection ends, and the reader raises `error`."""
        self._failure = error
        self._connection.close()

    async def _write(self, data: bytes | bytearray) -> None:
        await self._connection.write(data)
        self._moved = time.monotonic()

    async def _send_all(self) -> None:
        request, body = self._request, self._request.body
        length = next((int(value) for name, value in request.headers if name == "content-length"), None)
        headers = request.headers
        if length is None and body is not None and not isinstance(body, bytes | bytearray):
            headers = [*headers, ("transfer-encoding", "chunked")]
        head = request_head(request.method, request.target, headers)
        await self._write(head)
        if isinstance(body, bytes | bytearray):
            await self._write(body)
        elif body is not None:
            await (self._stream(body) if length is None else self._stream_announced(body, length))

    async def _stream(self, pieces: AsyncIterator[bytes]) -> None:
        async for piece in _moving(pieces):
            if piece:
                await self._write(b"%x\r\n%b\r\n" % (len(piece), piece))
        await self._write(b"0\r\n\r\n")

    async def _stream_announced(self, pieces: AsyncIterator[bytes], length: int) -> None:
        """What is longer or shorter than announced would be read as another request, or as the next one's beginning."""
        left = length
        async for piece in _moving(pieces):
            left -= len(piece)
            if left < 0:
                break
            await self._write(piece)
        if left != 0:
            raise ConnectorError("ERR-BODY", "the body is not as long as was announced", status=400)


async def _moving(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Raises TimeoutError for pieces that come no more."""
    iterator = aiter(pieces)
    while True:
        try:
            async with asyncio.timeout(STALLED_SECONDS):
                piece = await anext(iterator)
        except StopAsyncIteration:
            return
        yield piece
