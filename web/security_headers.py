"""The headers that make a browser refuse what our pages never need.

Pure ASGI and last to touch an answer. A page that needs another value (a consent form whose redirect leads to
the client) sets the header itself; what is already there is never overwritten.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FEATURES = ("camera", "geolocation", "microphone", "payment", "usb", "browsing-topics")


def content_security_policy(*, leads_elsewhere: bool = False) -> str:
    """No inline script or style, nothing from elsewhere, no framing, and forms that stay here.

    Chromium applies `form-action` to every redirect that follows a form. A page whose form `leads_elsewhere`, to a
    client that then redirects as it likes (to its single-page application, to the next broker), goes without it.
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
    if not leads_elsewhere:
        directives.append("form-action 'self'")
    return "; ".join(directives)


class SecurityHeaders:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        defaults = {
            "content-security-policy": content_security_policy(),
            "x-frame-options": "DENY",
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cross-origin-resource-policy": "same-origin",
            "permissions-policy": ", ".join(f"{feature}=()" for feature in _FEATURES),
            # Pages, tokens and errors alike are for one person at one moment; static files say otherwise themselves.
            "cache-control": "no-store",
        }
        self._defaults = [(name.encode(), value.encode()) for name, value in defaults.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def decorated(message: Message) -> None:
            if message["type"] == "http.response.start":
                # ASGI has the names in lower case.
                said = {name for name, _ in message["headers"]}
                ours = [(name, value) for name, value in self._defaults if name not in said]
                message = {**message, "headers": [*message["headers"], *ours]}
            await send(message)

        await self._app(scope, receive, decorated)
