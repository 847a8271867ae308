"""The outermost layer of every surface: a request id, the caller's address, one log line, one metric, one last net.

Pure ASGI, so that streamed and upgraded connections of the gateway pass through untouched.
"""

import time
from collections.abc import Awaitable, Sequence
from functools import cache
from typing import Any, Literal

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.forwarding import CallerAddress, Proxies
from core.identifiers import new_id
from core.logs import bind_contextvars, clear_contextvars, logger
from core.metrics import REQUEST_SECONDS, REQUESTS
from core.notices import Notices
from core.settings import Settings
from web.fields import Field
from web.hosts import HEALTH_PATHS
from web.security_headers import SECURITY_HEADERS

SurfaceKind = Literal["portal", "gateway", "worker"]

# RFC 6797: of every answer, the gateway's and the refusals too. A legacy system's own is dropped by the gateway.
_HSTS = (b"strict-transport-security", b"max-age=63072000")
_log = logger("http")
# Looking a counter up costs more than counting.
_counter = cache(REQUESTS.labels)


class RequestContext:
    """Sets `scope["state"]["request_id"]` and `["address"]`, and answers 500 when an application breaks.

    The id is always our own: one sent from outside could forge another request's log lines.
    """

    def __init__(self, app: ASGIApp, settings: Settings, notices: Notices, surface: SurfaceKind) -> None:
        self._app = app
        self._proxies = Proxies(settings.trusted_proxies, settings.forwarded_field)
        self._notices = notices
        self._always = [_HSTS] if settings.secure else []
        # The gateway's answers are the legacy systems', with policies of their own.
        self._unless_said = SECURITY_HEADERS if surface == "portal" else ()
        self._surface = surface
        self._seconds = REQUEST_SECONDS.labels(surface)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        identifier = new_id()
        address = self._address(scope)
        scope.setdefault("state", {}).update(request_id=identifier, address=address)
        clear_contextvars()
        bind_contextvars(request_id=identifier)
        answer = _Answer(send, [*self._always, (b"x-request-id", identifier.encode())], self._unless_said)
        started = time.perf_counter()
        try:
            await self._app(scope, receive, answer)
        except ClientDisconnect:
            pass  # it went before its request was whole: nobody is there to be answered
        except Exception:
            _log.exception("a request failed", path=scope["path"], method=scope.get("method", "WEBSOCKET"))
            if answer.status is not None:
                raise  # The answer has begun: only a broken connection tells the client that it is not whole.
            await _last_net(scope, answer, identifier)
        finally:
            elapsed = (answer.began or time.perf_counter()) - started
            status = str(answer.status or 0)
            _counter(self._surface, status).inc()
            self._seconds.observe(elapsed)
            _log.info(
                "request",
                surface=self._surface,
                method=scope.get("method", "WEBSOCKET"),
                path=_loggable(scope),
                status=status,
                ms=round(elapsed * 1000, 1),
                address=address,
            )

    def _address(self, scope: Scope) -> str:
        peer = scope["client"][0] if scope.get("client") else None
        caller = self._proxies.caller(peer, scope["headers"])
        # A proxy that asks how we are asks for itself.
        if caller.fault is not None and scope["path"] not in HEALTH_PATHS:
            self._tell(caller, peer or "")
        return caller.text

    def _tell(self, caller: CallerAddress, proxy: str) -> None:
        if caller.fault == "missing":
            self._notices.note("ERR-CALLER_MISSING", "a trusted proxy names no caller", proxy=proxy)
        else:
            unread = _printable(caller.unread, 80)
            self._notices.note(
                "ERR-CALLER_UNREADABLE", "what proxies say of a caller is no address", proxy=proxy, said=unread
            )


class _Answer:
    """Passes messages on, notes the status, and adds fields to the answer: those of every one, and those that stand on
    it unless it has them itself."""

    def __init__(self, send: Send, always: Sequence[Field], unless_said: Sequence[Field]) -> None:
        self._send = send
        self._always = always
        self._unless_said = unless_said
        self.status: int | None = None
        self.began: float | None = None

    def __call__(self, message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.began = time.perf_counter()
            said = {name for name, _ in message["headers"]}  # ASGI has the names in lower case
            ours = [field for field in self._unless_said if field[0] not in said]
            message = {**message, "headers": [*message["headers"], *ours, *self._always]}
        elif message["type"] == "websocket.accept":
            self.status = 101
            self.began = time.perf_counter()
        elif message["type"] == "websocket.close" and self.status is None:
            self.status = 403
        return self._send(message)


async def _last_net(scope: Scope, send: Any, identifier: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1011})
        return
    body = f"ERR-INTERNAL {identifier}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _loggable(scope: Scope) -> str:
    """The path without its query: queries hold codes and states."""
    return _printable(scope["path"], 200)


def _printable(text: str, most: int) -> str:
    """Control characters cannot forge a line."""
    short = text[:most]
    return short if short.isprintable() else "".join(char if char.isprintable() else "�" for char in short)
