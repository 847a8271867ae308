"""The security administrator's list of login requests: where passwords go in, who taught it, and the signature."""

from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.login_requests.request import SOCKET
from connectors.login_requests.store import Known
from connectors.systems import System
from core.database import Connection
from sso.authentication.sessions import Session
from sso.directory.roles import Role
from web.i18n import Catalogue
from web.pages.surface import Surface, go

_PAGE = 50
_ADDRESS = "/administration/login-requests"


@dataclass(frozen=True)
class LoginRequestLine:
    id: str
    system: str
    message: str
    where: str
    fields: tuple[str, ...]
    made: bool
    username: str
    constants: tuple[str, ...]
    source: str
    taught_by: str
    confirmed: bool
    signable: bool


def login_request_routes(surface: Surface) -> list[Route]:
    requests = _LoginRequests(surface)
    return [
        Route(_ADDRESS, requests.show, methods=["GET"]),
        Route(f"{_ADDRESS}/{{request_id}}/sign", requests.sign, methods=["POST"]),
        Route(f"{_ADDRESS}/{{request_id}}/withdraw", requests.withdraw, methods=["POST"]),
    ]


class _LoginRequests:
    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._house = surface.house

    async def show(self, request: Request) -> Response:
        await self._surface.member(request, Role.SECURITY_ADMIN)
        return await _page(self._surface, request)

    async def sign(self, request: Request) -> Response:
        session = await self._surface.member(request, Role.SECURITY_ADMIN)
        await self._surface.form(request)
        async with self._house.database.write() as connection:
            requests = self._house.login_requests
            await requests.sign(connection, request.path_params["request_id"], actor=_actor(session))
        return go(_ADDRESS, done="signed")

    async def withdraw(self, request: Request) -> Response:
        session = await self._surface.member(request, Role.SECURITY_ADMIN)
        await self._surface.form(request)
        async with self._house.database.write() as connection:
            requests = self._house.login_requests
            await requests.withdraw(connection, request.path_params["request_id"], actor=_actor(session))
        return go(_ADDRESS, done="request_withdrawn")


async def _page(surface: Surface, request: Request) -> Response:
    house, texts = surface.house, surface.texts(request)
    after = request.query_params.get("after", "")
    async with house.database.read() as connection:
        found = await house.login_requests.list(connection, after=after, limit=_PAGE)
        systems = {id: await house.systems.find(connection, id) for id in {one.login.system_id for one in found}}
        lines = [
            await _line(surface, connection, known, systems[known.login.system_id], texts)
            for known in found
            if _counts(known, systems[known.login.system_id])
        ]
    older = f"{_ADDRESS}?{urlencode({'after': found[-1].id})}" if len(found) == _PAGE else ""
    return await surface.page(request, "login_requests.html", section="administration", lines=lines, older=older)


def _counts(known: Known, system: System | None) -> bool:
    """One of a generation of before counts for nothing, whoever signs it."""
    return system is None or known.login == system.login


async def _line(
    surface: Surface, connection: Connection, known: Known, system: System | None, texts: Catalogue
) -> LoginRequestLine:
    person = await surface.house.users.find(connection, known.user_id) if known.user_id else None
    asked = known.request
    is_message = asked.method == SOCKET
    query = "&".join(name if value is None else f"{name}={value}" for name, value in asked.query.items())
    return LoginRequestLine(
        id=known.id,
        system=system.name.in_locale(texts.locale) if system is not None else known.login.system_id,
        message=asked.kind or "" if is_message else "",
        where=f"{'' if is_message else asked.method} {asked.origin}{asked.path}{'?' + query if query else ''}".strip(),
        fields=tuple(name for name in asked.passwords if name not in asked.made_only) or ("Authorization",),
        made=any(one not in (None, "password") for one in asked.passwords.values()),
        username=asked.username or "",
        constants=tuple(f"{name} = {value}" for name, value in asked.constants.items()),
        source=known.source.value,
        taught_by=(person.name if person is not None else known.user_id) if known.user_id else "",
        confirmed=known.is_confirmed,
        signable=known.source.value in ("learned", "form"),
    )


def _actor(session: Session) -> str:
    return f"user:{session.user.id}"
