"""What the auditor sees: the events, and how the ledger stands."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from web.api.answers import EventPage, HealthOut, event_page
from web.api.dependencies import Auditor, Cursor, Limit, OfPortal
from web.pages.audit_filters import Filters

router = APIRouter(tags=["audit"])

_WHEN = "ISO 8601; a day, or a time without offset, is the county's (YIMEN_TIME_ZONE)"


async def asked(
    person: Annotated[str, Query(description="User name, or `user:<id>`, `client:<id>`, `operator:<name>`")] = "",
    system: Annotated[str, Query(description="Short name")] = "",
    action: str = "",
    result: str = "",
    since: Annotated[str, Query(description=_WHEN)] = "",
    until: Annotated[str, Query(description=_WHEN)] = "",
    text: str = "",
) -> dict[str, str]:
    return {
        "person": person,
        "system": system,
        "action": action,
        "result": result,
        "since": since,
        "until": until,
        "text": text,
    }


@router.get("/audit/events", summary="Events, newest first; asking is recorded")
async def events(
    request: Request,
    surface: OfPortal,
    session: Auditor,
    fields: Annotated[dict[str, str], Depends(asked)],
    cursor: Cursor = None,
    limit: Limit = 50,
) -> EventPage:
    house = surface.house
    filters = Filters.of(fields, house.settings.local_time)
    await surface.record(request, session, "audit.query", await filters.recorded(house))
    return event_page(await house.audit.query(await filters.query(house, cursor=cursor, limit=limit)))


@router.get("/audit/health", summary="How the ledger stands")
async def health(surface: OfPortal, _session: Auditor) -> HealthOut:
    found = await surface.house.ledger.health()
    return HealthOut(**vars(found), public_key=surface.house.ledger.public_key())
