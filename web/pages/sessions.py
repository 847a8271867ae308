"""Where I am signed in, and signing out there."""

from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.errors import YimenError
from sso.authentication.sessions import Session
from web.pages.permissions import permissions_of
from web.pages.surface import Surface, go

_PHONES = ("Android", "iPhone", "HarmonyOS", "iPad")


@dataclass(frozen=True)
class SessionLine:
    id: str
    device: str
    phone: bool
    address: str
    started_at: datetime
    last_seen_at: datetime
    current: bool


def session_routes(surface: Surface) -> list[Route]:
    sessions = _Sessions(surface)
    return [
        Route("/sessions", sessions.show, methods=["GET"]),
        Route("/sessions/others", sessions.revoke_others, methods=["POST"]),
        Route("/sessions/{session_id}/revoke", sessions.revoke, methods=["POST"]),
    ]


class _Sessions:
    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._house = surface.house

    async def show(self, request: Request) -> Response:
        current = await self._surface.member(request)
        async with self._house.database.read() as connection:
            every = await self._house.sessions.list(connection, current.user.id)
            permissions = await permissions_of(
                self._surface, connection, current.user, self._surface.texts(request).locale
            )
        lines = sorted((_line(one, current) for one in every), key=lambda line: (not line.current, line.started_at))
        return await self._surface.page(
            request, "sessions.html", section="sessions", sessions=lines, permissions=permissions
        )

    async def revoke(self, request: Request) -> Response:
        current = await self._surface.member(request)
        await self._surface.form(request)
        wanted = request.path_params["session_id"]
        async with self._house.database.write() as connection:
            every = await self._house.sessions.list(connection, current.user.id)
            if wanted not in {one.id for one in every}:
                raise YimenError("ERR-SESSION_GONE", "no such session of this person", status=404)
            await self._house.sessions.revoke(connection, wanted, actor=f"user:{current.user.id}", reason="person")
        return go("/sessions", done="revoked")

    async def revoke_others(self, request: Request) -> Response:
        current = await self._surface.member(request)
        await self._surface.form(request)
        async with self._house.database.write() as connection:
            for one in await self._house.sessions.list(connection, current.user.id):
                if one.id != current.id:
                    await self._house.sessions.revoke(
                        connection, one.id, actor=f"user:{current.user.id}", reason="person"
                    )
        return go("/sessions", done="others_revoked")


def _line(session: Session, current: Session) -> SessionLine:
    return SessionLine(
        id=session.id,
        device=session.device,
        phone=any(word in session.device for word in _PHONES),
        address=session.address,
        started_at=session.started_at,
        last_seen_at=session.last_seen_at,
        current=session.id == current.id,
    )
