"""The client on whose behalf somebody is signing in, as people see it."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request

from core.database import Connection
from sso.clients import Client
from sso.errors import SsoError
from web import csrf
from web.pages.surface import Surface


@dataclass(frozen=True)
class Guest:
    name: str
    owner: str
    login_hint: str = ""


async def guest_of(surface: Surface, request: Request, interaction: str) -> Guest | None:
    """None when nobody waits, or the interaction is over: signing in is still possible. The pages of this request then
    speak the language that the client asked for."""
    if not interaction:
        return None
    house = surface.house
    async with house.database.read() as connection:
        try:
            waiting = await house.interactions.find(connection, interaction, csrf.browser_of(request, surface.settings))
        except SsoError:
            return None
        client = await house.clients.find(connection, waiting.client_id)
        if client is None:
            return None
        request.state.ui_locales = waiting.parameters.get("ui_locales", "")
        hint = waiting.parameters.get("login_hint", "")[:128]
        return await guest_of_client(surface, connection, client, surface.texts(request).locale, hint)


async def guest_of_client(
    surface: Surface, connection: Connection, client: Client, locale: str, login_hint: str = ""
) -> Guest:
    owner = await surface.house.organisations.find(connection, client.owner) if client.owner else None
    return Guest(client.display_name(locale), owner.name if owner else "", login_hint)


def shown_address(address: str) -> str:
    """Where an address leads, short enough to read: its host, or an app's own scheme."""
    parts = urlsplit(address)
    return parts.netloc or f"{parts.scheme}:"
