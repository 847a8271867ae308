"""The JSON API: what the pages show, for programs of the signed-in person. Described by /api/openapi.json, and by
/openapi.json alike.

It reads only. The browser's session cookie is the proof, so no other site can use it: answers carry no CORS headers.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from connectors.launch import owners_for
from sso.authentication.sessions import Session
from sso.directory.roles import Role
from vault.ledger.events import RecordedEvent
from vault.ledger.queries import LedgerPage, LedgerQuery
from web.pages.audit_filters import Filters
from web.pages.portal import tiles_for
from web.pages.surface import Surface

if TYPE_CHECKING:
    from web.composition import House


class Failure(BaseModel):
    """Every error answers so."""

    code: str = Field(examples=["ERR-SESSION"])
    message: str
    request_id: str


class Me(BaseModel):
    id: str
    username: str
    name: str
    roles: list[str]
    posts: list[str]
    email: str | None
    mobile: str | None = Field(description="Masked")
    acr: str
    amr: list[str]


class SystemOut(BaseModel):
    slug: str
    name: str
    owner: str
    category: str
    state: Literal["federated", "auto", "one_step", "needs_account", "frozen", "link", "none"]
    favourite: bool
    reason: str


class ItemOut(BaseModel):
    id: str
    system: str
    label: str
    login: str = Field(description="Masked")
    custody: bool
    state: Literal["active", "frozen"]
    frozen_reason: str | None
    updated_at: datetime
    last_used_at: datetime | None
    last_result: str | None


class SessionOut(BaseModel):
    id: str
    device: str
    address: str
    started_at: datetime
    last_seen_at: datetime
    current: bool


class EventOut(BaseModel):
    id: str
    at: datetime
    position: int | None = Field(description="Place in the ledger's tree, once it has one")
    action: str
    result: Literal["success", "failure", "refused"]
    actor: str | None
    subject: str | None
    system: str | None
    client: str | None
    session: str | None
    address: str | None
    reason: str | None
    detail: dict[str, str | int | bool]


class EventPage(BaseModel):
    events: list[EventOut]
    next_cursor: str | None
    searched_to: datetime | None = Field(
        default=None, description="Where the page is not full and there is more to look through: how far it looked"
    )


class HealthOut(BaseModel):
    size: int
    root: str
    checkpoint_at: datetime | None
    unsequenced: int
    quarantined: int
    verified: bool
    public_key: str


_REFUSALS: dict[int | str, dict[str, Any]] = {401: {"model": Failure}, 403: {"model": Failure}, 422: {"model": Failure}}
Cursor = Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before")]
Limit = Annotated[int, Query(ge=1, le=200)]
_WHEN = "ISO 8601; a day, or a time without offset, is the county's (YIMEN_TIME_ZONE)"


def api_router(house: "House") -> APIRouter:
    surface = Surface(house)
    router = APIRouter(prefix="/api/v1", responses=_REFUSALS)

    async def member(request: Request) -> Session:
        return await surface.member(request)

    async def business_member(request: Request) -> Session:
        return await surface.business_member(request)

    async def auditor(request: Request) -> Session:
        return await surface.member(request, Role.AUDIT_ADMIN)

    @router.get("/me", tags=["me"], summary="Who is signed in")
    async def me(session: Annotated[Session, Depends(member)]) -> Me:
        user = session.user
        return Me(
            id=user.id,
            username=user.username,
            name=user.name,
            roles=sorted(user.roles),
            posts=[f"{post.organisation_name} {post.title}".strip() for post in user.posts],
            email=user.email,
            mobile=user.masked_mobile,
            acr=session.acr,
            amr=list(session.amr),
        )

    @router.get("/systems", tags=["me"], summary="Systems open to me, with the state of their way in")
    async def systems(request: Request, session: Annotated[Session, Depends(business_member)]) -> list[SystemOut]:
        tiles = await tiles_for(surface, session.user, surface.texts(request))
        return [SystemOut.model_validate(tile, from_attributes=True) for tile in tiles]

    @router.get("/items", tags=["me"], summary="Accounts I may use; never a password")
    async def items(session: Annotated[Session, Depends(business_member)]) -> list[ItemOut]:
        async with house.database.read() as connection:
            slugs = {system.id: system.slug for system in await house.systems.list(connection)}
            found = await house.items.list(connection, owners=owners_for(session.user))
        return [
            ItemOut(
                id=item.id,
                system=slugs.get(item.system, item.system),
                label=item.label,
                login=item.login,
                custody=item.owner.startswith("organisation:"),
                state=item.state,
                frozen_reason=item.frozen_reason,
                updated_at=item.updated_at,
                last_used_at=item.last_used_at,
                last_result=item.last_result,
            )
            for item in found
        ]

    @router.get("/sessions", tags=["me"], summary="Where I am signed in")
    async def sessions(session: Annotated[Session, Depends(member)]) -> list[SessionOut]:
        async with house.database.read() as connection:
            found = await house.sessions.list(connection, session.user.id)
        return [
            SessionOut(
                id=one.id,
                device=one.device,
                address=one.address,
                started_at=one.started_at,
                last_seen_at=one.last_seen_at,
                current=one.id == session.id,
            )
            for one in found
        ]

    @router.get("/activity", tags=["me"], summary="What I did lately, newest first")
    async def activity(
        session: Annotated[Session, Depends(member)], cursor: Cursor = None, limit: Limit = 50
    ) -> EventPage:
        query = LedgerQuery(actor=f"user:{session.user.id}", cursor=cursor, limit=limit)
        found = await house.audit.query(query)
        return _page(found)

    @router.get("/audit/events", tags=["audit"], summary="Events, newest first; asking is recorded")
    async def events(
        request: Request,
        session: Annotated[Session, Depends(auditor)],
        cursor: Cursor = None,
        limit: Limit = 50,
        person: Annotated[str, Query(description="User name, or `user:<id>`, `client:<id>`, `operator:<name>`")] = "",
        system: Annotated[str, Query(description="Short name")] = "",
        action: str = "",
        result: str = "",
        since: Annotated[str, Query(description=_WHEN)] = "",
        until: Annotated[str, Query(description=_WHEN)] = "",
        text: str = "",
    ) -> EventPage:
        filters = Filters.of(
            {
                "person": person,
                "system": system,
                "action": action,
                "result": result,
                "since": since,
                "until": until,
                "text": text,
            },
            house.settings.local_time,
        )
        await surface.record(request, session, "audit.query", await filters.recorded(house))
        found = await house.audit.query(await filters.query(house, cursor=cursor, limit=limit))
        return _page(found)

    @router.get("/audit/health", tags=["audit"], summary="How the ledger stands")
    async def health(_session: Annotated[Session, Depends(auditor)]) -> HealthOut:
        found = await house.ledger.health()
        return HealthOut(**vars(found), public_key=house.ledger.public_key())

    return router


def _page(found: LedgerPage) -> EventPage:
    events = [_event(event) for event in found.events]
    return EventPage(events=events, next_cursor=found.next_cursor, searched_to=found.searched_to)


def _event(event: RecordedEvent) -> EventOut:
    return EventOut(
        id=event.id,
        at=event.recorded_at,
        position=event.position,
        action=event.action,
        result=event.result,
        actor=event.actor,
        subject=event.subject,
        system=event.system,
        client=event.client,
        session=event.session,
        address=event.address,
        reason=event.reason,
        detail=dict(event.detail),
    )
