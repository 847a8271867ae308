"""The headers that make a browser refuse what our pages never need.

Pure ASGI and last to touch an answer. A page that needs another value (a consent form whose redirect leads to
the client) sets the header itself; what is already there is never overwritten.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.settings import Settings

_HSTS = "max-age=63072000"
_FEATURES = ("camera", "geolocation", "microphone", "payment", "usb", "browsing-topics")


def content_security_policy(form_targets: Iterable[str] | None = ()) -> str:
    """No inline script or style, nothing from elsewhere, no framing.

    Chromium applies `form-action` to every redirect that follows a form, so a page whose form ends at a client
    lists that client's addresses in `form_targets`. None leaves the directive out: for the page of the form_post
    response mode, whose only form goes to the client, which then redirects as it likes.
    """
    directives = [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
    if form_targets is not None:
        directives.append(" ".join(["form-action 'self'", *sorted(_sources(form_targets))]))
    return "; ".join(directives)


def _sources(addresses: Iterable[str]) -> set[str]:
    """Each address as a CSP source: the origin of an http(s) address, the scheme of an app's own (RFC 8252 §7.1)."""
    sources = set()
    for address in addresses:
        parts = urlsplit(address)
        if parts.scheme in ("http", "https"):
            sources.add(f"{parts.scheme}://{parts.netloc}")
        elif parts.scheme:
            sources.add(f"{parts.scheme}:")
    return {source for source in sources if not set(source) & set(" ;,'\"\r\n")}


class SecurityHeaders:
    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._defaults = {
            "content-security-policy": content_security_policy(),
            "x-frame-options": "DENY",
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cross-origin-resource-policy": "same-origin",
            "permissions-policy": ", ".join(f"{feature}=()" for feature in _FEATURES),
            # Pages, tokens and errors alike are for one person at one moment; static files say otherwise themselves.
            "cache-control": "no-store",
        }
        if settings.secure:
            self._defaults["strict-transport-security"] = _HSTS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def decorated(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._defaults.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, decorated)
