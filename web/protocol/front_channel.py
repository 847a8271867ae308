"""What the person's browser meets: authorization, its continuation, and sign-out."""

from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sso.oidc.authorize import Authorize, ConsentNeeded, Outcome, Respond, SignInNeeded
from sso.oidc.logout import Logout, LogoutRequest
from web import csrf
from web.pages.answers import form_post_page, logout_page
from web.pages.failures import failing_as_page
from web.pages.form import read_pairs
from web.pages.surface import Surface, go, session_cookie_name
from web.protocol.answers import Answer

_LOGOUT_PARAMETERS = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state")


def front_channel_routes(surface: Surface, authorize: Authorize, logout: Logout) -> list[Route]:
    front = _FrontChannel(surface, authorize, logout)
    routes = [
        Route("/authorize", failing_as_page(front.authorize), methods=["GET", "POST"]),
        Route("/authorize/continue", failing_as_page(front.resume), methods=["GET"]),
        Route("/end-session", failing_as_page(front.end_session), methods=["GET", "POST"]),
    ]
    for route in routes:
        assert route.methods is not None
        route.methods.discard("HEAD")  # RFC 9110 §9.2.1: a safe request makes no code and ends no session
    return routes


class _FrontChannel:
    def __init__(self, surface: Surface, authorize: Authorize, logout: Logout) -> None:
        self._surface = surface
        self._authorize = authorize
        self._logout = logout

    async def authorize(self, request: Request) -> ASGIApp:
        """OIDC Core §3.1.2.1: GET and POST alike."""
        pairs = await _parameters(request)
        if self._is_cookieless_post(request):
            return go("/authorize/continue", interaction=await self._authorize.park(pairs))
        session = await self._surface.session(request)
        browser = csrf.browser_of(request, self._surface.settings)
        outcome = await self._authorize.authorize(pairs, session, browser, request.state.address)
        return self._answer(request, outcome)

    async def resume(self, request: Request) -> ASGIApp:
        session = await self._surface.session(request)
        browser = csrf.browser_of(request, self._surface.settings)
        token = request.query_params.get("interaction", "")
        outcome = await self._authorize.resume(token, session, browser, request.state.address)
        return self._answer(request, outcome)

    async def end_session(self, request: Request) -> Response:
        """RP-Initiated Logout §2; a POST of our own page's confirmation carries `confirm`."""
        pairs = await _parameters(request)
        known = [pair for pair in pairs if pair[0] in _LOGOUT_PARAMETERS]
        wanted = await self._logout.read(known)
        if self._is_cookieless_post(request):
            return go("/end-session", **dict(known))
        session = await self._surface.session(request)
        sent = dict(pairs)
        if session is not None and wanted.needs_asking(session):
            if request.method != "POST" or "confirm" not in sent:
                return await self._ask(request, wanted, sent)
            await self._surface.require_own(request)
            await self._surface.require_token(request, sent.get(csrf.FIELD, ""))
        if session is not None:
            await self._logout.end(session)
        return self._signed_out(request, wanted.return_to)

    async def _ask(self, request: Request, wanted: LogoutRequest, sent: dict[str, str]) -> Response:
        session = await self._surface.session(request)
        assert session is not None
        fields = {name: sent[name] for name in _LOGOUT_PARAMETERS if sent.get(name)}
        fields[csrf.FIELD] = session.csrf
        locale = self._surface.texts(request).locale
        return logout_page(
            request,
            "/end-session",
            fields,
            client_name=wanted.client.display_name(locale) if wanted.client else "",
            leads_elsewhere=wanted.return_to is not None,
        )

    def _signed_out(self, request: Request, return_to: str | None) -> Response:
        response = RedirectResponse(return_to, 303) if return_to else go("/signed-out")
        cookie = session_cookie_name(self._surface.settings.secure)
        if cookie in request.cookies:
            self._surface.forget_cookie(response, cookie)
        return response

    def _is_cookieless_post(self, request: Request) -> bool:
        """A POST from a client's page comes without our Lax cookies: it tells nothing of who is signed in here. The GET
        that follows brings them."""
        settings = self._surface.settings
        ours = {session_cookie_name(settings.secure), csrf.browser_cookie_name(settings)}
        return request.method == "POST" and ours.isdisjoint(request.cookies)

    def _answer(self, request: Request, outcome: Outcome) -> ASGIApp:
        if isinstance(outcome, Respond):
            return self._respond(request, outcome)
        page = "/sign-in" if isinstance(outcome, SignInNeeded) else "/consent"
        assert isinstance(outcome, SignInNeeded | ConsentNeeded)
        return self._remembering(request, go(page, interaction=outcome.interaction))

    def _respond(self, request: Request, outcome: Respond) -> ASGIApp:
        if outcome.mode == "form_post":
            return form_post_page(request, outcome.redirect_uri, outcome.parameters)
        # 303, never 307: what the person typed must not travel on (RFC 9700 §4.12).
        return Answer(303, [(b"location", _with_query(outcome.redirect_uri, outcome.parameters.items()).encode())])

    def _remembering(self, request: Request, response: Response) -> Response:
        csrf.remember_browser(request, response, self._surface.settings)
        return response


async def _parameters(request: Request) -> list[tuple[str, str]]:
    if request.method == "POST":
        return await read_pairs(request)
    return parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)


def _with_query(address: str, parameters: Iterable[tuple[str, str]]) -> str:
    """The redirect URI, to the letter, with the answer added to its own query (RFC 6749 §3.1.2)."""
    separator = "" if address.endswith(("?", "&")) else "&" if "?" in address else "?"
    return f"{address}{separator}{urlencode(list(parameters))}"
