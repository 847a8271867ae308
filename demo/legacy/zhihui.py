"""智惠掌心, 2019: a Spring application. A plain form with a token per page, and redirects to absolute addresses."""

import hmac
import secrets
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from demo.legacy.accounts import Outcome
from demo.legacy.people import Person
from demo.legacy.sessions import Session, Sessions
from demo.legacy.system import LegacySystem

_REQUESTS = (
    ("2026110231", "云溪村", "村口路灯三盏不亮", "王晓雯", "处理中"),
    ("2026110229", "下洋村", "申请高龄津贴", "王晓雯", "待受理"),
    ("2026110224", "溪头社区", "楼道堆放杂物", "陈国强", "已办结"),
    ("2026110218", "云溪村", "水渠淤塞影响灌溉", "王晓雯", "已办结"),
)


class Zhihui(LegacySystem):
    slug = "zhihui"
    title = "智惠掌心"
    quirk = "表单带页面令牌,登录后跳转到绝对地址"
    home_path = "/index"

    def __init__(self, origin: str) -> None:
        self._sessions = Sessions("ZHSESSION")
        super().__init__(origin)

    def login_of(self, person: Person) -> str:
        return person.mobile

    def routes(self) -> Sequence[BaseRoute]:
        return (
            Route("/", self._first),
            Route("/login", self._login_page),
            Route("/login", self._sign_in, methods=["POST"]),
            Route("/index", self._home),
            Route("/logout", self._sign_out),
        )

    def redirect(self, path: str) -> Response:
        """`server.tomcat.use-relative-redirects` is off, as it was by default."""
        return RedirectResponse(self.origin + path, 302)

    async def _first(self, request: Request) -> Response:
        return self.redirect("/index" if self._sessions.account_of(request) else "/login")

    async def _login_page(self, request: Request) -> Response:
        return self._form(self._sessions.of(request))

    async def _sign_in(self, request: Request) -> Response:
        form = await request.form()
        session = self._sessions.of(request)
        token = session.notes.pop("csrf", "") if session else ""
        if session is None or not token or not hmac.compare_digest(token, str(form.get("_csrf", ""))):
            return self._form(session, "页面已失效,请重新登录", status=403)
        login, password = str(form.get("username", "")), str(form.get("password", ""))
        outcome, account = self.accounts.sign_in(login, password)
        if account is not None:
            response = self.redirect("/index")
            self._sessions.open(response, account)
            return response
        return self._form(session, self._refusal(login, outcome), login=login)

    async def _home(self, request: Request) -> Response:
        account = self._sessions.account_of(request)
        if account is None:
            return self.redirect("/login")
        return self.page("home.html", account=account, requests=_REQUESTS)

    async def _sign_out(self, request: Request) -> Response:
        response = self.redirect("/login")
        self._sessions.close(request, response)
        return response

    def _form(self, session: Session | None, error: str = "", *, status: int = 200, login: str = "") -> Response:
        token = secrets.token_urlsafe(24)
        response = self.page("login.html", status=status, token=token, error=error, login=login)
        if session is None:
            session = self._sessions.open(response)
        session.notes["csrf"] = token
        return response

    def _refusal(self, login: str, outcome: Outcome) -> str:
        if outcome is Outcome.LOCKED:
            return "账号已锁定,请10分钟后再试"
        return f"用户名或密码错误,还可尝试 {self.accounts.tries_left(login)} 次"
