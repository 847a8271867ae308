"""What every page behind the sign-in stands on: who is asking, the form they sent, the answer in their frame."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.errors import YimenError
from sso.authentication.sessions import Session
from sso.authentication.sign_in import Caller
from sso.directory.roles import Role
from vault.ledger import Event
from web import csrf
from web.forgeries import forgeries_told
from web.i18n import Catalogue, catalogue
from web.pages.answers import Flash, page
from web.pages.form import Form, read_form
from web.pages.parts import PageParts
from web.pages.tabs import Tab, tabs_of
from web.templating import Preferences, time_element

_DONE = {
    "added": Flash("good", "accounts.added"),
    "replaced": Flash("good", "accounts.replaced"),
    "removed": Flash("good", "accounts.removed"),
    "relearned": Flash("good", "accounts.relearned"),
    "signed": Flash("good", "administration.login_requests.signed"),
    "request_withdrawn": Flash("good", "administration.login_requests.withdrawn"),
    "revoked": Flash("good", "sessions.revoked"),
    "others_revoked": Flash("good", "sessions.others_revoked"),
    "withdrawn": Flash("good", "permissions.withdrawn"),
    "password": Flash("good", "password.changed"),
    "expired": Flash("warn", "sign_in.expired"),
}
# The pages to which a form of theirs leads back.
_SECTIONS = frozenset({"/accounts", "/sessions", "/password", "/totp", "/administration"})


class SignInNeededError(YimenError):
    """Nobody is signed in here: `address` is where to do so and come back."""

    status = 401

    def __init__(self, address: str) -> None:
        super().__init__("ERR-SESSION", "no live session")
        self.address = address


@dataclass(frozen=True)
class Viewer:
    """The person as the frame of a page shows them."""

    name: str
    username: str
    posts: tuple[str, ...]
    tabs: tuple[Tab, ...]


class Surface:
    def __init__(self, house: PageParts) -> None:
        self.house = house
        self.settings = house.settings

    # Who is asking

    async def session(self, request: Request) -> Session | None:
        """The live session of this browser, looked up once a request."""
        if not hasattr(request.state, "session"):
            token = request.cookies.get(session_cookie_name(self.settings.secure))
            request.state.session = await self._find(token) if token else None
        found: Session | None = request.state.session
        return found

    async def member(self, request: Request, *roles: Role) -> Session:
        """The session of somebody who is signed in and has one of `roles` (any role when none is given).

        Raises SignInNeededError, or ERR-FORBIDDEN.
        """
        session = await self.session(request)
        if session is None:
            raise SignInNeededError(_sign_in_address(request))
        if roles and session.user.roles.isdisjoint(roles):
            raise YimenError("ERR-FORBIDDEN", f"{session.user.id} has none of {roles}", status=403)
        return session

    async def business_member(self, request: Request) -> Session:
        """Somebody who works with systems and accounts: no administrator does (三员分立). Raises as `member`."""
        session = await self.member(request)
        if session.user.is_administrator:
            raise YimenError("ERR-FORBIDDEN", f"{session.user.id} is an administrator", status=403)
        return session

    async def form(self, request: Request) -> Form:
        """The form that was sent, when our own page in this browser made it. Raises ERR-CSRF or ERR-FORM."""
        await self.require_own(request)
        sent = await read_form(request)
        await self.require_token(request, sent.text(csrf.FIELD))
        return sent

    async def require_own(self, request: Request) -> None:
        """Raises ERR-CSRF when the browser says that another page sends this."""
        async with self._forgeries_told(request):
            csrf.check_origin(request, self.settings)

    async def require_token(self, request: Request, sent: str) -> None:
        """Raises ERR-CSRF unless `sent` is the token of this session, or of this browser."""
        async with self._forgeries_told(request):
            csrf.check_token(sent, await self._token(request))

    async def record(self, request: Request, session: Session, action: str, detail: Mapping[str, str]) -> None:
        """An event of this surface's own: somebody looked at the audit. Durable before the answer."""
        await self.house.ledger.append(
            Event(
                action=action,
                result="success",
                actor=f"user:{session.user.id}",
                session=session.id,
                address=getattr(request.state, "address", None),
                detail=dict(detail),
            )
        )

    # Answering

    async def page(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        leads_elsewhere: bool = False,
        **context: Any,
    ) -> Response:
        session = await self.session(request)
        response = page(
            request,
            template,
            status=status,
            leads_elsewhere=leads_elsewhere,
            **{
                "csrf": await self._token(request),
                "viewer": viewer_of(session) if session else None,
                "flash": flash_of(request),
                "time": partial(time_element, self.settings.local_time),
                **context,
            },
        )
        csrf.remember_browser(request, response, self.settings)
        return response

    def home_of(self, session: Session) -> str:
        return tabs_of(session.user.roles)[0].address

    async def has_totp(self, session: Session) -> bool:
        async with self.house.database.read() as connection:
            return await self.house.totp.is_enrolled(connection, session.user.id)

    def caller(self, request: Request) -> Caller:
        """Where a sign-in comes from, as the lock-out and the ledger know it."""
        return Caller(
            address=getattr(request.state, "address", "unknown"),
            user_agent=request.headers.get("user-agent", "")[:400],
            browser=csrf.browser_of(request, self.settings),
        )

    def set_cookie(self, response: Response, name: str, value: str, *, max_age: int | None = None) -> None:
        response.set_cookie(
            name, value, max_age=max_age, path="/", secure=self.settings.secure, httponly=True, samesite="lax"
        )

    def forget_cookie(self, response: Response, name: str) -> None:
        response.delete_cookie(name, path="/", secure=self.settings.secure, httponly=True, samesite="lax")

    def texts(self, request: Request) -> Catalogue:
        return catalogue(Preferences.of(request).locale)

    async def _find(self, token: str) -> Session | None:
        house = self.house
        async with house.database.read() as connection:
            session = await house.sessions.find(connection, token)
        if session is not None and house.sessions.is_due(session):
            async with house.database.write() as connection:
                await house.sessions.touch(connection, session)
        return session

    @asynccontextmanager
    async def _forgeries_told(self, request: Request) -> AsyncIterator[None]:
        async with forgeries_told(self.house.repeats, request, await self.session(request)):
            yield

    async def _token(self, request: Request) -> str:
        session = await self.session(request)
        return session.csrf if session else csrf.browser_token(csrf.browser_of(request, self.settings))


def session_cookie_name(secure: bool) -> str:
    return "__Host-yimen-session" if secure else "yimen-session"


def viewer_of(session: Session) -> Viewer:
    user = session.user
    posts = tuple(" · ".join(part for part in (post.organisation_name, post.title) if part) for post in user.posts)
    return Viewer(user.name, user.username, posts, tabs_of(user.roles))


def flash_of(request: Request) -> Flash | None:
    """What `?done=` says: one of our own keys, never a text from the address."""
    return _DONE.get(request.query_params.get("done", ""))


def go(address: str, **query: str) -> RedirectResponse:
    """303: whatever the request was, the next one is a GET (RFC 9110 §15.4.4)."""
    return RedirectResponse(f"{address}?{urlencode(query)}" if query else address, 303)


def _sign_in_address(request: Request) -> str:
    """Where to sign in and come back to this page. What was sent with an ended session is not done: that is said."""
    if request.method != "GET":
        section = "/" + request.url.path.split("/")[1]
        back = {"next": section} if section in _SECTIONS else {}
        return f"/sign-in?{urlencode({'done': 'expired', **back})}"
    query = request.url.query
    here = request.url.path + (f"?{query}" if query else "")
    return "/sign-in" if here == "/" else f"/sign-in?{urlencode({'next': here})}"
