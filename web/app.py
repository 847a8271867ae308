"""One process of Yimen: opens the house, then sends each request to the gateway or to the portal by its Host."""

from contextlib import AsyncExitStack

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from core.errors import YimenError
from core.logs import configure_logs, logger
from core.settings import Settings, load_settings
from web.composition import House, open_gateway, open_house
from web.health import health_routes
from web.orphans import ending_with_the_master
from web.portal import portal_app
from web.request_context import RequestContext

_log = logger("app")


def create_app() -> "YimenApp":
    """The factory that the server calls in every worker process; settings come from the environment."""
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    return YimenApp(settings)


class YimenApp:
    """The ASGI application. Its lifespan is the house's: opened at start-up, closed at shut-down."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stack = AsyncExitStack()
        self._portal: ASGIApp | None = None
        self._gateway: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        await self._surface(scope)(scope, receive, send)

    def _surface(self, scope: Scope) -> ASGIApp:
        assert self._portal is not None
        assert self._gateway is not None
        if self._settings.gateway_slug(Headers(scope=scope).get("host", "")) is not None:
            return self._gateway
        return self._portal

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            house = await self._stack.enter_async_context(open_house(self._settings, serve=True))
            await self._compose(house)
            self._stack.enter_context(ending_with_the_master())
        except YimenError as error:
            _log.error("refused to start", code=error.code, detail=error.detail)
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._stack.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def _compose(self, house: House) -> None:
        role = self._settings.role
        closed = _ClosedHere(house)
        portal: ASGIApp = portal_app(house) if role in ("all", "identity") else closed
        gateway: ASGIApp = closed
        if role in ("all", "gateway"):
            gateway = await self._stack.enter_async_context(open_gateway(house))
        self._portal = RequestContext(portal, self._settings, "portal")
        self._gateway = RequestContext(gateway, self._settings, "gateway")


class _ClosedHere:
    """What a process answers for a surface that its role does not serve: health only, else 421."""

    def __init__(self, house: House) -> None:
        self._health = Starlette(routes=health_routes(house))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in ("/healthz", "/readyz", "/metrics"):
            await self._health(scope, receive, send)
        elif scope["type"] == "http":
            # RFC 9110 §15.5.20 Misdirected Request
            headers = [(b"content-type", b"text/plain; charset=utf-8")]
            await send({"type": "http.response.start", "status": 421, "headers": headers})
            await send({"type": "http.response.body", "body": b"ERR-MISDIRECTED\n"})
        else:
            await send({"type": "websocket.close", "code": 1008})
