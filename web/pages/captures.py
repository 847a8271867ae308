"""Asking whether an account that was just typed at a legacy login shall be kept."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from web.pages.surface import Surface, go


def capture_routes(surface: Surface) -> list[Route]:
    house = surface.house

    async def ask(request: Request) -> Response:
        session = await surface.business_member(request)
        capture_id = request.path_params["capture_id"]
        async with house.database.read() as connection:
            capture = await house.captures.find(connection, capture_id, session.user)
            system = await house.systems.find(connection, capture.system_id)
        name = system.name.in_locale(surface.texts(request).locale) if system else ""
        return await surface.page(request, "capture.html", capture_id=capture.id, system_name=name, login=capture.login)

    async def decide(request: Request) -> Response:
        session = await surface.business_member(request)
        sent = await surface.form(request)
        capture_id = request.path_params["capture_id"]
        async with house.database.write() as connection:
            if sent.text("decision") == "keep":
                await house.captures.keep(connection, capture_id, session.user, house.systems)
                return go("/accounts", done="added")
            await house.captures.discard(connection, capture_id, session.user)
        return go("/")

    return [
        Route("/captures/{capture_id}", ask, methods=["GET"]),
        Route("/captures/{capture_id}", decide, methods=["POST"]),
    ]
