"""农房管理, 2005: ASP pages in GBK inside framesets. Account names are the people's names, in Chinese."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from demo.legacy.accounts import Outcome
from demo.legacy.people import Person
from demo.legacy.sessions import Sessions
from demo.legacy.system import LegacySystem, today

# GB 18030 writes what GBK has with the same bytes, and never fails.
_CHARSET = "gb18030"
_HOUSES = (
    ("云溪村 12 号", "李阿根", "砖木", "C级", -40),
    ("云溪村 37 号", "何春兰", "土木", "D级", -33),
    ("下洋村 5 号", "徐建平", "砖混", "B级", -21),
    ("前岙村 20 号", "吴金水", "砖混", "A级", -8),
)
_REFUSALS = {
    Outcome.REFUSED: "用户名或密码错误!",
    Outcome.LOCKED: "该用户已被锁定,请10分钟后再试!",
}


class Nongfang(LegacySystem):
    slug = "nongfang"
    title = "农房管理"
    quirk = "GBK 编码,框架页里登录,账号是汉字"
    login_path = "/login.asp"
    home_path = "/main.asp"

    def __init__(self, origin: str) -> None:
        self._sessions = Sessions("ASPSESSIONIDQCTTBRDA")
        super().__init__(origin)

    def login_of(self, person: Person) -> str:
        return person.name

    def routes(self) -> Sequence[BaseRoute]:
        return (
            Route("/", self._first),
            Route("/login.asp", self._login_page),
            Route("/chklogin.asp", self._sign_in, methods=["POST"]),
            Route("/main.asp", self._frames),
            Route("/top.asp", self._top),
            Route("/list.asp", self._list),
            Route("/logout.asp", self._sign_out),
        )

    def page(self, template: str, *, status: int = 200, **context: Any) -> Response:
        """The header names no charset: only the page's own meta does."""
        content = self.text(template, **context).encode(_CHARSET)
        return Response(content, status, {"Content-Type": "text/html", "Cache-Control": "private"})

    async def _first(self, request: Request) -> Response:
        return self.page("frames.html", frame="login.asp")

    async def _frames(self, request: Request) -> Response:
        if self._sessions.account_of(request) is None:
            return self.redirect("login.asp")
        return self.page("frames.html", frame="list.asp")

    async def _top(self, request: Request) -> Response:
        return self.page("top.html", account=self._sessions.account_of(request))

    async def _login_page(self, request: Request) -> Response:
        return self.page("login.html")

    async def _sign_in(self, request: Request) -> Response:
        form = _form(await request.body())
        outcome, account = self.accounts.sign_in(form.get("yhm", ""), form.get("mm", ""))
        if account is None:
            return self.page("moved.html", message=_REFUSALS[outcome], target="/login.asp", window="self")
        response = self.page("moved.html", message="", target="/main.asp", window="top")
        self._sessions.open(response, account)
        return response

    async def _list(self, request: Request) -> Response:
        account = self._sessions.account_of(request)
        if account is None:
            return self.redirect("login.asp")
        houses = [(house, owner, built, grade, today(days)) for house, owner, built, grade, days in _HOUSES]
        return self.page("list.html", account=account, houses=houses)

    async def _sign_out(self, request: Request) -> Response:
        response = self.page("moved.html", message="", target="/", window="top")
        self._sessions.close(request, response)
        return response


def _form(body: bytes) -> Mapping[str, str]:
    """The body is ASCII, but what is percent-encoded in it is GBK."""
    fields = parse_qs(body.decode("latin-1"), keep_blank_values=True, encoding=_CHARSET, errors="replace")
    return {name: values[0] for name, values in fields.items()}
