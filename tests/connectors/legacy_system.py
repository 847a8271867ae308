"""A small legacy system on a real socket: a GBK page, a salt, a hash in a hidden field, an answer with a large header
field, and a count of attempts."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from threading import Thread
from urllib.parse import parse_qs

import pytest

PAGE = """<html><head><meta charset="gb2312"></head><body><form name="f" action="/oa/logon.do" method="post">
帐号<input name="yhm">口令<input type="password" id="show"><input type="hidden" name="mm">
<input type="hidden" id="salt" value="{salt}">
<input type="hidden" name="token" value="t0k"><input type="submit" name="go" value="登录"></form></body></html>"""
CAPTCHA = """<form action="/oa/logon.do" method="post"><input name="yhm" placeholder="用户名">
<input type="password" name="mm">
<input name="yzm" placeholder="验证码"><img src="/captcha.jpg"><button>登录</button></form>"""


@dataclass
class LegacySystem:
    """Where it is, and what reached it."""

    origin: str
    password: str = "口令-Pa55"
    salt: str = "9f3a"
    attempts: list[dict[str, list[str]]] = field(default_factory=list)
    cookies: list[str] = field(default_factory=list)

    @property
    def expected(self) -> str:
        inner = hashlib.md5(self.password.encode()).hexdigest()
        return hashlib.md5((inner + self.salt).encode()).hexdigest()


def _handler(system: LegacySystem) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pages = {
                "/oa/login.jsp": PAGE.format(salt=system.salt).encode("gbk"),
                "/captcha": CAPTCHA.encode(),
                "/frames": b"<frameset><frame src='/top.html'><frame src='/oa/login.jsp'></frameset>",
                "/plain": "<h1>首页</h1>".encode(),
            }
            if self.path == "/":
                self._answer(302, b"", {"Location": "/oa/login.jsp"})
            elif self.path == "/circle":
                self._answer(302, b"", {"Location": "/circle"})
            else:
                body = pages.get(self.path, b"")
                self._answer(200, body, {"Content-Type": "text/html", "Set-Cookie": "SESSION=s1; Path=/; HttpOnly"})

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            fields = parse_qs(content.decode("ascii"), encoding="gbk", keep_blank_values=True)
            system.attempts.append(fields)
            system.cookies.append(self.headers.get("Cookie", ""))
            if fields.get("mm") == [system.expected] and fields.get("token") == ["t0k"]:
                self._answer(302, b"", {"Location": "/oa/main.jsp", "X-Rights": "r" * 60_000})
            else:
                self._answer(200, "<script>alert('口令错误');history.back()</script>".encode("gbk"), {})

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": "text/html; charset=gbk", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return None

    return Handler


@pytest.fixture
def legacy() -> Iterator[LegacySystem]:
    with running() as system:
        yield system


@contextmanager
def running(tls: SSLContext | None = None) -> Iterator[LegacySystem]:
    system = LegacySystem("")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(system))
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    system.origin = f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield system
    server.shutdown()
    thread.join()
    server.server_close()
