"""Consent: may this client learn who I am? And the client on whose behalf somebody signs in."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from web import csrf
from web.pages.guests import guest_of_client, shown_address
from web.pages.sign_in import Errand
from web.pages.surface import Surface, go


def consent_routes(surface: Surface) -> list[Route]:
    house = surface.house

    async def ask(request: Request) -> Response:
        await surface.member(request)
        token = request.query_params.get("interaction", "")
        question = await house.authorize.question(token, csrf.browser_of(request, surface.settings))
        request.state.ui_locales = question.ui_locales
        async with house.database.read() as connection:
            guest = await guest_of_client(surface, connection, question.client, surface.texts(request).locale)
        return await surface.page(
            request,
            "consent.html",
            leads_elsewhere=True,
            client_name=guest.name,
            owner=guest.owner,
            scopes=question.scopes,
            interaction=token,
            leads_to=shown_address(question.redirect_uri),
        )

    async def decide(request: Request) -> Response:
        session = await surface.member(request)
        sent = await surface.form(request)
        token, allowed = sent.required("interaction"), sent.text("decision") == "allow"
        browser = csrf.browser_of(request, surface.settings)
        await house.authorize.decide_consent(token, session, browser, allowed=allowed)
        return go(Errand(token, "").destination)

    return [
        Route("/consent", ask, methods=["GET"]),
        Route("/consent", decide, methods=["POST"]),
    ]
