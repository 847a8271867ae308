"""Refuses addresses that none of ours looks like, before anything reads them.

No path of ours has a control character and no field a NUL, which PostgreSQL cannot keep. Pure ASGI.
"""

import re

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from web.pages.answers import error_page

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# The protocol tells the client, or the person, what is wrong with a request in words of its own.
_JUDGES_ITSELF = frozenset({"/authorize", "/end-session"})


class PlainAddresses:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http":
            if _CONTROL.search(scope["path"]):
                app = error_page(Request(scope), "ERR-NOT_FOUND", 404)
            elif scope["path"] not in _JUDGES_ITSELF and (
                b"%00" in scope["query_string"] or b"\x00" in scope["query_string"]
            ):
                app = error_page(Request(scope), "ERR-FORM", 400)
        await app(scope, receive, send)
