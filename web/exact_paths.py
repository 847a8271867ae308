"""Endpoints of the protocols by their address: found at once, where the router would try one route after another."""

from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send


def _as_it_is(endpoint: ASGIApp) -> ASGIApp:
    return endpoint


def _answering(route: Route) -> ASGIApp:
    """The route's function as an application; what the router adds around it catches errors once more."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        response: Response = await route.endpoint(Request(scope, receive, send))
        await response(scope, receive, send)

    return answer


class ExactPaths:
    """Hands on to `routes`, which have no parameters in their paths, what is for their path and method; every other
    request goes on to `app`. `around` is put around each of them, to answer what it raises."""

    def __init__(self, routes: Sequence[Route], app: ASGIApp, around: Callable[[ASGIApp], ASGIApp] = _as_it_is) -> None:
        self._endpoints = {
            (route.path, method): (route.endpoint, endpoint)
            for route, endpoint in [(route, around(_answering(route))) for route in routes]
            for method in route.methods or ()
        }
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._endpoints.get((scope["path"], scope["method"])) if scope["type"] == "http" else None
        if found is None:
            await self._app(scope, receive, send)
        else:
            await found[1]({**scope, "path_params": {}, "endpoint": found[0]}, receive, send)
