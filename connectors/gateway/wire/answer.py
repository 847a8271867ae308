"""An answer of a system: its head, and its body piece by piece."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from multidict import CIMultiDict

from connectors.errors import ConnectorError
from connectors.gateway.wire.answer_head import AnswerError, AnswerHead, Framing, framing_of
from connectors.gateway.wire.coding import Decoder, coding_of, is_undone
from connectors.gateway.wire.connection import Connection
from connectors.gateway.wire.framing import frames_of
from connectors.gateway.wire.headers import Header
from connectors.origin import ExactOrigin
from core.turns import turn

# A legacy report may take its time; a connection that says nothing for so long is dead.
SILENCE_SECONDS = 300.0


@dataclass
class UpstreamAnswer:
    """`headers` finds the first of a name whatever its case; `fields` are all, in order, names in lower case."""

    head: AnswerHead
    content: "Content" = field(repr=False)
    headers: CIMultiDict[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.headers = CIMultiDict(self.head.headers)

    @property
    def status(self) -> int:
        return self.head.status

    @property
    def fields(self) -> list[Header]:
        return list(self.head.headers)

    @property
    def coding(self) -> str:
        """The content coding that the body still has; empty when it can be read as it comes."""
        return "" if is_undone(self.head) else coding_of(self.head)

    @property
    def is_as_sent(self) -> bool:
        """True when no coding was undone, so that lengths and ranges are those of the system."""
        return not is_undone(self.head)

    @property
    def length(self) -> int | None:
        """Of the body as it is read; None where it is not known before its end."""
        return self.content.length if self.is_as_sent else None


class Content:
    """The body, its framing and coding undone. `failed` turns a reason into the error of a body that breaks off."""

    def __init__(self, connection: Connection, head: AnswerHead, method: str, origin: ExactOrigin) -> None:
        self._connection = connection
        self._origin = origin
        framing, length = framing_of(head, method)
        self._frames = frames_of(framing, length)
        self.length = length if framing is Framing.LENGTH else None
        self._decoder = Decoder(coding_of(head)) if is_undone(head) and not self._frames.done else None
        self._ready = b""
        self._closed = False
        self.failed: Callable[[], Exception | None] = lambda: None

    @property
    def can_be_followed(self) -> bool:
        """The body is whole and nothing came after it."""
        return self._frames.done and not self._frames.surplus and not self._closed

    def at_eof(self) -> bool:
        return self._frames.done and not self._ready and not self._holds_more()

    def look(self, beginning: bytes) -> None:
        """Reads what came with the head, without waiting. Raises ERR-UPSTREAM_ANSWER for what is wrong from the first
        byte: there is still time to say so."""
        with self._understood():
            if beginning:
                self._take(beginning)
            if self._decoder is not None:
                self._ready = self._decoder.next()

    async def readany(self) -> bytes:
        """The next piece; empty at the end. Raises ERR-UPSTREAM_CUT when the body breaks off, ERR-UPSTREAM_ANSWER when
        it cannot be understood. May be broken off at any time."""
        if self._holds_more():
            # Nothing is waited for: without this, a small answer that swells would keep all others waiting.
            await asyncio.sleep(0)
        while True:
            if self._ready:
                piece, self._ready = self._ready, b""
                return piece
            if self._decoder is not None:
                async with turn():
                    with self._understood():
                        piece = self._decoder.next()
                if piece:
                    return piece
            if self._frames.done:
                return b""
            if self._frames.holds_more:
                await self._go_on()
            else:
                await self._read_on()

    async def _go_on(self) -> None:
        """With what has come already; not without letting others do something first."""
        await asyncio.sleep(0)
        async with turn():
            with self._understood():
                self._take(b"")

    async def _read_on(self) -> None:
        try:
            await self._connection.wait(SILENCE_SECONDS)
            async with turn():
                # Nothing is waited for from here on: what was taken would be lost.
                if self._took(self._connection.take()):
                    return
        except (OSError, TimeoutError) as error:
            raise self._cut(type(error).__name__) from None
        self._closed = True
        # Where only the connection's end says that the body has ended, an unfinished coding says that it has not.
        if not self._frames.end() or (self._decoder is not None and not self._decoder.is_finished):
            raise self._cut("the connection ended")

    def _took(self, received: bytes) -> bool:
        with self._understood():
            self._take(received)
        return bool(received)

    def _take(self, received: bytes) -> None:
        body = self._frames.feed(received)
        if self._decoder is not None:
            self._decoder.feed(body)
        else:
            self._ready += body

    def _holds_more(self) -> bool:
        return self._decoder is not None and self._decoder.holds_more

    def _cut(self, reason: str) -> Exception:
        return self.failed() or ConnectorError("ERR-UPSTREAM_CUT", f"{self._origin}: {reason}", status=502)

    def _understood(self) -> "understood":
        return understood(self._origin)


class understood:  # noqa: N801 - reads as a statement: `with understood(origin):`
    """Turns what makes no sense into the gateway's error."""

    def __init__(self, origin: ExactOrigin) -> None:
        self._origin = origin

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, AnswerError):
            raise ConnectorError("ERR-UPSTREAM_ANSWER", f"{self._origin}: {error}", status=502) from None
