"""The headers that make a browser refuse what our pages never need.

They stand on every answer of the portal (`web.request_context`), but for those that the answer has itself: a page that
needs another value (a consent form whose redirect leads to the client) says so.
"""

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


_DEFAULTS = {
    "content-security-policy": content_security_policy(),
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": ", ".join(f"{feature}=()" for feature in _FEATURES),
    # Pages, tokens and errors alike are for one person at one moment; static files say otherwise themselves.
    "cache-control": "no-store",
}
SECURITY_HEADERS = tuple((name.encode(), value.encode()) for name, value in _DEFAULTS.items())
