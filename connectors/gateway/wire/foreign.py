"""Requests that another site's page has made in this browser (CSRF).

Gateway hosts are one *site* to a browser, so SameSite keeps no hostile legacy page out of the others: this does. The
hosts of one system are not foreign to each other: its form may lead from one to the next.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request

from connectors.errors import ConnectorError

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def require_own(request: Request, own_origins: Collection[str]) -> None:
    """Raises ERR-FOREIGN. `own_origins` are the gateway hosts of the system that is asked for. Following a link from
    elsewhere is allowed; sending a form, framing, or loading a part of the page is not. No page may put a service
    worker between this browser and the gateway.
    """
    if request.headers.get("service-worker") is not None or request.headers.get("sec-fetch-dest") == "serviceworker":
        raise ConnectorError("ERR-FOREIGN", "a service worker", status=403)
    site = request.headers.get("sec-fetch-site")
    if site is None:
        _require_own_unaided(request, own_origins)
    elif (
        site not in ("same-origin", "none") and not _follows_link(request) and not _is_of_sibling(request, own_origins)
    ):
        raise ConnectorError("ERR-FOREIGN", f"the request is {site[:20]}", status=403)


def _follows_link(request: Request) -> bool:
    headers = request.headers
    return (
        request.method == "GET"
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )


def _is_of_sibling(request: Request, own_origins: Collection[str]) -> bool:
    """From another host of the same system. A browser says so itself: no page can write its Origin field."""
    origin = _origin_of(request)
    return request.headers.get("sec-fetch-site") == "same-site" and origin is not None and origin in own_origins


def _require_own_unaided(request: Request, own_origins: Collection[str]) -> None:
    """For browsers without Fetch Metadata: what they say of where the request comes from must be this host."""
    origin = _origin_of(request)
    if origin is not None and origin not in own_origins:
        raise ConnectorError("ERR-FOREIGN", "the request comes from another origin", status=403)


def sender_of(connection: HTTPConnection) -> str | None:
    """The origin of the page that asks, as the browser says it; None where it does not."""
    origin = connection.headers.get("origin")
    referer = connection.headers.get("referer")
    if origin is not None or referer is None:
        return origin
    try:
        parts = urlsplit(referer)
    except ValueError:
        return "null"
    return f"{parts.scheme}://{parts.netloc}"


def _origin_of(request: Request) -> str | None:
    """The same; None also where nothing was to be done, and the browser only says which page led here."""
    return request.headers.get("origin") if request.method in _SAFE_METHODS else sender_of(request)
