"""Forms are answered only when our own page made them.

Two independent signs: the browser's own word (Sec-Fetch-Site, else Origin), and a token that belongs to the
session, or, before there is one, to the browser's cookie. The gateway's hosts are the same *site* as ours, so
SameSite cookies alone do not keep a hostile legacy page out.
"""

import hmac
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response

from core.errors import YimenError
from core.identifiers import new_token
from core.settings import Settings

FIELD = "csrf"
_BROWSER_COOKIE = "yimen-browser"
_PURPOSE = b"yimen csrf before sign-in"
_YEAR_SECONDS = 365 * 24 * 3600


class CsrfError(YimenError):
    status = 403


def browser_cookie_name(settings: Settings) -> str:
    return f"__Host-{_BROWSER_COOKIE}" if settings.secure else _BROWSER_COOKIE


def browser_of(request: Request, settings: Settings) -> str:
    """The browser's binding value: from its cookie, or a new one that `remember_browser` puts on the answer."""
    known: str | None = request.cookies.get(browser_cookie_name(settings)) or getattr(request.state, "browser", None)
    if not known:
        known = new_token()
        request.state.browser = known
    return known


def remember_browser(request: Request, response: Response, settings: Settings) -> None:
    value = getattr(request.state, "browser", None)
    if value:
        response.set_cookie(
            browser_cookie_name(settings),
            value,
            max_age=_YEAR_SECONDS,
            path="/",
            secure=settings.secure,
            httponly=True,
            samesite="lax",
        )


def browser_token(browser: str) -> str:
    """The form token of a browser without a session: nobody who cannot read the cookie can make it."""
    return hmac.new(browser.encode(), _PURPOSE, sha256).hexdigest()


def check_origin(request: Request, settings: Settings) -> None:
    """Raises ERR-CSRF when the browser says that the request comes from somebody else's page."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site not in (None, "same-origin", "none"):
        raise CsrfError("ERR-CSRF", f"the form was sent from a page that is {site}")
    # Under our own `Referrer-Policy: no-referrer`, browsers say "null": that tells nothing (Fetch §3.2).
    if site is None and origin not in (None, "null", settings.issuer):
        raise CsrfError("ERR-CSRF", "the form was sent from another origin")


def check_token(sent: str, expected: str) -> None:
    """Raises ERR-CSRF unless the form carries the token of this session or browser."""
    if not sent or not hmac.compare_digest(sent.encode(), expected.encode()):
        raise CsrfError("ERR-CSRF", "the form's token is missing or stale")
