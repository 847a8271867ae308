"""The gateway's ASGI application: from a Host header to a system, a session, and the legacy server behind."""

from functools import partial

from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from connectors.errors import ConnectorError
from connectors.gateway.basic import BasicAuthorization
from connectors.gateway.captures import Captures
from connectors.gateway.fills import Fills
from connectors.gateway.inject import SCRIPT, SCRIPT_PATH
from connectors.gateway.notices import notice
from connectors.gateway.parts import GatewayParts
from connectors.gateway.proxy import Proxy
from connectors.gateway.sessions import GatewaySession, GatewaySessions
from connectors.gateway.sign_in import GatewaySignIn
from connectors.gateway.visit import Visit
from connectors.gateway.wire.foreign import require_own
from connectors.gateway.wire.headers import SESSION_COOKIE
from connectors.gateway.wire.methods import require_method
from connectors.gateway.wire.paths import require_inside, target_of
from connectors.gateway.wire.rewrite import OriginMap
from connectors.gateway.wire.statuses import serve_every_status
from connectors.gateway.wire.upload import Upload
from connectors.gateway.wire.upstream import Upstream
from connectors.gateway.wire.websocket import WebSocketProxy
from connectors.gateway_client import CALLBACK_PATH
from connectors.launch import refusal_of
from connectors.legacy.recipe.recipe import Recipe
from connectors.systems import System
from core.errors import YimenError
from core.fresh import Fresh
from core.logs import logger

OWN_PREFIX = "/.yimen/"
_log = logger("gateway")


class GatewayApp:
    """One host a system; see `connectors.gateway` for what it promises."""

    def __init__(self, parts: GatewayParts) -> None:
        serve_every_status()
        self._parts = parts
        self._upstream = Upstream(parts.upstream)
        self._sessions = GatewaySessions(parts.database, parts.clock, parts.sessions)
        self._systems: Fresh[str, System | None] = Fresh()
        self._recipes: Fresh[str, Recipe | None] = Fresh()
        self._sign_in = GatewaySignIn(parts, self._sessions)
        captures = Captures(parts.database, parts.clock, parts.sealer, parts.items, parts.ledger)
        self._proxy = Proxy(parts, self._upstream, Fills(parts.clock), captures)
        self._basic = BasicAuthorization(parts)
        self._websocket = WebSocketProxy(self._upstream)

    async def close(self) -> None:
        await self._upstream.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._serve_websocket(WebSocket(scope, receive, send))
            return
        begun = _Begun(send)
        request = Request(scope, receive)
        try:
            await self._serve(request, begun)
        except YimenError as error:
            if begun.has_begun:
                # The browser sees that the answer is not whole: its connection ends before the answer does.
                _log.warning("an answer broke off", code=error.code, detail=error.detail)
                return
            _log.info("refused", code=error.code, detail=error.detail, status=error.status)
            response = notice(request, error.code, error.status, self._parts.settings.issuer)
            await response(scope, receive, send)

    async def _serve(self, request: Request, send: "_Begun") -> None:
        require_method(request.method)
        system = await self._system(request)
        target = target_of(request)
        path = target.partition("?")[0]
        if f"{path}/".startswith(OWN_PREFIX):
            response = await self._own(request, system, path)
            await response(request.scope, request.receive, send)
            return
        require_inside(system.registration.path_prefix, path)
        who = await self._who(request, system)
        if who is None:
            response = self._to_sign_in(request, system, target)
            await response(request.scope, request.receive, send)
            return
        require_own(request, self._parts.settings.gateway_origin(system.slug))
        refusal = refusal_of(who.session.user, system)
        if refusal is not None:
            raise refusal
        origins = self._origins(system)
        visit = Visit(
            request,
            who,
            system,
            await self._recipe(system),
            origins,
            origins.query_to_upstream(target),
            Upload(request.receive),
        )
        await self._proxy.serve(visit, send)

    async def _serve_websocket(self, browser: WebSocket) -> None:
        try:
            system = await self._system(browser)
            target = target_of(browser)
            require_inside(system.registration.path_prefix, target.partition("?")[0])
            who = await self._who(browser, system)
            # A page of another origin could open a socket with this browser's cookies (RFC 6455 §10.2).
            own_origin = self._parts.settings.gateway_origin(system.slug)
            if who is None or refusal_of(who.session.user, system) or browser.headers.get("origin") != own_origin:
                await browser.close(1008, "ERR-SESSION")
                return
            assert system.origin is not None
            peer, _ = await self._basic.peer(who, system, browser.state.address)
            allowed, checked = partial(self._is_allowed, who, system), partial(self._proxy.refuse_dummies, who, system)
            origins, trust = self._origins(system), system.registration.trust
            await self._websocket.serve(browser, allowed, checked, system.origin, origins, target, peer, trust, who.id)
        except YimenError as error:
            _log.info("refused", code=error.code, detail=error.detail)
            await browser.close(1011, error.code)

    async def _is_allowed(self, who: GatewaySession, system: System) -> bool:
        """Read anew, past every cache: a long connection asks seldom."""
        session = await self._sessions.look_again(who)
        current = await self._read_system(system.slug)
        return session is not None and current is not None and refusal_of(session.user, current) is None

    async def _own(self, request: Request, system: System, path: str) -> Response:
        if path == SCRIPT_PATH:
            headers = {"cache-control": "public, max-age=3600", "x-content-type-options": "nosniff"}
            return Response(SCRIPT, media_type="text/javascript; charset=utf-8", headers=headers)
        if path == CALLBACK_PATH:
            return await self._sign_in.finish(request, system)
        if path == f"{OWN_PREFIX}open":
            if await self._who(request, system) is None:
                return self._sign_in.begin(system, system.registration.login_path)
            return RedirectResponse(system.registration.login_path, 303)
        if path == f"{OWN_PREFIX}sign-out":
            return await self._sign_in.sign_out(request)
        raise ConnectorError("ERR-PATH", "no such address of the gateway", status=404)

    def _to_sign_in(self, request: Request, system: System, target: str) -> Response:
        """Pages go through the provider and come back; what a script asks for is told to."""
        wants_page = request.headers.get("sec-fetch-mode", "navigate") == "navigate"
        if request.method == "GET" and wants_page and "x-requested-with" not in request.headers:
            return self._sign_in.begin(system, target)
        raise ConnectorError("ERR-SESSION", "no live gateway session", status=401)

    async def _system(self, connection: HTTPConnection) -> System:
        slug = self._parts.settings.gateway_slug(connection.headers.get("host", "")) or ""
        system = await self._systems.get(slug, partial(self._read_system, slug))
        if system is None or system.origin is None or not system.fills:
            raise ConnectorError("ERR-SYSTEM", f"no gateway system {slug!r}", status=404)
        return system

    async def _read_system(self, slug: str) -> System | None:
        async with self._parts.database.read() as connection:
            return await self._parts.systems.find_by_slug(connection, slug)

    async def _who(self, connection: HTTPConnection, system: System) -> GatewaySession | None:
        token = connection.cookies.get(self._sign_in.cookie_name(SESSION_COOKIE))
        return await self._sessions.find(token, system.id)

    async def _recipe(self, system: System) -> Recipe | None:
        recipe_id = system.registration.recipe
        if recipe_id is None:
            return None
        recipe = await self._recipes.get(recipe_id, partial(self._read_recipe, recipe_id))
        if recipe is None:
            raise ConnectorError("ERR-TRANSFORM", f"the recipe {recipe_id} is missing", status=409)
        return recipe

    async def _read_recipe(self, recipe_id: str) -> Recipe | None:
        async with self._parts.database.read() as connection:
            return await self._parts.recipes.find(connection, recipe_id)

    def _origins(self, system: System) -> OriginMap:
        assert system.origin is not None
        gateway_origin = self._parts.settings.gateway_origin(system.slug)
        return OriginMap(system.origin, gateway_origin, system.registration.host_header)


class _Begun:
    """Knows whether an answer has begun: then it is too late for another."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        self.has_begun = True
        await self._send(message)
