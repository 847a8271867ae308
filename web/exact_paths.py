"""Programs' endpoints by their address: found at once, where the router would try one route after another."""

from collections.abc import Sequence

from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send


class ExactPaths:
    """`routes` have no parameters in their paths. What they raise, they answer themselves. Every other request goes on
    to `app`."""

    def __init__(self, routes: Sequence[Route], app: ASGIApp) -> None:
        self._routes = {route.path: route for route in routes}
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._routes.get(scope["path"]) if scope["type"] == "http" else None
        if route is None:
            await self._app(scope, receive, send)
        else:
            await route.handle({**scope, "path_params": {}}, receive, send)
