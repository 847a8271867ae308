"""Endpoints of the protocols by their address: found at once, where the router would try one route after another."""

from collections.abc import Callable, Sequence

from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send


def _as_it_is(endpoint: ASGIApp) -> ASGIApp:
    return endpoint


class ExactPaths:
    """Hands on to `routes`, which have no parameters in their paths, what is for their path and method; every other
    request goes on to `app`. `around` is put around each of them, to answer what it raises."""

    def __init__(self, routes: Sequence[Route], app: ASGIApp, around: Callable[[ASGIApp], ASGIApp] = _as_it_is) -> None:
        self._endpoints = {
            (route.path, method): endpoint
            for route, endpoint in [(route, around(route.app)) for route in routes]
            for method in route.methods or ()
        }
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._endpoints.get((scope["path"], scope["method"])) if scope["type"] == "http" else None
        if endpoint is None:
            await self._app(scope, receive, send)
        else:
            await endpoint({**scope, "path_params": {}}, receive, send)
