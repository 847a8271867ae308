"""The gateway's ASGI application: from a Host header to a system, a session, and the legacy server behind."""

from collections.abc import Sequence
from functools import partial

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from connectors.errors import ConnectorError
from connectors.gateway.opening import Opening
from connectors.gateway.pages.inject import SCRIPT, SCRIPT_PATH
from connectors.gateway.pages.notices import notice
from connectors.gateway.parts import GatewayParts
from connectors.gateway.rooms import Rooms
from connectors.gateway.session.sessions import GatewaySession
from connectors.gateway.visit import Visit
from connectors.gateway.wire.foreign import require_own
from connectors.gateway.wire.headers import SESSION_COOKIE, Peer
from connectors.gateway.wire.methods import require_method
from connectors.gateway.wire.paths import require_inside, target_of
from connectors.gateway.wire.rewrite import OriginMap
from connectors.gateway.wire.statuses import serve_every_status
from connectors.gateway.wire.upload import Upload
from connectors.gateway.wire.upstream import UpstreamRequest
from connectors.gateway.wire.websocket import handshake_headers
from connectors.gateway_client import CALLBACK_PATH
from connectors.launch import refusal_of
from connectors.legacy.recipe.recipe import Recipe
from connectors.login_requests.channel import Channel
from connectors.systems import Endpoint, System, system_table
from core.errors import YimenError
from core.fresh import Fresh
from core.logs import logger
from core.turns import work_for

OWN_PREFIX = "/.yimen/"
OPEN_PATH = f"{OWN_PREFIX}open"
_log = logger("gateway")


class GatewayApp:
    """One host an origin of a system; see `connectors.gateway` for what it promises."""

    def __init__(self, parts: GatewayParts) -> None:
        serve_every_status()
        self._parts = parts
        self._rooms = Rooms(parts)
        self._opening = Opening(parts, self._rooms)
        self._systems: Fresh[str, System | None] = Fresh(changes=parts.database.changes, table=system_table.name)
        self._recipes: Fresh[tuple[str, int], Recipe | None] = Fresh()

    async def close(self) -> None:
        await self._rooms.close()

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
            response = notice(request, error.code, error.status, self._parts.settings.issuer, self._parts.texts)
            if error.retry_after is not None:
                response.headers["retry-after"] = str(error.retry_after)
            await response(scope, receive, send)

    async def _serve(self, request: Request, send: "_Begun") -> None:
        system, endpoint = await self._system(request)
        if request.scope["path"] == SCRIPT_PATH:
            await _script()(request.scope, request.receive, send)
            return
        who = await self._who(request, system, endpoint)
        async with self._rooms.refusals.told(request, who, system):
            target = self._admitted(request, who, system)
        if _is_own(target):
            response = await self._own(request, system, endpoint, who, target.partition("?")[0])
            await response(request.scope, request.receive, send)
            return
        if who is None:
            response = self._to_sign_in(request, system, endpoint, target)
            await response(request.scope, request.receive, send)
            return
        origins = self._origins(system, endpoint)
        visit = Visit(
            request,
            who,
            system,
            endpoint,
            await self._recipe(system),
            origins,
            origins.query_to_upstream(target),
            Upload(request.receive),
        )
        await self._rooms.proxy.serve(visit, send)

    def _admitted(self, request: Request, who: GatewaySession | None, system: System) -> str:
        """The target of a request that may be served. Raises ERR-METHOD, ERR-PATH, ERR-FOREIGN, or why this person may
        not open the system."""
        require_method(request.method)
        target = target_of(request)
        require_own(request, self._gateway_origins(system))
        if not _is_own(target):
            require_inside(system.registration.path_prefix, target.partition("?")[0])
            _require_access(who, system)
        return target

    async def _serve_websocket(self, browser: WebSocket) -> None:
        try:
            system, endpoint = await self._system(browser)
            who = await self._who(browser, system, endpoint)
            async with self._rooms.refusals.told(browser, who, system):
                target = self._admitted_socket(browser, who, system)
            if who is None:
                await browser.close(1008, "ERR-SESSION")
                return
            await self._connect(browser, system, endpoint, who, target)
        except YimenError as error:
            _log.info("refused", code=error.code, detail=error.detail)
            await browser.close(1011, error.code)

    def _admitted_socket(self, browser: WebSocket, who: GatewaySession | None, system: System) -> str:
        """As `_admitted`. A page of another origin could open a socket with this browser's cookies (RFC 6455 §10.2)."""
        target = target_of(browser)
        require_inside(system.registration.path_prefix, target.partition("?")[0])
        if browser.headers.get("origin") not in self._gateway_origins(system):
            raise ConnectorError("ERR-FOREIGN", "a socket from another origin", status=403)
        _require_access(who, system)
        return target

    async def _connect(
        self, browser: WebSocket, system: System, endpoint: Endpoint, who: GatewaySession, target: str
    ) -> None:
        rooms, origins = self._rooms, self._origins(system, endpoint)
        given = await rooms.basic.of_system(who, system)
        address = browser.state.address if system.registration.forwards_address else None
        sent = browser.headers.items()
        received = who.supervision.without_old(sent) if who.supervision is not None else sent
        headers = handshake_headers(received, origins, Peer(address, given.value if given is not None else None))
        trust = system.registration.trust
        request = UpstreamRequest("GET", endpoint.origin, target, headers, None, trust, who.id)
        where = f"WEBSOCKET {target.partition('?')[0]}"
        await rooms.outgoing.refuse_dummies(who, system, where, [target, *browser.headers.values()])
        look, is_allowed = partial(self._who, browser, system, endpoint), partial(self._is_allowed, who, system)
        channel = Channel.parse(str(endpoint.origin), target)
        recipe = await self._recipe(system)
        conversation = rooms.conversation(system, recipe, channel, who, browser, look, is_allowed)
        try:
            await rooms.websocket.serve(browser, request, conversation)
        finally:
            await conversation.end()

    async def _is_allowed(self, who: GatewaySession, system: System) -> bool:
        """Read anew, past every cache: a long connection asks seldom."""
        session = await self._rooms.sessions.look_again(who)
        current = await self._read_system(system.slug)
        return session is not None and current is not None and refusal_of(session.user, current) is None

    async def _own(
        self, request: Request, system: System, endpoint: Endpoint, who: GatewaySession | None, path: str
    ) -> Response:
        if path == CALLBACK_PATH:
            return await self._rooms.sign_in.finish(request, system, endpoint.host)
        if path == OPEN_PATH:
            if who is None:
                return self._rooms.sign_in.begin(system, endpoint.host, OPEN_PATH)
            return await self._opening.open(request, system, endpoint, who, await self._recipe(system))
        if path == f"{OWN_PREFIX}sign-out":
            return await self._rooms.sign_in.sign_out(request)
        raise ConnectorError("ERR-PATH", "no such address of the gateway", status=404)

    def _to_sign_in(self, request: Request, system: System, endpoint: Endpoint, target: str) -> Response:
        """Pages go through the provider and come back; what a script asks for is told to."""
        wants_page = request.headers.get("sec-fetch-mode", "navigate") == "navigate"
        if request.method == "GET" and wants_page and "x-requested-with" not in request.headers:
            return self._rooms.sign_in.begin(system, endpoint.host, target)
        raise ConnectorError("ERR-SESSION", "no live gateway session", status=401)

    async def _system(self, connection: HTTPConnection) -> tuple[System, Endpoint]:
        host = self._parts.settings.gateway_slug(connection.headers.get("host", "")) or ""
        slug = host.partition("--")[0]
        system = await self._systems.get(slug, partial(self._read_system, slug))
        endpoints = {one.host: one for one in system.endpoints} if system is not None and system.fills else {}
        if system is None or host not in endpoints:
            raise ConnectorError("ERR-SYSTEM", f"no gateway system {host!r}", status=404)
        return system, endpoints[host]

    async def _read_system(self, slug: str) -> System | None:
        async with self._parts.database.read() as connection:
            return await self._parts.systems.find_by_slug(connection, slug)

    async def _who(self, connection: HTTPConnection, system: System, endpoint: Endpoint) -> GatewaySession | None:
        token = connection.cookies.get(self._rooms.sign_in.cookie_name(SESSION_COOKIE))
        who = await self._rooms.sessions.find(token, system.id, endpoint.host)
        if who is not None:
            work_for(who.session.user.id)
        return who

    async def _recipe(self, system: System) -> Recipe | None:
        recipe_id = system.registration.recipe
        if recipe_id is None:
            return None
        used = (recipe_id, system.recipe_version)
        recipe = await self._recipes.get(used, partial(self._read_recipe, *used))
        if recipe is None:
            raise ConnectorError("ERR-TRANSFORM", f"the recipe {recipe_id} is missing", status=409)
        return recipe

    async def _read_recipe(self, recipe_id: str, at_least: int) -> Recipe | None:
        async with self._parts.database.read() as connection:
            return await self._parts.recipes.find(connection, recipe_id, at_least=at_least)

    def _gateway_origins(self, system: System) -> Sequence[str]:
        return [self._parts.settings.gateway_origin(one.host) for one in system.endpoints]

    def _origins(self, system: System, endpoint: Endpoint) -> OriginMap:
        further = [
            (one.origin, self._parts.settings.gateway_origin(one.host)) for one in system.endpoints if one != endpoint
        ]
        gateway_origin = self._parts.settings.gateway_origin(endpoint.host)
        return OriginMap(endpoint.origin, gateway_origin, system.registration.host_header, tuple(further))


def _is_own(target: str) -> bool:
    return f"{target.partition('?')[0]}/".startswith(OWN_PREFIX)


def _script() -> Response:
    headers = {"cache-control": "public, max-age=3600", "x-content-type-options": "nosniff"}
    return Response(SCRIPT, media_type="text/javascript; charset=utf-8", headers=headers)


def _require_access(who: GatewaySession | None, system: System) -> None:
    """Whoever has no session yet is asked when they have one."""
    refusal = refusal_of(who.session.user, system) if who is not None else None
    if refusal is not None:
        raise refusal


class _Begun:
    """Knows whether an answer has begun: then it is too late for another."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        self.has_begun = True
        await self._send(message)
