"""The application of one process: opens the house, then serves the surface that is its kind's."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Literal

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.gateway.app import GatewayApp
from core.errors import YimenError
from core.logs import logger
from core.settings import Settings
from web.composition import House, open_house
from web.health import health_routes
from web.hosts import OnlyItsHosts, Whose
from web.periodic import at_work
from web.portal import portal_app
from web.request_context import RequestContext, SurfaceKind

ProcessKind = Literal["identity", "gateway", "worker"]

_log = logger("app")


class YimenApp:
    """The ASGI application of an identity, gateway or worker process. Its lifespan is the house's: opened at start-up,
    closed at shut-down. A worker serves health alone."""

    def __init__(self, settings: Settings, kind: ProcessKind) -> None:
        self._settings = settings
        self._kind = kind
        self._stack = AsyncExitStack()
        self._surface: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        assert self._surface is not None
        await self._surface(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            house = await self._stack.enter_async_context(open_house(self._settings))
            house.database.follow()
            self._surface = RequestContext(
                await self._compose(house), self._settings, house.notices, _SURFACES[self._kind]
            )
        except YimenError as error:
            _log.error("refused to start", code=error.code, detail=error.detail)
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._stack.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def _compose(self, house: House) -> ASGIApp:
        health = Starlette(routes=health_routes(house))
        if self._kind == "identity":
            return OnlyItsHosts(portal_app(house), health, Whose.ISSUER, self._settings)
        if self._kind == "gateway":
            gateway = await self._stack.enter_async_context(open_gateway(house))
            return OnlyItsHosts(gateway, health, Whose.GATEWAY, self._settings)
        await self._stack.enter_async_context(at_work(house))
        return OnlyItsHosts(health, health, None, self._settings)


_SURFACES: dict[ProcessKind, SurfaceKind] = {"identity": "portal", "gateway": "gateway", "worker": "worker"}


@asynccontextmanager
async def open_gateway(house: House) -> AsyncIterator[GatewayApp]:
    """The gateway's application, with its connections to the legacy servers; closed with the block."""
    gateway = GatewayApp(house.gateway_parts)
    try:
        yield gateway
    finally:
        await gateway.close()
