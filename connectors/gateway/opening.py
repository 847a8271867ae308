"""`/.yimen/open`: the person has just asked for this system.

On the way to its login page every gateway host of the system gets its session, and where nothing is known yet of how
the system takes a password, its form is read and a supervised sign-in begins.
"""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from connectors.errors import ConnectorError
from connectors.gateway.parts import GatewayParts
from connectors.gateway.rooms import Rooms
from connectors.gateway.session.sessions import GatewaySession
from connectors.gateway.session.supervision import Supervision
from connectors.legacy.recipe.recipe import Recipe
from connectors.registration import WayInKind
from connectors.systems import Endpoint, System


class Opening:
    def __init__(self, parts: GatewayParts, rooms: Rooms) -> None:
        self._parts = parts
        self._rooms = rooms

    async def open(
        self, request: Request, system: System, endpoint: Endpoint, who: GatewaySession, recipe: Recipe | None
    ) -> Response:
        """At the host of a further origin: back to the next. At the last: to the login page."""
        following = _next_host(system, endpoint, request)
        if following is not None:
            return RedirectResponse(self._address(following, request), 303)
        if system.way_in.kind is WayInKind.GATEWAY:
            await self._prepare(system, who, recipe)
        return RedirectResponse(system.registration.login_path, 303)

    async def _prepare(self, system: System, who: GatewaySession, recipe: Recipe | None) -> None:
        """Where a sign-in may teach something, it begins with a fresh session of the legacy host."""
        user = who.session.user
        async with self._parts.database.read() as connection:
            item = await self._parts.launcher.item_for(connection, user, system)
        knowledge = await self._rooms.knowledge.of(system, user.id, recipe, anew=True)
        if item is None or item.state != "active" or not knowledge.may_learn:
            if who.supervision is not None:
                await self._supervise(who, None)
            return
        if recipe is None or recipe.request.path is None:
            await self._rooms.forms.learn(system, anew=True)
        await self._supervise(who, Supervision())

    async def _supervise(self, who: GatewaySession, supervision: Supervision | None) -> None:
        async with self._parts.database.write() as connection:
            await self._rooms.sessions.supervise(connection, who.id, supervision)

    def _address(self, host: str, request: Request) -> str:
        passed = request.query_params.get("passed", "")
        seen = ",".join([*filter(None, passed.split(",")), self._host_of(request)])
        return f"{self._parts.settings.gateway_origin(host)}/.yimen/open?{urlencode({'passed': seen})}"

    def _host_of(self, request: Request) -> str:
        host = self._parts.settings.gateway_slug(request.headers.get("host", ""))
        if host is None:
            raise ConnectorError("ERR-SYSTEM", "no gateway host", status=404)
        return host


def _next_host(system: System, endpoint: Endpoint, request: Request) -> str | None:
    """The further hosts each once, then the system's own; None there, when all have been passed."""
    passed = {*request.query_params.get("passed", "").split(","), endpoint.host}
    own, *further = [one.host for one in system.endpoints]
    waiting = [host for host in further if host not in passed]
    if waiting:
        return waiting[0]
    return own if endpoint.host != own else None
