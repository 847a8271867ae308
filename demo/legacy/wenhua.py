"""文化礼堂, 2021: a script draws the page. Its fields have neither name nor id; it signs in with JSON for a token."""

import json
import secrets
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from demo.legacy.accounts import Account, Outcome
from demo.legacy.system import LegacySystem, today

_ACTIVITIES = (
    ("云溪村文化礼堂", "重阳敬老文艺演出", 1, 126),
    ("下洋村文化礼堂", "越剧票友周末专场", 3, 80),
    ("石桥村文化礼堂", "少儿书法公益课", 5, 32),
    ("前岙村文化礼堂", "村晚节目报名", 9, 57),
)


class Wenhua(LegacySystem):
    slug = "wenhua"
    title = "文化礼堂"
    quirk = "页面由脚本生成,输入框没有名称,登录用 JSON 换取令牌"
    login_path = "/"

    def __init__(self, origin: str) -> None:
        self._tokens: dict[str, Account] = {}
        super().__init__(origin)

    def routes(self) -> Sequence[BaseRoute]:
        return (
            Route("/", self._shell),
            Route("/api/login", self._sign_in, methods=["POST"]),
            Route("/api/getInfo", self._person),
            Route("/api/activities", self._activities),
            Route("/api/logout", self._sign_out, methods=["POST"]),
        )

    async def _shell(self, request: Request) -> Response:
        return self.page("index.html")

    async def _sign_in(self, request: Request) -> Response:
        try:
            content = json.loads(await request.body())
            login, password = str(content["username"]), str(content["password"])
        except (ValueError, TypeError, KeyError):
            return _answer(500, "参数错误")
        outcome, account = self.accounts.sign_in(login, password)
        if account is None:
            return _answer(500, "账号已锁定,请10分钟后再试" if outcome is Outcome.LOCKED else "账号或密码错误")
        token = secrets.token_urlsafe(32)
        self._tokens[token] = account
        return _answer(200, "操作成功", {"token": token})

    async def _person(self, request: Request) -> Response:
        account = self._account(request)
        return _answer(200, "操作成功", {"name": account.name, "town": "溪头镇"}) if account else _expired()

    async def _activities(self, request: Request) -> Response:
        if self._account(request) is None:
            return _expired()
        rows = [
            {"id": index, "hall": hall, "title": title, "date": today(days), "people": people}
            for index, (hall, title, days, people) in enumerate(_ACTIVITIES, 1)
        ]
        return _answer(200, "操作成功", {"total": len(rows), "rows": rows})

    async def _sign_out(self, request: Request) -> Response:
        self._tokens.pop(_bearer(request), None)
        return _answer(200, "退出成功")

    def _account(self, request: Request) -> Account | None:
        return self._tokens.get(_bearer(request))


def _bearer(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ")


def _answer(code: int, message: str, content: dict[str, Any] | None = None) -> Response:
    """HTTP 200 whatever happened, with the verdict in the body: so does the framework this stands for."""
    return JSONResponse({"code": code, "msg": message} | ({"data": content} if content else {}))


def _expired() -> Response:
    return _answer(401, "登录状态已过期,请重新登录")
