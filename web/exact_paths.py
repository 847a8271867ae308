"""Endpoints of the protocols by their address: found at once, where the router would try one route after another."""

from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

Handler = Callable[[Request], Awaitable[ASGIApp]]


class ExactPaths:
    """Answers what is for the path and method of one of `routes`, which have no parameters in their paths and answer
    their own errors; every other request goes on to `app`."""

    def __init__(self, routes: Sequence[Route], app: ASGIApp) -> None:
        self._endpoints = {(route.path, method): route.endpoint for route in routes for method in route.methods or ()}
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        endpoint = self._endpoints.get((scope["path"], scope["method"])) if scope["type"] == "http" else None
        if endpoint is None:
            return self._app(scope, receive, send)
        scope["endpoint"] = endpoint
        return _answer(endpoint, scope, receive, send)


async def _answer(endpoint: Handler, scope: Scope, receive: Receive, send: Send) -> None:
    response = await endpoint(Request(scope, receive, send))
    await response(scope, receive, send)
