"""村务公开: a web application that signs people in with Authlib's own Starlette client."""

import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from authlib.integrations.base_client import OAuthError
from authlib.integrations.starlette_client import OAuth
from jinja2 import Environment, FileSystemLoader
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

_PAGES = Environment(loader=FileSystemLoader(Path(__file__).parent / "pages"), autoescape=True)
_NOTICES = (
    ("村级财务收支（三季度）", "村务监督委员会", "已公示"),
    ("低保复核名单", "民政专员", "公示中"),
    ("宅基地审批结果", "村委会", "已公示"),
    ("环境整治用工补贴", "村委会", "公示中"),
)


class OpenAffairs:
    """A confidential client: client_secret_basic, code flow with PKCE and nonce, RP-initiated logout."""

    slug = "cunwu"
    title = "村务公开"

    def __init__(self, origin: str, issuer: str, client_id: str, client_secret: str) -> None:
        self.origin = origin
        self._oauth = OAuth()
        self._oauth.register(
            "yimen",
            client_id=client_id,
            client_secret=client_secret,
            server_metadata_url=f"{issuer}/.well-known/openid-configuration",
            client_kwargs={"scope": "openid profile organization", "code_challenge_method": "S256"},
        )
        self.app: ASGIApp = Starlette(
            routes=[
                Route("/", self._home),
                Route("/login", self._login),
                Route("/callback", self._callback),
                Route("/logout", self._logout),
            ],
            # Cookies do not know ports: the name is this application's own.
            middleware=[
                Middleware(
                    SessionMiddleware, secret_key=secrets.token_hex(32), session_cookie="cunwu", https_only=False
                )
            ],
        )

    @staticmethod
    def registration(origin: str, client_id: str, client_secret: str) -> dict[str, Any]:
        """The client as `yimen apply` takes it."""
        return {
            "client_id": client_id,
            "client_secret": client_secret,
            "name": {"zh": OpenAffairs.title, "en": "Village Affairs"},
            "policy": "oidc",
            "owner": "qx-nn",
            "redirect_uris": [f"{origin}/callback"],
            "post_logout_redirect_uris": [f"{origin}/"],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid profile email organization",
        }

    async def _home(self, request: Request) -> Response:
        person = request.session.get("person")
        if person is None:
            return self._page("affairs_public.html", notices=_NOTICES)
        return self._page("affairs.html", person=person, notices=_NOTICES)

    async def _login(self, request: Request) -> Response:
        """Also where the provider starts a sign-in (OIDC Core §4)."""
        if request.session.get("person"):
            return RedirectResponse("/", 303)
        extra = {"login_hint": hint} if (hint := request.query_params.get("login_hint")) else {}
        try:
            response: Response = await self._oauth.yimen.authorize_redirect(request, f"{self.origin}/callback", **extra)
        except (httpx.HTTPError, OAuthError) as error:
            return self._page("affairs_problem.html", 502, code=type(error).__name__, text="统一登录没有应答")
        return response

    async def _callback(self, request: Request) -> Response:
        try:
            token = await self._oauth.yimen.authorize_access_token(request)
        except OAuthError as error:
            return self._page("affairs_problem.html", 400, code=error.error, text="登录没有完成")
        person = token["userinfo"]
        posts = [f"{post['organization_name']} {post['title']}" for post in person.get("posts") or []]
        request.session["person"] = {"name": person["name"], "posts": posts}
        request.session["id_token"] = token["id_token"]
        return RedirectResponse("/", 303)

    async def _logout(self, request: Request) -> Response:
        hint = request.session.get("id_token")
        request.session.clear()
        metadata = await self._oauth.yimen.load_server_metadata()
        query = {
            "id_token_hint": hint,
            "post_logout_redirect_uri": f"{self.origin}/",
            "state": secrets.token_urlsafe(8),
        }
        known = {name: value for name, value in query.items() if value}
        return RedirectResponse(f"{metadata['end_session_endpoint']}?{urlencode(known)}", 303)

    def _page(self, template: str, status: int = 200, **context: Any) -> Response:
        return HTMLResponse(_PAGES.get_template(template).render(title=self.title, **context), status)
