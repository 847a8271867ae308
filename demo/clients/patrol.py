"""网格巡查: a single-page application (oidc-client-ts) and the small server that hands out its files."""

from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

BUILT = Path(__file__).parent / "spa" / "built"


class Patrol:
    """A public client under the strict policy: PKCE, rotating refresh tokens, nothing secret in the browser."""

    slug = "xuncha"
    title = "网格巡查"

    def __init__(self, origin: str, issuer: str, client_id: str) -> None:
        self.origin = origin
        # Tokens live in this page: it loads only its own files and talks to nobody but the provider.
        self._policy = (
            f"default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self' {issuer}; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        self._config = {"issuer": issuer, "client_id": client_id, "redirect_uri": f"{origin}/callback", "home": origin}
        self.app: ASGIApp = Starlette(
            routes=[
                Route("/config.json", self._configuration),
                *(Route(path, self._page) for path in ("/", "/login", "/callback")),
                Mount("/", StaticFiles(directory=BUILT, check_dir=False)),
            ]
        )

    @staticmethod
    def registration(origin: str, client_id: str) -> dict[str, Any]:
        return {
            "client_id": client_id,
            "name": {"zh": Patrol.title, "en": "Grid Patrol"},
            "policy": "strict",
            "owner": "qx-zf",
            "application_type": "web",
            "token_endpoint_auth_method": "none",
            "redirect_uris": [f"{origin}/callback"],
            "post_logout_redirect_uris": [f"{origin}/"],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid profile organization",
        }

    async def _configuration(self, _request: Request) -> Response:
        return JSONResponse(self._config, headers={"cache-control": "no-store"})

    async def _page(self, _request: Request) -> Response:
        headers = {
            "cache-control": "no-cache",
            "content-security-policy": self._policy,
            "referrer-policy": "no-referrer",
        }
        return FileResponse(BUILT / "index.html", headers=headers)
