"""The portal: my systems as tiles, and opening one."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.gateway.pages.steps import systems_with_a_step
from connectors.launch import may_use, owners_for
from connectors.registration import SystemStatus
from connectors.systems import System
from core.database import Connection
from core.errors import YimenError
from sso.authentication.sessions import Session
from sso.directory.users import User
from vault.ledger.queries import LedgerQuery
from web.favourites import favourites_of, star
from web.i18n import Catalogue
from web.pages.answers import is_fragment
from web.pages.surface import Surface, go
from web.pages.tiles import Tile, by_system, grouped, matching, tile_of

_RECENT_EVENTS = 40
_RECENT_TILES = 6


def portal_routes(surface: Surface) -> list[Route]:
    portal = _Portal(surface)
    return [
        Route("/", portal.show, methods=["GET"]),
        Route("/launch/{slug}", portal.launch, methods=["POST"]),
        Route("/favourites/{slug}", portal.favourite, methods=["POST"]),
    ]


class _Portal:
    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._house = surface.house

    async def show(self, request: Request) -> Response:
        session = await self._surface.member(request)
        if session.user.is_administrator:
            return go(self._surface.home_of(session))
        tiles = await tiles_for(self._surface, session.user, self._surface.texts(request))
        query = request.query_params.get("q", "")[:100]
        found = matching(tiles, query)
        return await self._surface.page(
            request,
            "portal.html",
            section="portal",
            daytime=daytime_at(self._house.settings.local_time.at(self._house.clock.now()).hour),
            total=len(tiles),
            query=query,
            groups=grouped(found, self._surface.texts(request)),
            recent=[] if query else await _recent(self._surface, session, tiles),
        )

    async def launch(self, request: Request) -> Response:
        session = await self._surface.business_member(request)
        sent = await self._surface.form(request)
        return await open_system(
            self._surface, request, session, request.path_params["slug"], sent.text("item") or None
        )

    async def favourite(self, request: Request) -> Response:
        session = await self._surface.business_member(request)
        sent = await self._surface.form(request)
        async with self._house.database.write() as connection:
            system = await self._house.systems.find_by_slug(connection, request.path_params["slug"])
            if system is None:
                raise YimenError("ERR-SYSTEM", "no such system", status=404)
            await star(connection, session.user.id, system.id, wanted=sent.text("wanted") == "yes")
        if not is_fragment(request):
            return go("/")
        tiles = await tiles_for(self._surface, session.user, self._surface.texts(request))
        tile = next((tile for tile in tiles if tile.system_id == system.id), None)
        if tile is None:
            raise YimenError("ERR-SYSTEM", "the system is not open to this person", status=404)
        return await self._surface.page(request, "star.html", tile=tile)


async def open_system(surface: Surface, request: Request, session: Session, slug: str, item_id: str | None) -> Response:
    """Launches, then shows a page that goes on by itself: a redirect would be held to our form-action policy."""
    house = surface.house
    address = await house.launcher.launch(session, slug, item_id=item_id)
    async with house.database.read() as connection:
        system = await house.systems.find_by_slug(connection, slug)
    name = system.name.in_locale(surface.texts(request).locale) if system else slug
    return await surface.page(request, "opening.html", address=address, system_name=name)


async def systems_for(surface: Surface, connection: Connection, user: User) -> list[System]:
    """The live systems that this person may open."""
    every = await surface.house.systems.list(connection)
    return [system for system in every if system.status is SystemStatus.LIVE and may_use(user, system)]


async def tiles_for(surface: Surface, user: User, texts: Catalogue) -> list[Tile]:
    house = surface.house
    async with house.database.read() as connection:
        systems = await systems_for(surface, connection, user)
        items = by_system(await house.items.list(connection, owners=owners_for(user)))
        starred = await favourites_of(connection, user.id)
        owners = await owner_names(surface, connection, systems)
        stepped = await systems_with_a_step(connection)
    return [
        tile_of(
            system,
            items.get(system.id, []),
            texts,
            owner=owners.get(system.registration.owner or "", ""),
            favourite=system.id in starred,
            one_step=system.id in stepped,
        )
        for system in systems
    ]


async def owner_names(surface: Surface, connection: Connection, systems: Sequence[System]) -> dict[str, str]:
    wanted = {system.registration.owner for system in systems if system.registration.owner}
    if not wanted:
        return {}
    return {one.id: one.name for one in await surface.house.organisations.list(connection) if one.id in wanted}


async def _recent(surface: Surface, session: Session, tiles: Sequence[Tile]) -> list[Tile]:
    query = LedgerQuery(actor=f"user:{session.user.id}", action="launch", result="success", limit=_RECENT_EVENTS)
    found = await surface.house.audit.query(query)
    by_id = {tile.system_id: tile for tile in tiles if tile.opens}
    order = dict.fromkeys(event.system for event in found.events if event.system in by_id)
    return [by_id[system_id] for system_id in order if system_id][:_RECENT_TILES]


def daytime_at(hour: int) -> str:
    if 5 <= hour < 12:
        return "morning"
    return "afternoon" if 12 <= hour < 18 else "evening"
