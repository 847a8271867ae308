"""WebSockets through the gateway (RFC 6455): both directions at once, until one side ends or the session does."""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.frames import CloseCode

from connectors.gateway.wire.headers import Header, Peer, upstream_headers
from connectors.gateway.wire.message import Message
from connectors.gateway.wire.rewrite import OriginMap
from connectors.gateway.wire.socket import Closed, UpstreamSocket, open_socket
from connectors.gateway.wire.upstream import Upstream, UpstreamRequest
from core.errors import YimenError
from vault.keys.suites import wipe

CHECK_SECONDS = 5.0
_HANDSHAKE = frozenset(
    {"sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "sec-websocket-protocol"}
)
# RFC 6455 §7.4.1: these are never sent in a close frame.
_UNSENDABLE = frozenset({1004, 1005, 1006, 1015})
_LONGEST_REASON = 123


class Between(Protocol):
    """What stands between the two sides of a socket."""

    async def outgoing(self, message: Message) -> Message | None:
        """What the system gets of a browser's message; raises for one that ends the socket."""
        ...

    async def incoming(self, message: Message) -> Message:
        """What the browser gets of a system's message."""
        ...

    async def still_allowed(self) -> bool:
        """Whether what opened the socket still holds: sign-in, gateway session, system, access."""
        ...


class WebSocketProxy:
    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def serve(self, browser: WebSocket, request: UpstreamRequest, between: Between) -> None:
        """Raises what `Upstream` names before the browser's connection is accepted, never after."""
        protocols = browser.scope.get("subprotocols", [])
        async with open_socket(self._upstream, request, protocols) as system:
            await browser.accept(subprotocol=system.protocol)
            await _first_to_end(
                _from_browser(browser, system, between),
                _from_upstream(browser, system, between),
                _until_ended(browser, between),
            )


def handshake_headers(sent: Iterable[Header], origins: OriginMap, peer: Peer) -> list[Header]:
    """The browser's header fields as the system gets them, but for those of the handshake itself."""
    received = [(name, value) for name, value in sent if name not in _HANDSHAKE]
    unwanted = {"accept-encoding", "content-length"}
    return [pair for pair in upstream_headers(received, origins, peer, "identity") if pair[0] not in unwanted]


async def _until_ended(browser: WebSocket, between: Between) -> None:
    """What opened the socket is looked at again while it lasts."""
    while await between.still_allowed():  # noqa: ASYNC110 - another process ends it: there is no event
        await asyncio.sleep(CHECK_SECONDS)
    await _close(browser, CloseCode.POLICY_VIOLATION, "ERR-SESSION")


async def _first_to_end(*ways: Coroutine[Any, Any, None]) -> None:
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        if not task.cancelled():
            task.result()


async def _from_browser(browser: WebSocket, system: UpstreamSocket, between: Between) -> None:
    with suppress(OSError):
        while True:
            received = await browser.receive()
            if received["type"] == "websocket.disconnect":
                await system.close(_sendable(received.get("code")), received.get("reason") or "")
                return
            try:
                message = await between.outgoing(_message(received))
            except YimenError as error:
                await _close(browser, CloseCode.POLICY_VIOLATION, error.code)
                await system.close(CloseCode.POLICY_VIOLATION)
                return
            if message is not None:
                await _send(system, message)
    # The system has gone: whoever reads from it tells the browser how.
    await asyncio.Event().wait()


async def _send(system: UpstreamSocket, message: Message) -> None:
    try:
        await system.send(message)
    finally:
        if isinstance(message.data, bytearray):
            wipe(message.data)


async def _from_upstream(browser: WebSocket, system: UpstreamSocket, between: Between) -> None:
    """A browser that has gone is noticed by whoever reads from it."""
    with suppress(RuntimeError, WebSocketDisconnect):
        while not isinstance(received := await system.receive(), Closed):
            message = await between.incoming(received)
            if message.is_text:
                await browser.send_text(message.data.decode("utf-8", "replace"))
            else:
                await browser.send_bytes(bytes(message.data))
        reason = received.reason and await between.incoming(Message(is_text=True, data=received.reason.encode()))
        said = reason.data.decode("utf-8", "replace") if reason else ""
        await _close(browser, _sendable(received.code, CloseCode.GOING_AWAY), said)


def _message(received: Mapping[str, Any]) -> Message:
    text = received.get("text")
    if text is not None:
        return Message(is_text=True, data=text.encode("utf-8", "surrogatepass"))
    return Message(is_text=False, data=received.get("bytes") or b"")


async def _close(browser: WebSocket, code: int, reason: str) -> None:
    short = reason.encode()[:_LONGEST_REASON].decode("utf-8", "ignore")
    with suppress(RuntimeError, WebSocketDisconnect):
        await browser.close(code, short)


def _sendable(code: int | None, otherwise: int = CloseCode.NORMAL_CLOSURE) -> int:
    return otherwise if code is None or code in _UNSENDABLE or not 1000 <= code < 5000 else code
