"""What the browser sends: read once, by one reader, so that nothing is lost when the answer begins before the end."""

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect
from starlette.types import Receive


class Upload:
    """The request body as it comes, and after it the news that the browser has gone."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._begun = False
        self._ended = asyncio.Event()
        self._gone = False

    def pieces(self) -> AsyncIterator[bytes]:
        """Raises ClientDisconnect when the browser goes before the end."""
        self._begun = True
        return self._pieces()

    async def whole(self) -> bytes:
        return b"".join([piece async for piece in self.pieces()])

    async def until_gone(self) -> None:
        """Returns when the browser has gone. Waits for the reader of the body first: two would rob each other."""
        if self._begun:
            await self._ended.wait()
        while not self._gone:
            self._gone = (await self._receive())["type"] == "http.disconnect"

    async def _pieces(self) -> AsyncIterator[bytes]:
        try:
            while not self._ended.is_set():
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    self._gone = True
                    raise ClientDisconnect
                if not message.get("more_body", False):
                    self._ended.set()
                if message.get("body"):
                    yield message["body"]
        finally:
            # Whoever stops reading early leaves the rest to `until_gone`.
            self._ended.set()
