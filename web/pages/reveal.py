"""Showing a kept password to its owner: after a new proof, with a reason, for thirty seconds (DESIGN §4.14)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.errors import YimenError
from sso.authentication.sessions import Session
from vault.items import Item
from vault.tickets import Use
from web.pages.accounts import accounts_page, own_item
from web.pages.answers import is_fragment
from web.pages.credentials import carry_token, prove_again
from web.pages.form import Form
from web.pages.surface import Surface

SECONDS = 30


def reveal_routes(surface: Surface) -> list[Route]:
    house = surface.house

    async def reveal(request: Request) -> Response:
        session = await surface.business_member(request)
        sent = await surface.form(request)
        token: str | None = None
        try:
            reason = _reason(sent)
            async with house.database.read() as connection:
                item = await own_item(surface, connection, session.user, request.path_params["item_id"])
            token = await prove_again(surface, request, session, sent, "password")
            response = await shown(request, session, item, reason)
        except YimenError as problem:
            if is_fragment(request):
                response = await surface.page(request, "secret.html", problem=problem)
            else:
                response = await accounts_page(surface, request, session, problem=problem)
        return carry_token(surface, response, token)

    async def shown(request: Request, session: Session, item: Item, reason: str) -> Response:
        use = Use(holder=f"session:{session.id}", destination=None, recipe_hash="")
        async with house.database.write() as connection:
            ticket = await house.tickets.issue(
                connection, item.id, use, actor=f"user:{session.user.id}", purpose="reveal", reason=reason
            )
        template = "secret.html" if is_fragment(request) else "revealed.html"
        with await house.items.redeem(ticket, use) as secret:
            return await surface.page(
                request, template, secret=secret.decode("utf-8", "replace"), seconds=SECONDS, login=item.login
            )

    return [Route("/accounts/{item_id}/reveal", reveal, methods=["POST"])]


def _reason(sent: Form) -> str:
    reason = sent.text("reason")
    if len(reason) < 2:
        raise YimenError("ERR-REASON", "a reveal needs a reason", status=422)
    return reason
