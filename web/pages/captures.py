"""Asking whether an account that was just typed at a legacy login shall be kept."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from web.pages.surface import Surface, go


def capture_routes(surface: Surface) -> list[Route]:
    captures = _Captures(surface)
    return [
        Route("/captures/{capture_id}", captures.ask, methods=["GET"]),
        Route("/captures/{capture_id}", captures.decide, methods=["POST"]),
    ]


class _Captures:
    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._house = surface.house

    async def ask(self, request: Request) -> Response:
        session = await self._surface.business_member(request)
        capture_id = request.path_params["capture_id"]
        async with self._house.database.read() as connection:
            capture = await self._house.captures.find(connection, capture_id, session.user)
            system = await self._house.systems.find(connection, capture.system_id)
        name = system.name.in_locale(self._surface.texts(request).locale) if system else ""
        return await self._surface.page(
            request, "capture.html", capture_id=capture.id, system_name=name, login=capture.login
        )

    async def decide(self, request: Request) -> Response:
        session = await self._surface.business_member(request)
        sent = await self._surface.form(request)
        capture_id = request.path_params["capture_id"]
        async with self._house.database.write() as connection:
            if sent.text("decision") == "keep":
                await self._house.captures.keep(connection, capture_id, session.user, self._house.systems)
                return go("/accounts", done="added")
            await self._house.captures.discard(connection, capture_id, session.user)
        return go("/")
