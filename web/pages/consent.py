"""Consent: may this client learn who I am? And the client on whose behalf somebody signs in."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from web import csrf
from web.pages.guests import guest_of_client, shown_address
from web.pages.sign_in import Errand
from web.pages.surface import Surface, go


def consent_routes(surface: Surface) -> list[Route]:
    consent = _Consent(surface)
    return [
        Route("/consent", consent.ask, methods=["GET"]),
        Route("/consent", consent.decide, methods=["POST"]),
    ]


class _Consent:
    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._house = surface.house

    async def ask(self, request: Request) -> Response:
        await self._surface.member(request)
        token = request.query_params.get("interaction", "")
        question = await self._house.authorize.question(token, csrf.browser_of(request, self._surface.settings))
        request.state.ui_locales = question.ui_locales
        async with self._house.database.read() as connection:
            guest = await guest_of_client(
                self._surface, connection, question.client, self._surface.texts(request).locale
            )
        return await self._surface.page(
            request,
            "consent.html",
            leads_elsewhere=True,
            client_name=guest.name,
            owner=guest.owner,
            scopes=question.scopes,
            interaction=token,
            leads_to=shown_address(question.redirect_uri),
        )

    async def decide(self, request: Request) -> Response:
        session = await self._surface.member(request)
        sent = await self._surface.form(request)
        token, allowed = sent.required("interaction"), sent.text("decision") == "allow"
        browser = csrf.browser_of(request, self._surface.settings)
        await self._house.authorize.decide_consent(token, session, browser, allowed=allowed)
        return go(Errand(token, "").destination)
