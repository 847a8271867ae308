"""志愿服务, 2009: HTTP Basic (RFC 7617). There is no login page; the browser asks by itself."""

import base64
import binascii
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from demo.legacy.accounts import Account, Outcome
from demo.legacy.system import LegacySystem, today

_SERVICES = (
    ("文明交通劝导", "溪头镇十字街口", 4, 2.0),
    ("独居老人探访", "云溪村", 11, 3.0),
    ("河道保洁", "清溪下洋段", 19, 4.5),
)


class Zhiyuan(LegacySystem):
    slug = "zhiyuan"
    title = "志愿服务"
    quirk = "HTTP Basic:没有登录页,浏览器自己弹窗"
    login_path = "/"

    def routes(self) -> Sequence[BaseRoute]:
        return Route("/", self._home), Route("/logout", self._sign_out)

    async def _home(self, request: Request) -> Response:
        """Every request brings the password again, so every request is an attempt."""
        credentials = _credentials(request.headers.get("authorization", ""))
        if credentials is None:
            return self._challenge("需要登录")
        outcome, account = self.accounts.sign_in(*credentials)
        if account is None:
            return self._refusal(outcome)
        return self._services(account)

    async def _sign_out(self, request: Request) -> Response:
        """A browser forgets a Basic password only when a 401 answers it."""
        return self._challenge("您已退出登录")

    def _services(self, account: Account) -> Response:
        services = [(what, place, today(-days), hours) for what, place, days, hours in _SERVICES]
        return self.page("index.html", account=account, services=services, hours=sum(one[3] for one in services))

    def _refusal(self, outcome: Outcome) -> Response:
        if outcome is Outcome.LOCKED:
            return self.page("refused.html", status=403, message="账号已锁定,请10分钟后再试")
        return self._challenge("用户名或密码错误")

    def _challenge(self, message: str) -> Response:
        response = self.page("refused.html", status=401, message=message)
        response.headers["WWW-Authenticate"] = 'Basic realm="Qingxi Volunteers", charset="UTF-8"'
        return response


def _credentials(header: str) -> tuple[str, str] | None:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        login, colon, password = base64.b64decode(token.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (login, password) if colon else None
