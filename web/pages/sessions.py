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
    house = surface.house

    async def sessions(request: Request) -> Response:
        current = await surface.member(request)
        async with house.database.read() as connection:
            every = await house.sessions.list(connection, current.user.id)
            permissions = await permissions_of(surface, connection, current.user, surface.texts(request).locale)
        lines = sorted((_line(one, current) for one in every), key=lambda line: (not line.current, line.started_at))
        return await surface.page(request, "sessions.html", section="sessions", sessions=lines, permissions=permissions)

    async def revoke(request: Request) -> Response:
        current = await surface.member(request)
        await surface.form(request)
        wanted = request.path_params["session_id"]
        async with house.database.write() as connection:
            every = await house.sessions.list(connection, current.user.id)
            if wanted not in {one.id for one in every}:
                raise YimenError("ERR-SESSION_GONE", "no such session of this person", status=404)
            await house.sessions.revoke(connection, wanted, actor=f"user:{current.user.id}", reason="person")
        return go("/sessions", done="revoked")

    async def revoke_others(request: Request) -> Response:
        current = await surface.member(request)
        await surface.form(request)
        async with house.database.write() as connection:
            for one in await house.sessions.list(connection, current.user.id):
                if one.id != current.id:
                    await house.sessions.revoke(connection, one.id, actor=f"user:{current.user.id}", reason="person")
        return go("/sessions", done="others_revoked")

    return [
        Route("/sessions", sessions, methods=["GET"]),
        Route("/sessions/others", revoke_others, methods=["POST"]),
        Route("/sessions/{session_id}/revoke", revoke, methods=["POST"]),
    ]


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
