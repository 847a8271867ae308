"""村务公开: a web application that signs people in with Authlib's own Starlette client."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.base_client import OAuthError
from authlib.integrations.starlette_client import OAuth
from jinja2 import Environment, FileSystemLoader
from joserfc.errors import JoseError
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
_UNFINISHED = "登录没有完成"
_NO_ANSWER = "统一登录没有应答"


class OpenAffairs:
    """A confidential client: client_secret_basic, code flow with PKCE and nonce, RP-initiated logout."""

    slug = "cunwu"
    title = "村务公开"

    def __init__(self, origin: str, issuer: str, client_id: str, client_secret: str) -> None:
        self.origin = origin
        self._issuer = issuer
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
        if person is not None:
            return self._page("affairs.html", person=person, notices=_NOTICES)
        return self._page("affairs_public.html", notices=_NOTICES, left=await self._has_left(request))

    async def _has_left(self, request: Request) -> bool:
        """Whether the provider has just brought the person back from signing out, with the state sent there."""
        if "state" not in request.query_params:
            return False
        try:
            await self._oauth.yimen.validate_logout_response(request)
        except OAuthError:
            return False
        return True

    async def _login(self, request: Request) -> Response:
        """Also where the provider starts a sign-in: `iss`, `login_hint` and `target_link_uri` of OIDC Core §4."""
        asked = request.query_params
        if asked.get("iss", self._issuer) != self._issuer:
            return self._problem("只接受一门发起的登录", "unknown_issuer", 400)
        target = self._own_address(asked.get("target_link_uri"))
        if request.session.get("person"):
            return RedirectResponse(target, 303)
        request.session["target"] = target
        extra = {"login_hint": hint} if (hint := asked.get("login_hint")) else {}
        try:
            response: Response = await self._oauth.yimen.authorize_redirect(request, f"{self.origin}/callback", **extra)
        except httpx.HTTPError as error:
            return self._problem(_NO_ANSWER, type(error).__name__, 502)
        return response

    def _own_address(self, target: str | None) -> str:
        """Where to go after sign-in: never to another site (OIDC Core §4 warns of open redirectors)."""
        home = f"{self.origin}/"
        return target if target and target.startswith(home) else home

    async def _callback(self, request: Request) -> Response:
        # RFC 9207 §2.4: an answer from anybody else is not even read.
        if request.query_params.get("iss") != self._issuer:
            return self._problem(_UNFINISHED, "mismatching_issuer", 400)
        try:
            token = await self._oauth.yimen.authorize_access_token(request)
        except AuthlibBaseError as error:
            return self._problem(_UNFINISHED, error.error or "oauth_error", 400, error.description or "")
        except JoseError as error:
            return self._problem(_UNFINISHED, error.error, 400, error.description)
        except httpx.HTTPError as error:
            return self._problem(_NO_ANSWER, type(error).__name__, 502)
        target = request.session.get("target", f"{self.origin}/")
        # A new sign-in takes nothing over from what the browser held before.
        request.session.clear()
        request.session["person"] = self._person(token["userinfo"])
        request.session["id_token"] = token["id_token"]
        return RedirectResponse(target, 303)

    @staticmethod
    def _person(claims: Mapping[str, Any]) -> dict[str, Any]:
        posts = [f"{post['organization_name']} {post['title']}" for post in claims.get("posts") or []]
        return {"name": claims.get("name") or claims["sub"], "posts": posts}

    async def _logout(self, request: Request) -> Response:
        """Here first, then at the provider (OIDC RP-Initiated Logout §2); signed out here whatever it answers."""
        hint = request.session.get("id_token")
        request.session.clear()
        try:
            response: Response = await self._oauth.yimen.logout_redirect(request, f"{self.origin}/", hint)
        except httpx.HTTPError as error:
            return self._problem("已退出村务公开，但统一登录没有应答", type(error).__name__, 502)
        return response

    def _problem(self, text: str, code: str, status: int, detail: str = "") -> Response:
        return self._page("affairs_problem.html", status, text=text, code=code, detail=detail)

    def _page(self, template: str, status: int = 200, **context: Any) -> Response:
        return HTMLResponse(_PAGES.get_template(template).render(title=self.title, **context), status)
