"""农家书屋, 2013: PHP pages whose script puts md5(md5(password) + salt) into the password field before it is sent."""

import hashlib
import json
import secrets
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from demo.legacy.accounts import Outcome
from demo.legacy.sessions import Sessions
from demo.legacy.system import LegacySystem, today

_LOANS = (
    ("水稻病虫害防治图谱", "李阿根", -12, "借出"),
    ("农村电商实用手册", "周美芳", -9, "借出"),
    ("三字经(注音版)", "吴小雨", -20, "已还"),
    ("柑橘栽培技术问答", "徐建平", -31, "超期"),
)


def salted(password: str, salt: str) -> str:
    """What reaches the server: lower-case hex."""
    return _md5(_md5(password) + salt)


class Nongjia(LegacySystem):
    slug = "nongjia"
    title = "农家书屋"
    quirk = "提交前脚本把密码换成加盐的 MD5"
    login_path = "/login.php"
    home_path = "/index.php"

    def __init__(self, origin: str) -> None:
        self._sessions = Sessions("PHPSESSID")
        super().__init__(origin)

    def routes(self) -> Sequence[BaseRoute]:
        return (
            Route("/", self._home),
            Route("/index.php", self._home),
            Route("/login.php", self._login_page),
            Route("/login.php", self._sign_in, methods=["POST"]),
            Route("/logout.php", self._sign_out),
        )

    async def _login_page(self, request: Request) -> Response:
        salt = secrets.token_hex(8)
        response = self.page("login.html", salt=salt)
        session = self._sessions.of(request) or self._sessions.open(response)
        session.notes["salt"] = salt
        return response

    async def _sign_in(self, request: Request) -> Response:
        form = await request.form()
        session = self._sessions.of(request)
        salt = session.notes.pop("salt", "") if session else ""
        if not salt:
            return _alert("页面已过期,请重新登录!", "login.php")
        login, secret = str(form.get("username", "")), str(form.get("password", ""))
        outcome, account = self.accounts.sign_in(login, secret, lambda password: salted(password, salt))
        if account is None:
            locked = outcome is Outcome.LOCKED
            return _alert("该账号已被锁定,请10分钟后再试!" if locked else "用户名或密码错误!", "login.php")
        response = HTMLResponse("<script>location.href='index.php';</script>")
        self._sessions.open(response, account)
        return response

    async def _home(self, request: Request) -> Response:
        account = self._sessions.account_of(request)
        if account is None:
            return self.redirect("login.php")
        loans = [(title, reader, today(days), state) for title, reader, days, state in _LOANS]
        return self.page("index.html", account=account, loans=loans)

    async def _sign_out(self, request: Request) -> Response:
        response = self.redirect("login.php")
        self._sessions.close(request, response)
        return response


def _alert(message: str, target: str) -> Response:
    return HTMLResponse(f"<script>alert({json.dumps(message, ensure_ascii=False)});location.href='{target}';</script>")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
