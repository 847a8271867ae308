"""警钟, 2017: a captcha that a person reads, and after signing in a WebSocket that brings alarms."""

import asyncio
import hmac
from collections import deque
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from demo.legacy.accounts import Outcome
from demo.legacy.captcha import new_answer, picture_of
from demo.legacy.people import Person
from demo.legacy.sessions import Session, Sessions
from demo.legacy.system import LegacySystem, now

_ALARMS = (
    ("一级", "溪头镇沿河路 18 号沿街店铺", "烟感报警"),
    ("二级", "云溪村养老服务中心", "消防水压不足"),
    ("三级", "下洋村竹制品加工点", "电气线路温度偏高"),
)
_REFUSALS = {
    Outcome.REFUSED: "用户名或密码不正确",
    Outcome.LOCKED: "账户已被锁定,请10分钟后再试",
}


class Jingzhong(LegacySystem):
    slug = "jingzhong"
    title = "警钟"
    quirk = "图片验证码由本人输入;登录后用 WebSocket 推送警情"
    login_path = "/login.do"
    home_path = "/index.do"

    def __init__(self, origin: str) -> None:
        self._sessions = Sessions("JSESSIONID")
        self._listeners: set[WebSocket] = set()
        self.captchas: deque[str] = deque(maxlen=20)
        """What the newest pictures showed, for tests that stand in for the person who reads them."""
        super().__init__(origin)

    def login_of(self, person: Person) -> str:
        return person.number

    def routes(self) -> Sequence[BaseRoute]:
        return (
            Route("/", self._home),
            Route("/login.do", self._login_page),
            Route("/login.do", self._sign_in, methods=["POST"]),
            Route("/captcha.do", self._captcha),
            Route("/index.do", self._home),
            Route("/logout.do", self._sign_out),
            WebSocketRoute("/ws/alarm", self._alarms),
        )

    async def ring(self, place: str, what: str) -> None:
        """Sends one more alarm to everyone who listens."""
        listeners = tuple(self._listeners)
        await asyncio.gather(*(one.send_json(_alarm("一级", place, what)) for one in listeners))

    async def _login_page(self, request: Request) -> Response:
        return self._form(self._sessions.of(request))

    async def _captcha(self, request: Request) -> Response:
        """A new picture takes the old one's place."""
        answer = new_answer()
        response = Response(picture_of(answer), media_type="image/png", headers={"Cache-Control": "no-store"})
        session = self._sessions.of(request) or self._sessions.open(response)
        session.notes["captcha"] = answer
        self.captchas.append(answer)
        return response

    async def _sign_in(self, request: Request) -> Response:
        form = await request.form()
        login, password, typed = (str(form.get(name, "")) for name in ("j_username", "j_password", "validateCode"))
        session = self._sessions.of(request)
        answer = session.notes.pop("captcha", "") if session else ""
        if not answer or not hmac.compare_digest(answer.lower().encode(), typed.strip().lower().encode()):
            self.accounts.note_wrong_captcha(login, password)
            return self._form(session, "验证码错误", login)
        outcome, account = self.accounts.sign_in(login, password)
        if account is None:
            return self._form(session, _REFUSALS[outcome], login)
        response = self.redirect("index.do")
        self._sessions.open(response, account)
        return response

    async def _home(self, request: Request) -> Response:
        account = self._sessions.account_of(request)
        if account is None:
            return self.redirect("login.do")
        return self.page("index.html", account=account)

    async def _sign_out(self, request: Request) -> Response:
        response = self.redirect("login.do")
        self._sessions.close(request, response)
        return response

    async def _alarms(self, socket: WebSocket) -> None:
        """As Spring does it: a page of another origin may not listen, and neither may who has not signed in."""
        own = f"://{socket.headers.get('host', '')}"
        if self._sessions.account_of(socket) is None or not socket.headers.get("origin", "").endswith(own):
            await socket.close(1008)
            return
        await socket.accept()
        for alarm in _ALARMS:
            await socket.send_json(_alarm(*alarm))
        self._listeners.add(socket)
        try:
            while socket.application_state is WebSocketState.CONNECTED:
                await socket.receive_text()
                await socket.send_json({"type": "heartbeat"})
        except WebSocketDisconnect:
            pass
        finally:
            self._listeners.discard(socket)

    def _form(self, session: Session | None, error: str = "", login: str = "") -> Response:
        response = self.page("login.html", error=error, login=login)
        if session is None:
            self._sessions.open(response)
        return response


def _alarm(level: str, place: str, what: str) -> dict[str, str]:
    return {"type": "alarm", "level": level, "place": place, "what": what, "time": now()}
