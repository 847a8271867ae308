"""WebSockets through the gateway (RFC 6455): both directions at once, until one side ends or the session does."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

import aiohttp
from multidict import CIMultiDict
from starlette.websockets import WebSocket, WebSocketDisconnect

from connectors.gateway.wire.headers import Header, Peer, upstream_headers
from connectors.gateway.wire.rewrite import OriginMap
from connectors.gateway.wire.upstream import Upstream, upstream_errors
from connectors.origin import ExactOrigin
from core.errors import YimenError

CHECK_SECONDS = 5.0
_MAX_MESSAGE = 16 * 1024 * 1024
_HANDSHAKE = frozenset(
    {"sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "sec-websocket-protocol"}
)
_SCHEMES = {"http": "ws", "https": "wss"}
_NORMAL, _GOING_AWAY, _POLICY = 1000, 1001, 1008
# RFC 6455 §7.4.1: these are never sent in a close frame.
_UNSENDABLE = frozenset({1004, 1005, 1006, 1015})


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
    ) -> None:
        """`check` raises for a message that must not go to the system. Raises ERR-UPSTREAM before the browser's
        connection is accepted, never after."""
        headers = _headers(browser, origins, peer)
        url = self._upstream.url(f"{_SCHEMES[origin.scheme]}://{origin.authority}{target}", ("ws", "wss"))
        protocols = browser.scope.get("subprotocols", [])
        with upstream_errors(origin):
            connection = await self._upstream.session().ws_connect(
                url, headers=CIMultiDict(headers), protocols=protocols, max_msg_size=_MAX_MESSAGE, compress=0
            )
        async with connection:
            await browser.accept(subprotocol=connection.protocol)
            await _first_to_end(
                _from_browser(browser, connection, check),
                _from_upstream(browser, connection),
                self._until_ended(browser, still_allowed),
            )

    async def _until_ended(self, browser: WebSocket, still_allowed: Callable[[], Awaitable[bool]]) -> None:
        """What opened the socket is looked at again while it lasts: sign-in, gateway session, system, access."""
        while await still_allowed():  # noqa: ASYNC110 - another process ends it: there is no event
            await asyncio.sleep(CHECK_SECONDS)
        with suppress(RuntimeError, WebSocketDisconnect):
            await browser.close(_POLICY, "ERR-SESSION")


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
    browser: WebSocket,
    connection: aiohttp.ClientWebSocketResponse,
    check: Callable[[Sequence[str]], Awaitable[None]],
) -> None:
    while True:
        message = await browser.receive()
        if message["type"] == "websocket.disconnect":
            await connection.close(code=_closing(message.get("code")))
            return
        text, raw = message.get("text"), message.get("bytes")
        try:
            await check([text if text is not None else (raw or b"").decode("latin-1")])
        except YimenError as error:
            await browser.close(_POLICY, error.code)
            await connection.close(code=_POLICY)
            return
        if text is not None:
            await connection.send_str(text)
        elif raw is not None:
            await connection.send_bytes(raw)


async def _from_upstream(browser: WebSocket, connection: aiohttp.ClientWebSocketResponse) -> None:
    async for message in connection:
        if message.type is aiohttp.WSMsgType.TEXT:
            await browser.send_text(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            await browser.send_bytes(message.data)
    with suppress(RuntimeError, WebSocketDisconnect):
        await browser.close(_closing(connection.close_code, _GOING_AWAY))


def _closing(code: int | None, otherwise: int = _NORMAL) -> int:
    return otherwise if code is None or code in _UNSENDABLE else code


def _headers(browser: WebSocket, origins: OriginMap, peer: Peer) -> list[Header]:
    received = [(name, value) for name, value in browser.headers.items() if name not in _HANDSHAKE]
    unwanted = {"accept-encoding", "content-length"}
    return [pair for pair in upstream_headers(received, origins, peer, "identity") if pair[0] not in unwanted]
