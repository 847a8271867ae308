"""Language, colours and size of text; and what a phone needs to put Yimen on its first screen."""

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from web.i18n import LOCALES, catalogue
from web.pages.form import own_path, read_form
from web.pages.surface import Surface, go
from web.static_files import load_assets
from web.templating import LOCALE_COOKIE, SIZE_COOKIE, SIZES, THEME_COOKIE, THEMES, Preferences

_YEAR_SECONDS = 365 * 24 * 3600
_CHOICES = {"locale": (LOCALE_COOKIE, LOCALES), "theme": (THEME_COOKIE, THEMES), "size": (SIZE_COOKIE, SIZES)}


def preference_routes(surface: Surface) -> list[Route]:
    preferences = _Preferences(surface)
    return [
        Route("/preferences", preferences.choose, methods=["POST"]),
        Route("/manifest.webmanifest", _manifest, methods=["GET"]),
        Route("/robots.txt", _robots, methods=["GET"]),
    ]


class _Preferences:
    def __init__(self, surface: Surface) -> None:
        self._surface = surface

    async def choose(self, request: Request) -> Response:
        # No token: the page may be an error page of somebody without a cookie, and all that is at stake is a colour.
        await self._surface.require_own(request)
        sent = await read_form(request)
        response = go(own_path(sent.text("next", most=2000)))
        for name, (cookie, allowed) in _CHOICES.items():
            value = sent.text(name)
            if value in allowed:
                self._surface.set_cookie(response, cookie, value, max_age=_YEAR_SECONDS)
        if (locale := sent.text("locale")) in LOCALES:
            await _remember_locale(self._surface, request, locale)
        return response


async def _manifest(request: Request) -> Response:
    texts = catalogue(Preferences.of(request).locale)
    assets = load_assets()
    content = {
        "name": f"{texts.text('brand.name')} · {texts.text('brand.motto')}",
        "short_name": texts.text("brand.name"),
        "lang": texts.locale,
        "start_url": "/",
        "display": "standalone",
        "theme_color": "#0d6470",
        "background_color": "#f3f5f4",
        "icons": [
            {"src": assets.address("door.svg"), "type": "image/svg+xml", "sizes": "any"},
            {"src": assets.address("door-192.png"), "type": "image/png", "sizes": "192x192"},
        ],
    }
    return JSONResponse(content, media_type="application/manifest+json")


async def _robots(_request: Request) -> Response:
    return PlainTextResponse("User-agent: *\nDisallow: /\n")


async def _remember_locale(surface: Surface, request: Request, locale: str) -> None:
    session = await surface.session(request)
    if session is None or session.user.locale == locale:
        return
    async with surface.house.database.write() as connection:
        await surface.house.users.set_locale(connection, session.user.id, locale)
