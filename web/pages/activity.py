"""What I did lately, out of the ledger."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vault.ledger.events import RecordedEvent
from vault.ledger.queries import LedgerQuery
from web.i18n import Catalogue
from web.pages.names import action_name, reason_text, system_names
from web.pages.surface import Surface

_PAGE = 30


@dataclass(frozen=True)
class ActivityLine:
    at: datetime
    action: str
    result: str
    about: str
    address: str
    reason: str


def activity_routes(surface: Surface) -> list[Route]:
    page = _Activity(surface)
    return [Route("/activity", page.show, methods=["GET"])]


class _Activity:
    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._house = surface.house

    async def show(self, request: Request) -> Response:
        session = await self._surface.member(request)
        texts = self._surface.texts(request)
        cursor = request.query_params.get("before") or None
        found = await self._house.audit.query(LedgerQuery(actor=f"user:{session.user.id}", cursor=cursor, limit=_PAGE))
        async with self._house.database.read() as connection:
            names = await system_names(self._surface, connection, texts)
        return await self._surface.page(
            request,
            "activity.html",
            section="activity",
            events=[line_of(event, names, texts) for event in found.events],
            older=f"/activity?{urlencode({'before': found.next_cursor})}" if found.next_cursor else "",
        )


def line_of(event: RecordedEvent, names: dict[str, str], texts: Catalogue) -> ActivityLine:
    return ActivityLine(
        at=event.recorded_at,
        action=action_name(texts, event.action),
        result=event.result,
        about=names.get(event.system or "", event.client or ""),
        address=event.address or "",
        reason=reason_text(texts, event.reason),
    )
