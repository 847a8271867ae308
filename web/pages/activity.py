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
    house = surface.house

    async def activity(request: Request) -> Response:
        session = await surface.member(request)
        texts = surface.texts(request)
        cursor = request.query_params.get("before") or None
        found = await house.audit.query(LedgerQuery(actor=f"user:{session.user.id}", cursor=cursor, limit=_PAGE))
        async with house.database.read() as connection:
            names = await system_names(surface, connection, texts)
        return await surface.page(
            request,
            "activity.html",
            section="activity",
            events=[line_of(event, names, texts) for event in found.events],
            older=f"/activity?{urlencode({'before': found.next_cursor})}" if found.next_cursor else "",
        )

    return [Route("/activity", activity, methods=["GET"])]


def line_of(event: RecordedEvent, names: dict[str, str], texts: Catalogue) -> ActivityLine:
    return ActivityLine(
        at=event.recorded_at,
        action=action_name(texts, event.action),
        result=event.result,
        about=names.get(event.system or "", event.client or ""),
        address=event.address or "",
        reason=reason_text(texts, event.reason),
    )
