"""Which other systems may learn who I am, and taking that back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.database import Connection
from sso.directory.users import User
from web.pages.guests import guest_of_client
from web.pages.surface import Surface, go


@dataclass(frozen=True)
class PermissionLine:
    client_id: str
    client_name: str
    owner: str
    scopes: tuple[str, ...]
    given_at: datetime


def permission_routes(surface: Surface) -> list[Route]:
    permissions = _Permissions(surface)
    return [Route("/permissions/withdraw", permissions.withdraw, methods=["POST"])]


class _Permissions:
    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._house = surface.house

    async def withdraw(self, request: Request) -> Response:
        """Forgets the consent and ends every grant: the client's tokens stop at once."""
        session = await self._surface.member(request)
        sent = await self._surface.form(request)
        client_id = sent.required("client", most=255)
        async with self._house.database.write() as connection:
            await self._house.consents.withdraw(connection, session.user.id, client_id)
            await self._house.grants.revoke_for(connection, session.user.id, client_id)
        return go("/sessions", done="withdrawn")


async def permissions_of(surface: Surface, connection: Connection, user: User, locale: str) -> Sequence[PermissionLine]:
    """What the person allowed, and the clients that were trusted without asking but keep an offline grant."""
    house = surface.house
    given = {one.client_id: (one.scopes, one.granted_at) for one in await house.consents.list(connection, user.id)}
    for client_id, created_at in (await house.grants.offline(connection, user.id)).items():
        given.setdefault(client_id, (frozenset({"offline_access"}), created_at))
    lines: list[PermissionLine] = []
    for client_id, (scopes, given_at) in given.items():
        client = await house.clients.find(connection, client_id)
        if client is not None:
            guest = await guest_of_client(surface, connection, client, locale)
            told = tuple(sorted(scopes - {"openid"})) or ("openid",)
            lines.append(PermissionLine(client_id, guest.name, guest.owner, told, given_at))
    return sorted(lines, key=lambda line: line.client_name)
