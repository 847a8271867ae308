"""HTTP for the OpenID provider: plain Starlette routes that translate requests to `sso.oidc` and results back."""

from starlette.routing import Route

from web.pages.surface import Surface
from web.protocol.back_channel import back_channel_routes
from web.protocol.front_channel import front_channel_routes

__all__ = ["protocol_routes"]


def protocol_routes(surface: Surface) -> list[Route]:
    return [*back_channel_routes(surface.house), *front_channel_routes(surface)]
