"""The request that the form in the server's bytes would make: what a login request may be pinned by."""

import pytest

from connectors.legacy.page.login_form import LoginForm, login_form

URL = "http://oa.test/seeyon/main.do?x=1"
FIELDS = '<input name="user" placeholder="账号"><input type="password" name="pwd">'
BUTTON = "<button>登录</button>"


def _form(html: str, url: str = URL) -> LoginForm:
    found = login_form(html.encode(), url)
    assert found is not None
    return found


def test_a_form_tells_its_whole_request() -> None:
    found = _form(
        '<form action="login.do?method=in#top" method="post"><input type="hidden" name="csrf" value="1">'
        f'<input type="hidden" name="pwd_md5">{FIELDS}<input type="hidden" value="no name">{BUTTON}</form>'
    )
    assert (found.method, found.action) == ("POST", "http://oa.test/seeyon/login.do?method=in")
    assert (found.enctype, found.charset) == ("application/x-www-form-urlencoded", "utf-8")
    assert (found.username, found.password) == ("user", "pwd")
    assert (found.password_copies, found.hidden) == (("pwd_md5",), {"csrf": "1"})
    assert found.passwords == ("pwd", "pwd_md5")
    assert not found.is_scripted
    assert not found.has_scripts


def test_the_base_of_the_page_leads_the_action() -> None:
    found = _form(f'<base href="/app/v2/"><form action="login" method="post">{FIELDS}{BUTTON}</form>')
    assert found.action == "http://oa.test/app/v2/login"


def test_an_action_at_another_origin_is_told_as_it_is() -> None:
    found = _form(f'<form action="http://oa.test:8081/login" method="post">{FIELDS}{BUTTON}</form>')
    assert found.action == "http://oa.test:8081/login"


def test_a_form_without_an_action_is_sent_to_its_page() -> None:
    assert _form(f'<form method="post">{FIELDS}{BUTTON}</form>').action == URL


def test_the_button_says_where_and_how_in_place_of_its_form() -> None:
    found = _form(
        f'<form action="/a">{FIELDS}<button formaction="/b" formmethod="post" formenctype="multipart/form-data">登录'
        "</button></form>"
    )
    assert (found.method, found.action, found.enctype) == ("POST", "http://oa.test/b", "multipart/form-data")


def test_a_charset_is_the_one_the_form_is_sent_in() -> None:
    page = f'<form action="/l" method="post" accept-charset="gb2312">用户名{FIELDS}{BUTTON}</form>'
    assert _form(page).charset == "gbk"
    found = login_form(page.replace("gb2312", "").encode("utf-16"), URL)
    assert found is not None
    assert found.charset == "utf-8"


def test_a_disabled_field_is_never_sent() -> None:
    page = f'<form action="/l" method="post"><input type="hidden" name="t" disabled>{FIELDS}{BUTTON}</form>'
    assert _form(page).hidden == {}


SCRIPT = '<script src="/app.js"></script>'


@pytest.mark.parametrize(
    "html",
    [
        f"<div>{FIELDS}{BUTTON}</div>{SCRIPT}",
        f'<form action="/l" method="post"><input name="user"><input type="password">{BUTTON}</form>',
        f'<form action="javascript:doLogin()" method="post">{FIELDS}{BUTTON}</form>',
        f'<form action="/l" method="post" onsubmit="login(); return false;">{FIELDS}{BUTTON}</form>',
        f'<form action="/l" method="post" @submit.prevent="login">{FIELDS}{BUTTON}</form>{SCRIPT}',
        f"<form>{FIELDS}{BUTTON}</form>{SCRIPT}",
        f'<form action="#" method="post">{FIELDS}<a class="btn" onclick="go()">登录</a></form>{SCRIPT}',
    ],
    ids=["no form", "no name", "script as action", "onsubmit", "framework", "no action", "drawn button"],
)
def test_a_form_that_the_pages_script_sends_says_so(html: str) -> None:
    assert _form(html).is_scripted


@pytest.mark.parametrize(
    "html",
    [
        f'<form action="/l" method="post">{FIELDS}{BUTTON}</form>{SCRIPT}',
        f'<form method="post">{FIELDS}{BUTTON}</form>{SCRIPT}',
        f'<form action="/l" method="post" onsubmit="return check(this)">{FIELDS}{BUTTON}</form>',
    ],
    ids=["a script on the page", "a form that posts to its page", "a handler that checks"],
)
def test_a_form_that_a_script_only_could_change_says_that(html: str) -> None:
    found = _form(html)
    assert not found.is_scripted
    assert found.has_scripts


@pytest.mark.parametrize(
    "html",
    [
        "<h1>首页</h1>",
        '<iframe src="/login"></iframe>',
        '<form action="/reg" method="post"><input name="u"><input type="password" name="p">'
        '<input type="password" name="p2" placeholder="确认密码"><button>注册</button></form>',
    ],
)
def test_a_page_without_a_login_has_none(html: str) -> None:
    assert login_form(html.encode(), URL) is None


def test_a_password_that_is_asked_for_after_the_user_name_tells_no_request() -> None:
    """The form of the first step is not the one that sends it."""
    page = '<form action="/signin"><input name="user"><input type="password" name="pwd" class="hide">'
    assert login_form(f"{page}<button>Next</button></form>".encode(), URL) is None
