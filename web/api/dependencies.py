"""What the routes stand on: who is asking, and which page of a list they want."""

from typing import Annotated

from fastapi import Depends, Query, Request

from sso.authentication.sessions import Session
from sso.directory.roles import Role
from web.pages.surface import Surface


async def surface_of(request: Request) -> Surface:
    surface: Surface = request.app.state.surface
    return surface


OfPortal = Annotated[Surface, Depends(surface_of)]


async def member(request: Request, surface: OfPortal) -> Session:
    return await surface.member(request)


async def business_member(request: Request, surface: OfPortal) -> Session:
    return await surface.business_member(request)


async def auditor(request: Request, surface: OfPortal) -> Session:
    return await surface.member(request, Role.AUDIT_ADMIN)


Member = Annotated[Session, Depends(member)]
BusinessMember = Annotated[Session, Depends(business_member)]
Auditor = Annotated[Session, Depends(auditor)]

Cursor = Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before")]
Limit = Annotated[int, Query(ge=1, le=200)]
