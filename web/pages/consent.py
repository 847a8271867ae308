"""Consent: may this client learn who I am? And the client on whose behalf somebody signs in."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.errors import YimenError
from sso.oidc.interaction import Interaction
from web import csrf
from web.pages.guests import Guest, guest_of_client, shown_address
from web.pages.sign_in import Errand
from web.pages.surface import Surface, go


def consent_routes(surface: Surface) -> list[Route]:
    house = surface.house

    async def waiting(request: Request, token: str) -> tuple[Interaction, Guest]:
        """The request that waits in this browser, and whose it is. Raises ERR-INTERACTION."""
        async with house.database.read() as connection:
            interaction = await house.interactions.find(connection, token, csrf.browser_of(request, surface.settings))
            client = await house.clients.find(connection, interaction.client_id)
            if client is None or not client.is_active:
                raise YimenError("ERR-CLIENT", f"client {interaction.client_id} is gone", status=400)
            return interaction, await guest_of_client(surface, connection, client, surface.texts(request).locale)

    async def ask(request: Request) -> Response:
        await surface.member(request)
        interaction, guest = await waiting(request, request.query_params.get("interaction", ""))
        return await surface.page(
            request,
            "consent.html",
            form_targets=guest.addresses,
            client_name=guest.name,
            owner=guest.owner,
            scopes=interaction.parameters.get("scope", "").split(),
            interaction=interaction.token,
            leads_to=shown_address(interaction.parameters.get("redirect_uri", "")),
        )

    async def decide(request: Request) -> Response:
        session = await surface.member(request)
        sent = await surface.form(request)
        interaction, _ = await waiting(request, sent.required("interaction"))
        allowed = sent.text("decision") == "allow"
        async with house.database.write() as connection:
            if allowed:
                scopes = interaction.parameters.get("scope", "").split()
                await house.consents.grant(connection, session.user.id, interaction.client_id, scopes)
            else:
                await house.consents.refuse(connection, session.user.id, interaction.client_id)
            await house.interactions.decide(connection, interaction, allowed=allowed)
        return go(Errand(interaction.token, "").destination)

    return [
        Route("/consent", ask, methods=["GET"]),
        Route("/consent", decide, methods=["POST"]),
    ]
