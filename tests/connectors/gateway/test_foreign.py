"""Requests that another site's page makes in this browser (CSRF), the gateway at a port of its own or not."""

import pytest
from starlette.requests import Request

from connectors.errors import ConnectorError
from connectors.gateway.wire.foreign import require_own

LINK = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
FRAME = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}
FETCH = {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}
PORTS = pytest.mark.parametrize(
    "own", ["http://oa.localhost:8001", "https://oa.gw.example", "https://oa.gw.example:8443"]
)


def made(method: str, **headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": method, "headers": raw, "path": "/", "query_string": b""})


@PORTS
@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", LINK | {"sec-fetch-site": "none"}),
        ("POST", LINK | {"sec-fetch-site": "same-origin"}),
        ("POST", FETCH | {"sec-fetch-site": "same-origin"}),
        ("GET", LINK | {"sec-fetch-site": "same-site"}),
        ("GET", LINK | {"sec-fetch-site": "cross-site"}),
        ("GET", {}),
        ("POST", {"origin": "OWN"}),
        ("POST", {"referer": "OWN/page"}),
        ("POST", {}),
    ],
)
def test_what_the_systems_own_page_or_a_person_does_passes(own: str, method: str, headers: dict[str, str]) -> None:
    require_own(made(method, **{name: value.replace("OWN", own) for name, value in headers.items()}), own)


@PORTS
@pytest.mark.parametrize(
    ("method", "headers"),
    [
        # A sibling gateway host, and the portal at its own port, are the same site to a browser.
        ("POST", LINK | {"sec-fetch-site": "same-site"}),
        ("GET", FRAME | {"sec-fetch-site": "same-site"}),
        ("GET", FETCH | {"sec-fetch-site": "same-site"}),
        ("HEAD", LINK | {"sec-fetch-site": "same-site"}),
        ("POST", LINK | {"sec-fetch-site": "cross-site"}),
        ("GET", FETCH | {"sec-fetch-site": "cross-site"}),
        ("GET", {"sec-fetch-site": "same-origin", "service-worker": "script"}),
        ("GET", {"sec-fetch-site": "same-origin", "sec-fetch-dest": "serviceworker"}),
        ("POST", {"origin": "http://pay.localhost:8001"}),
        ("POST", {"origin": "http://oa.localhost:8000"}),
        ("POST", {"origin": "http://oa.localhost:80011"}),
        ("POST", {"origin": "null"}),
        ("POST", {"referer": "http://oa.localhost:8001.evil.example/"}),
        ("POST", {"referer": "http://oa.localhost:8001@evil.example/"}),
    ],
)
def test_what_another_origins_page_does_is_stopped(own: str, method: str, headers: dict[str, str]) -> None:
    with pytest.raises(ConnectorError, match="ERR-FOREIGN"):
        require_own(made(method, **headers), own)
