"""A legacy server that keeps every request as it came, and answers what a test wants: friendly, odd or hostile."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

Answer = Response | Callable[["Received"], Response]
Socket = Callable[[WebSocket], Awaitable[None]]

LOGIN_PAGE = """<!doctype html><html><head><meta charset="{charset}"><title>登录</title></head><body>
<form action="{action}" method="{method}" enctype="{enctype}">
<input name="username" placeholder="用户名"><input type="password" name="password" placeholder="密码">
<button type="submit">登录</button></form></body></html>"""


def login_page(
    action: str = "/login",
    *,
    charset: str = "utf-8",
    method: str = "post",
    enctype: str = "application/x-www-form-urlencoded",
) -> Response:
    text = LOGIN_PAGE.format(action=action, method=method, enctype=enctype, charset=charset)
    return Response(text.encode(charset), media_type=f"text/html; charset={charset}")


@dataclass(frozen=True)
class Received:
    method: str
    target: str
    headers: Sequence[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.headers if known == name]

    def get(self, name: str) -> str | None:
        return next(iter(self.all(name)), None)


@dataclass
class LegacyServer:
    """An ASGI application. `answers` by "METHOD path"; anything else is found and says so."""

    answers: dict[str, Answer] = field(default_factory=dict)
    sockets: dict[str, Socket] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self.sockets[scope["path"]](WebSocket(scope, receive, send))
            return
        request = Request(scope, receive)
        query = scope["query_string"].decode()
        seen = Received(
            request.method,
            scope["raw_path"].decode() + (f"?{query}" if query else ""),
            [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]],
            await request.body(),
        )
        self.received.append(seen)
        answer = self.answers.get(f"{request.method} {scope['path']}", Response("found", media_type="text/plain"))
        response = answer if isinstance(answer, Response) else answer(seen)
        await response(scope, receive, send)

    @property
    def last(self) -> Received:
        return self.received[-1]

    def posted(self, path: str = "/login") -> list[bytes]:
        """Bodies that were posted to `path`."""
        return [one.body for one in self.received if one.method == "POST" and one.target.partition("?")[0] == path]
