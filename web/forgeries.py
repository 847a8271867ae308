"""Forms that another page has sent in a person's browser: refused by `web.csrf`, and told to the ledger."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request

from connectors.gateway.refusals import described, kind_of
from sso.authentication.sessions import Session
from vault.ledger import Event
from vault.ledger.repeats import Repeats
from web.csrf import CsrfError


@asynccontextmanager
async def forgeries_told(repeats: Repeats, request: Request, session: Session | None) -> AsyncIterator[None]:
    """Records the ERR-CSRF with which a form is refused here, and raises it again."""
    try:
        yield
    except CsrfError as error:
        event = Event(
            action="portal.request",
            result="refused",
            actor=f"user:{session.user.id}" if session is not None else None,
            session=session.id if session is not None else None,
            address=getattr(request.state, "address", None),
            reason=error.code,
            detail=described(request, error.detail),
        )
        by = session.id if session is not None else "portal"
        await repeats.append(event, by=by, kind=(request.scope["endpoint"], *kind_of(request)))
        raise
