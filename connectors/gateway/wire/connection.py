"""One connection to a server: bytes as they come, bounded in both directions."""

import asyncio
from collections import deque
from typing import cast

# What waits to be read; above it the server must wait.
_HIGH_WATER = 256 * 1024
# What is read, and then worked on, in one go.
_MOST_AT_ONCE = 64 * 1024
_LINGER_SECONDS = 5.0


class Connection(asyncio.Protocol):
    """Reading and writing may be broken off at any time: nothing that has come is lost."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._is_paused = False
        self._has_ended = False
        self._error: Exception | None = None
        self._reader: asyncio.Future[None] | None = None
        self._takes_more = asyncio.Event()
        self._takes_more.set()

    # What the transport says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._pieces.append(data)
        self._size += len(data)
        if self._size > _HIGH_WATER and not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()
        _wake(self._reader)

    def eof_received(self) -> bool:
        """A server that has said all may still take the rest of a request; TLS knows no half-closed connection."""
        self._has_ended = True
        _wake(self._reader)
        return self._transport is not None and self._transport.get_extra_info("sslcontext") is None

    def connection_lost(self, error: Exception | None) -> None:
        self._has_ended = True
        self._error = error
        self._transport = None
        _wake(self._reader)
        self._takes_more.set()

    def pause_writing(self) -> None:
        self._takes_more.clear()

    def resume_writing(self) -> None:
        self._takes_more.set()

    # What the gateway does

    @property
    def certificate(self) -> bytes | None:
        """What the server has shown, in DER."""
        tls = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        return cast(bytes | None, tls.getpeercert(binary_form=True)) if tls is not None else None

    @property
    def is_idle(self) -> bool:
        """True while nothing has come and the server has not hung up."""
        return not self._pieces and not self._has_ended

    @property
    def is_lost(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    @property
    def has_come(self) -> bool:
        """True when `read` would not wait."""
        return bool(self._pieces) or self._has_ended

    async def read(self, seconds: float) -> bytes:
        """Of what has come, at least a byte and at most 64 KiB; empty at the end. Raises TimeoutError, and OSError for
        a broken connection."""
        await self.wait(seconds)
        return self.take()

    async def wait(self, seconds: float) -> None:
        """Until `take` has something to give, or the connection has ended. Raises TimeoutError."""
        if not self.has_come:
            self._reader = self._loop.create_future()
            async with asyncio.timeout(seconds):
                await self._reader

    def take(self) -> bytes:
        """The same, without waiting."""
        if not self._pieces:
            if self._error is not None:
                raise ConnectionResetError(type(self._error).__name__)
            return b""
        data = self._pieces.popleft() if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        if rest := data[_MOST_AT_ONCE:]:
            self._pieces.append(rest)
            data = data[:_MOST_AT_ONCE]
        self._size = len(rest)
        if self._is_paused and self._transport is not None and self._size <= _HIGH_WATER:
            self._is_paused = False
            self._transport.resume_reading()
        return data

    def put(self, data: bytes) -> bool:
        """Writes what is small, without waiting; False when the server has gone."""
        if self._transport is None or self._transport.is_closing():
            return False
        self._transport.write(data)
        return True

    async def write(self, data: bytes | bytearray) -> None:
        """Waits while the server takes nothing. Raises OSError when it has gone."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("the server has gone")
        self._transport.write(data)
        await self._takes_more.wait()

    def close(self) -> None:
        """At once: what was not sent yet is not sent any more."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.abort()

    def finish(self) -> None:
        """When all has been sent, or the server takes it too slowly."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.close()
            self._loop.call_later(_LINGER_SECONDS, self._transport.abort)


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
