"""`yimen forms detect` on pages that are odd, hostile or only half a login."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.web.cli.conftest import Yimen

FIRST_STEP = (
    '<form action="/next" method="post"><label>用户名 <input name="user"></label><button>下一步</button></form>'
)


@pytest.fixture
def legacy() -> Iterator[str]:
    """The address of a system whose every page asks for the user name first."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(FIRST_STEP.encode())

        def log_message(self, format: str, *args: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/login"
    server.shutdown()
    thread.join()
    server.server_close()


async def test_a_page_that_asks_for_the_user_name_alone_is_told_to_be_the_first_of_two_steps(
    yimen: Yimen, legacy: str
) -> None:
    for arguments in (("-",), (legacy, "--allow", "127.0.0.0/8")):
        status, said, _ = await yimen("forms", "detect", *arguments, "--json", given=FIRST_STEP)
        told = json.loads(said)
        assert (status, told["first_of_two_steps"], told["password"]) == (0, True, None)
        assert (told["username"]["name"], told["username"]["label"]) == ("user", "用户名")
        assert (told["submit"]["label"], told["method"]) == ("下一步", "POST")
        assert told["action"].endswith("/next")


async def test_a_whole_login_is_no_first_step_and_a_search_is_nothing(yimen: Yimen) -> None:
    login = '<form><input name="user"><input type="password" name="pw"><button>登录</button></form>'
    _, said, _ = await yimen("forms", "detect", "-", "--json", given=login)
    assert json.loads(said)["first_of_two_steps"] is False
    search = '<form><input name="q" placeholder="搜索"><button>搜索</button></form>'
    status, _, complained = await yimen("forms", "detect", "-", given=search)
    assert (status, "ERR-FORMS: there is no login form" in complained) == (1, True)


async def test_a_page_of_a_size_that_no_login_page_has_is_refused(yimen: Yimen) -> None:
    status, _, complained = await yimen("forms", "detect", "-", given="<p>密码</p>" * 200_000)
    assert (status, "ERR-FORMS: -: larger than 2 MiB" in complained) == (1, True)


async def test_a_form_that_leads_to_another_origin_is_warned_of(yimen: Yimen) -> None:
    """The gateway fills in nothing there before that origin is approved for the system."""
    fields = '用户名<input name="u">密码<input type="password" name="p"><button>登录</button>'
    page = f'<form action="http://localhost:81/check" method="post">{fields}</form>'
    status, said, _ = await yimen("forms", "detect", "-", given=page)
    assert status == 0
    assert "further_origins" in said
