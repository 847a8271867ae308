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
    page = _Reveal(surface)
    return [Route("/accounts/{item_id}/reveal", page.reveal, methods=["POST"])]


class _Reveal:
    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._house = surface.house

    async def reveal(self, request: Request) -> Response:
        session = await self._surface.business_member(request)
        sent = await self._surface.form(request)
        token: str | None = None
        try:
            reason = _reason(sent)
            async with self._house.database.read() as connection:
                item = await own_item(self._surface, connection, session.user, request.path_params["item_id"])
            token = await prove_again(self._surface, request, session, sent, "password")
            response = await self._shown(request, session, item, reason)
        except YimenError as problem:
            if is_fragment(request):
                response = await self._surface.page(request, "secret.html", problem=problem)
            else:
                response = await accounts_page(self._surface, request, session, problem=problem)
        return carry_token(self._surface, response, token)

    async def _shown(self, request: Request, session: Session, item: Item, reason: str) -> Response:
        use = Use(holder=f"session:{session.id}", destination=None, recipe_hash="")
        async with self._house.database.write() as connection:
            ticket = await self._house.tickets.issue(
                connection, item.id, use, actor=f"user:{session.user.id}", purpose="reveal", reason=reason
            )
        template = "secret.html" if is_fragment(request) else "revealed.html"
        with await self._house.items.redeem(ticket, use) as secret:
            return await self._surface.page(
                request, template, secret=secret.decode("utf-8", "replace"), seconds=SECONDS, login=item.login
            )


def _reason(sent: Form) -> str:
    reason = sent.text("reason")
    if len(reason) < 2:
        raise YimenError("ERR-REASON", "a reveal needs a reason", status=422)
    return reason
