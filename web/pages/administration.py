"""The first page of those who administer: what there is, to look at. Changes are made with `yimen apply`."""

from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.systems import System
from sso.directory.roles import Role
from sso.directory.users import User
from web.i18n import Catalogue
from web.pages.portal import owner_names
from web.pages.surface import Surface

_PAGE = 50

_USERS = ("username", "name", "roles", "posts", "status")
_SYSTEMS = ("name", "slug", "owner", "way_in", "filing_number", "access", "status")
_CLIENTS = ("name", "client_id", "policy", "owner", "status")
_RECIPES = ("name", "hash")


@dataclass(frozen=True)
class Listing:
    """A read-only table; `older` leads to its next page."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    older: str = ""


def administration_routes(surface: Surface) -> list[Route]:
    administration = _Administration(surface)
    return [
        Route("/administration", administration.show, methods=["GET"]),
        Route("/department", administration.department, methods=["GET"]),
    ]


class _Administration:
    def __init__(self, surface: Surface) -> None:
        self._surface = surface

    async def show(self, request: Request) -> Response:
        session = await self._surface.member(request, Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN)
        if Role.SYSTEM_ADMIN in session.user.roles:
            lists = [await _users(self._surface, request), await _systems(self._surface, request)]
            role = Role.SYSTEM_ADMIN
        else:
            lists = [
                await _clients(self._surface, request),
                await _systems(self._surface, request),
                await _recipes(self._surface),
            ]
            role = Role.SECURITY_ADMIN
        return await self._surface.page(
            request, "administration.html", section="administration", role=role.value, lists=lists
        )

    async def department(self, request: Request) -> Response:
        session = await self._surface.member(request, Role.STEWARD)
        owners = [post.organisation_id for post in session.user.posts]
        lists = [await _systems(self._surface, request, owners), await _clients(self._surface, request, owners)]
        return await self._surface.page(
            request, "administration.html", section="department", role="steward", lists=lists
        )


async def _users(surface: Surface, request: Request) -> Listing:
    texts, after = surface.texts(request), request.query_params.get("users", "")
    async with surface.house.database.scan() as connection:
        found = await surface.house.users.search(connection, after=after, limit=_PAGE)
    rows = tuple(_user_row(user, texts) for user in found)
    return Listing("users", _USERS, rows, _older(request, "users", found[-1].username if len(found) == _PAGE else ""))


def _user_row(user: User, texts: Catalogue) -> tuple[str, ...]:
    roles = "、".join(texts.text(f"administration.roles.{role}") for role in sorted(user.roles))
    posts = "、".join(post.organisation_name for post in user.posts)
    return user.username, user.name, roles, posts, _status(texts, user.status)


async def _systems(surface: Surface, request: Request, owners: list[str] | None = None) -> Listing:
    texts, after = surface.texts(request), request.query_params.get("systems", "")
    async with surface.house.database.scan() as connection:
        found = await surface.house.systems.list(connection, after=after, limit=_PAGE, owners=owners)
        names = await owner_names(surface, connection, found)
    rows = tuple(_system_row(system, names, texts) for system in found)
    return Listing("systems", _SYSTEMS, rows, _older(request, "systems", found[-1].slug if len(found) == _PAGE else ""))


def _system_row(system: System, owners: dict[str, str], texts: Catalogue) -> tuple[str, ...]:
    registration = system.registration
    return (
        system.name.in_locale(texts.locale),
        system.slug,
        owners.get(registration.owner or "", registration.owner or ""),
        texts.text(f"administration.ways.{system.way_in.kind.value}"),
        registration.filing_number,
        texts.text("administration.everyone" if registration.access.is_open else "administration.limited"),
        _status(texts, system.status.value),
    )


async def _clients(surface: Surface, request: Request, owners: list[str] | None = None) -> Listing:
    texts, after = surface.texts(request), request.query_params.get("clients", "")
    async with surface.house.database.scan() as connection:
        found = await surface.house.clients.list(connection, after=after, limit=_PAGE)
        names = {one.id: one.name for one in await surface.house.organisations.list(connection)}
    rows = tuple(
        (
            client.display_name(texts.locale),
            client.client_id,
            client.policy,
            names.get(client.owner or "", client.owner or ""),
            _status(texts, client.status),
        )
        for client in found
        if owners is None or client.owner in owners
    )
    return Listing(
        "clients", _CLIENTS, rows, _older(request, "clients", found[-1].client_id if len(found) == _PAGE else "")
    )


async def _recipes(surface: Surface) -> Listing:
    async with surface.house.database.scan() as connection:
        found = await surface.house.recipes.list(connection)
    rows = tuple((recipe.title or recipe.id, recipe.hash[:16]) for recipe in found)
    return Listing("recipes", _RECIPES, rows)


def _status(texts: Catalogue, status: str) -> str:
    key = f"administration.statuses.{status}"
    return texts.text(key) if key in texts else status


def _older(request: Request, name: str, cursor: str) -> str:
    """The address of the next page of one list, the others staying where they are."""
    if not cursor:
        return ""
    return f"{request.url.path}?{urlencode({**request.query_params, name: cursor})}"
