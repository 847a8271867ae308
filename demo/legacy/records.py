"""What reached a legacy server, kept in memory for whoever runs the county. No address of the server shows it."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_KEPT = 500
_KEPT_BODY = 16 * 1024


@dataclass
class Received:
    """One request: method, path with query, header fields in lower case, the first 16 KiB of the body."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytearray = field(default_factory=bytearray, repr=False)


class Records:
    """Stands in front of an application, which it neither delays nor changes, and remembers the newest requests."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.requests: deque[Received] = deque(maxlen=_KEPT)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        received = _received(scope)
        self.requests.append(received)

        async def noting() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                received.body += message.get("body", b"")[: _KEPT_BODY - len(received.body)]
            return message

        await self._app(scope, noting, send)


def _received(scope: Scope) -> Received:
    query = scope.get("query_string", b"").decode("latin-1")
    path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return Received(scope.get("method", "WEBSOCKET"), path + (f"?{query}" if query else ""), headers)
