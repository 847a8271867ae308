"""WebSockets through the gateway (RFC 6455): both directions at once, until one side ends or the session does."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.frames import CloseCode

from connectors.gateway.wire.headers import Header, Peer, upstream_headers
from connectors.gateway.wire.rewrite import OriginMap
from connectors.gateway.wire.socket import Closed, UpstreamSocket, open_socket
from connectors.gateway.wire.upstream import Upstream, UpstreamRequest
from connectors.origin import ExactOrigin
from core.errors import YimenError
from core.trust import Trust, public_trust

CHECK_SECONDS = 5.0
_HANDSHAKE = frozenset(
    {"sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "sec-websocket-protocol"}
)
# RFC 6455 §7.4.1: these are never sent in a close frame.
_UNSENDABLE = frozenset({1004, 1005, 1006, 1015})
_LONGEST_REASON = 123


class WebSocketProxy:
    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def serve(
        self,
        browser: WebSocket,
        still_allowed: Callable[[], Awaitable[bool]],
        check: Callable[[Sequence[str]], Awaitable[None]],
        origin: ExactOrigin,
        origins: OriginMap,
        target: str,
        peer: Peer,
        trust: Trust | None = None,
        person: str = "",
        clean: Callable[[bytes], Awaitable[bytes]] | None = None,
    ) -> None:
        """`check` raises for a message that must not go to the system; `clean` takes out of one that comes from there
        what the browser must not see. Raises what `Upstream` names before the browser's connection is accepted, never
        after."""
        headers = _headers(browser, origins, peer)
        request = UpstreamRequest("GET", origin, target, headers, None, trust or public_trust(), person)
        protocols = browser.scope.get("subprotocols", [])
        async with open_socket(self._upstream, request, protocols) as system:
            await browser.accept(subprotocol=system.protocol)
            await _first_to_end(
                _from_browser(browser, system, check),
                _from_upstream(browser, system, clean),
                self._until_ended(browser, still_allowed),
            )

    async def _until_ended(self, browser: WebSocket, still_allowed: Callable[[], Awaitable[bool]]) -> None:
        """What opened the socket is looked at again while it lasts: sign-in, gateway session, system, access."""
        while await still_allowed():  # noqa: ASYNC110 - another process ends it: there is no event
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


async def _from_browser(
    browser: WebSocket, system: UpstreamSocket, check: Callable[[Sequence[str]], Awaitable[None]]
) -> None:
    with suppress(OSError):
        while True:
            message = await browser.receive()
            if message["type"] == "websocket.disconnect":
                await system.close(_sendable(message.get("code")), message.get("reason") or "")
                return
            text, raw = message.get("text"), message.get("bytes")
            try:
                await check([text if text is not None else (raw or b"").decode("latin-1")])
            except YimenError as error:
                await _close(browser, CloseCode.POLICY_VIOLATION, error.code)
                await system.close(CloseCode.POLICY_VIOLATION)
                return
            if text is not None:
                await system.send(text)
            elif raw is not None:
                await system.send(raw)
    # The system has gone: whoever reads from it tells the browser how.
    await asyncio.Event().wait()


async def _from_upstream(
    browser: WebSocket, system: UpstreamSocket, clean: Callable[[bytes], Awaitable[bytes]] | None
) -> None:
    """A browser that has gone is noticed by whoever reads from it."""
    with suppress(RuntimeError, WebSocketDisconnect):
        while not isinstance(message := await system.receive(), Closed):
            whole = message.encode() if isinstance(message, str) else message
            shown = await clean(whole) if clean is not None else whole
            if isinstance(message, str):
                await browser.send_text(shown.decode("utf-8", "replace"))
            else:
                await browser.send_bytes(shown)
        reason = message.reason.encode()
        shown = await clean(reason) if clean is not None and reason else reason
        await _close(browser, _sendable(message.code, CloseCode.GOING_AWAY), shown.decode("utf-8", "replace"))


async def _close(browser: WebSocket, code: int, reason: str) -> None:
    short = reason.encode()[:_LONGEST_REASON].decode("utf-8", "ignore")
    with suppress(RuntimeError, WebSocketDisconnect):
        await browser.close(code, short)


def _sendable(code: int | None, otherwise: int = CloseCode.NORMAL_CLOSURE) -> int:
    return otherwise if code is None or code in _UNSENDABLE or not 1000 <= code < 5000 else code


def _headers(browser: WebSocket, origins: OriginMap, peer: Peer) -> list[Header]:
    received = [(name, value) for name, value in browser.headers.items() if name not in _HANDSHAKE]
    unwanted = {"accept-encoding", "content-length"}
    return [pair for pair in upstream_headers(received, origins, peer, "identity") if pair[0] not in unwanted]
