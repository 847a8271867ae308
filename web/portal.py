"""The portal's application: protocol, pages, JSON API and health on one host."""

from importlib.metadata import version

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from web import api
from web.composition import House
from web.exact_paths import ExactPaths
from web.health import health_routes
from web.pages import exception_handlers, page_routes
from web.pages.surface import Surface
from web.plain_addresses import PlainAddresses
from web.protocol.back_channel import back_channel_routes
from web.protocol.front_channel import front_channel_routes

# Where the JSON API describes itself: beside the API, and where programs look first.
OPENAPI_PATHS = ("/api/openapi.json", "/openapi.json")


def portal_app(house: House) -> ASGIApp:
    surface = Surface(house)
    front = front_channel_routes(surface, house.authorize, house.logout)
    app = FastAPI(
        title="一门 Yimen",
        description="The JSON API of the portal. The OpenID provider describes itself in its own metadata.",
        version=version("yimen"),
        docs_url=None,
        redoc_url=None,
        openapi_url=OPENAPI_PATHS[0],
        # An address with a slash too many is unknown: a redirect would be made from the request's own Host.
        redirect_slashes=False,
        routes=[*health_routes(house), *front, *page_routes(surface)],
        exception_handlers=dict(exception_handlers()),
    )
    app.state.surface = surface
    app.include_router(api.router)
    for path in OPENAPI_PATHS[1:]:
        app.add_route(path, _describe, methods=["GET"], include_in_schema=False)
    protocols = ExactPaths(back_channel_routes(house), ExactPaths(front, app))
    return PlainAddresses(protocols)


async def _describe(request: Request) -> Response:
    return JSONResponse(request.app.openapi())
