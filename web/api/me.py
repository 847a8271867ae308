"""What the signed-in person sees of their own."""

from fastapi import APIRouter, Request

from connectors.launch import owners_for
from vault.ledger.queries import LedgerQuery
from web.api.answers import EventPage, ItemOut, Me, SessionOut, SystemOut, event_page
from web.api.dependencies import BusinessMember, Cursor, Limit, Member, OfPortal
from web.pages.portal import tiles_for

router = APIRouter(tags=["me"])


@router.get("/me", summary="Who is signed in")
async def me(session: Member) -> Me:
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


@router.get("/systems", summary="Systems open to me, with the state of their way in")
async def systems(request: Request, surface: OfPortal, session: BusinessMember) -> list[SystemOut]:
    tiles = await tiles_for(surface, session.user, surface.texts(request))
    return [SystemOut.model_validate(tile, from_attributes=True) for tile in tiles]


@router.get("/items", summary="Accounts I may use; never a password")
async def items(surface: OfPortal, session: BusinessMember) -> list[ItemOut]:
    house = surface.house
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


@router.get("/sessions", summary="Where I am signed in")
async def sessions(surface: OfPortal, session: Member) -> list[SessionOut]:
    async with surface.house.database.read() as connection:
        found = await surface.house.sessions.list(connection, session.user.id)
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


@router.get("/activity", summary="What I did lately, newest first")
async def activity(surface: OfPortal, session: Member, cursor: Cursor = None, limit: Limit = 50) -> EventPage:
    query = LedgerQuery(actor=f"user:{session.user.id}", cursor=cursor, limit=limit)
    return event_page(await surface.house.audit.query(query))
