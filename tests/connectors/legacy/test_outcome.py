"""Judging answers: by the recipe first, then by how legacy systems speak."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.legacy.outcome.judge import SignInResponse, judge
from connectors.legacy.recipe.recipe import parse_recipe

LOGIN = "http://a.test/login.jsp"
FORM = (
    '<form action="check" method="post">{}<input name="u" placeholder="用户名">'
    '<input type="password" name="p"><button>登录</button></form>'
)


def _page(body: str, status: int = 200, charset: str = "utf-8") -> SignInResponse:
    headers = {"Content-Type": f"text/html; charset={charset}"}
    return SignInResponse(status, headers, "http://a.test/check", body.encode(charset), None, LOGIN)


def _json(content: object, status: int = 200) -> SignInResponse:
    body = json.dumps(content, ensure_ascii=False).encode()
    return SignInResponse(status, {"content-type": "application/json"}, "http://a.test/api/login", body)


def _redirect(location: str, status: int = 302, login: str = LOGIN) -> SignInResponse:
    return SignInResponse(status, {"Location": location}, "http://a.test/check", b"", None, login)


@pytest.mark.parametrize(
    ("location", "result"),
    [
        ("/index.jsp", "success"),
        ("http://a.test/main.do?menu=1", "success"),
        ("/home;jsessionid=1A", "success"),
        ("/login.jsp", "failure"),
        ("login.jsp;jsessionid=1A2B", "failure"),
        ("/login?error", "failure"),
        ("/index?error=1", "failure"),
        ("/loginFail.jsp", "failure"),
        ("/error/login", "failure"),
        ("/toLogin", "failure"),
        ("/admin/login/index.html", "failure"),
        ("/loginController.do?login", "unknown"),
        ("/oauth2/authorize?x=1", "success"),
        ("/authority/main", "success"),
        ("/login.jsp?msg=%E9%AA%8C%E8%AF%81%E7%A0%81%E9%94%99%E8%AF%AF", "unknown"),
        ("/login.jsp?msg=%E8%B4%A6%E5%8F%B7%E5%B7%B2%E8%A2%AB%E9%94%81%E5%AE%9A", "locked"),
        ("/user/changePwd", "expired"),
        ("/modifyPassword.do", "expired"),
        ("/sso/callback?ticket=ST-1", "success"),
        ("/login/success", "success"),
        ("/user/login_success.html", "success"),
        ("/home?error=0", "success"),
        ("/profile/password/reset", "expired"),
    ],
)
def test_a_redirect_is_judged_by_where_it_leads(location: str, result: str) -> None:
    assert judge(None, _redirect(location)).result == result


def test_a_login_page_at_the_root_makes_a_redirect_there_undecided() -> None:
    assert judge(None, _redirect("/", login="http://a.test/")).result == "unknown"


@pytest.mark.parametrize(
    ("body", "result"),
    [
        (FORM.format(""), "failure"),
        (FORM.format("<p class=err>用户名或密码错误</p>"), "failure"),
        (FORM.format("<p>验证码错误</p>"), "unknown"),
        (FORM.format("<p>您的账号已被锁定，请10分钟后再试</p>"), "locked"),
        (FORM.format("<p>登录失败次数过多</p>"), "locked"),
        (FORM.format("<p>密码已过期，请修改密码</p>"), "expired"),
        (FORM.format("<p>提示：连续输错5次将被锁定</p>"), "failure"),
        ("<script>alert('密码错误');history.back();</script>", "failure"),
        ("<script>alert('登录名不存在！');location.href='login.asp'</script>", "failure"),
        ("<script>alert('该用户已被停用');window.location='/login.jsp'</script>", "locked"),
        ("<script>alert('验证码不正确');history.go(-1)</script>", "unknown"),
        ("<script>top.location.href='main.htm'</script>", "success"),
        ("<script>window.location='/login.jsp'</script>", "failure"),
        ("<html><head><meta http-equiv='refresh' content='0;url=index.asp'></head></html>", "success"),
        ("<h1>欢迎您，张三</h1><a href='/logout'>退出</a>", "success"),
        ("<frameset cols='*'><frame src='menu.htm'><frame src='desk.htm'></frameset>", "success"),
        ("<div>您的账号在其他地方登录，被迫退出</div>", "unknown"),
        ("<div>登录会话失效</div>", "unknown"),
        ("<div>系统维护</div>", "unknown"),
        (
            "<h2>首次登录，请修改初始密码</h2><form><input type=password name=newPwd>"
            "<input type=password name=confirmPwd><button>保存</button></form>",
            "expired",
        ),
        ("<p>Invalid username or password.</p>", "failure"),
        ("<p>Your account has been locked.</p>", "locked"),
        ("<p>Bad credentials</p>", "failure"),
        ("<script>parent.showErr('密码错误')</script>", "failure"),
        ("ok", "success"),
        (FORM.format("<script>function check(){alert('请输入验证码')}</script>"), "failure"),
        (FORM.format("<span>请输入验证码</span>"), "failure"),
        (FORM.format("<label>验证码</label><input name=yzm><p>密码错误</p>"), "failure"),
        (FORM.format("<table><tr><td>验证码<td><input name=yzm><tr><td colspan=2><b>密码</b>错误</table>"), "failure"),
        (FORM.format("<button>Captcha waiting</button> Incorrect username/email or password."), "failure"),
        (FORM.format("<p><b>验证码</b><font color=red>错误</font></p>"), "unknown"),
        ("<a>退出</a><script>function out(){location.href='/login.jsp'}</script>", "success"),
        ("<a>退出</a><p>您的密码已过期</p>", "success"),
        ("<a>退出</a><p>密码已过期</p><input type=password name=newPwd>", "expired"),
        ("<a>退出系统</a><p>通知：关于密码错误处理办法</p>", "unknown"),
        ("<p>" + "公文 " * 100 + "</p><script>function f(){alert('密码错误')}</script>", "success"),
    ],
)
def test_a_page_is_judged_by_what_it_shows_and_says(body: str, result: str) -> None:
    assert judge(None, _page(body)).result == result, judge(None, _page(body)).why


def test_a_gbk_page_is_read() -> None:
    assert judge(None, _page("<p>口令不正确</p>", charset="gbk")).result == "failure"


@pytest.mark.parametrize(
    ("content", "status", "result"),
    [
        ({"code": 200, "msg": "操作成功", "token": "e.y.J"}, 200, "success"),
        ({"code": 0, "data": {"token": "x"}}, 200, "success"),
        ({"code": "0000", "message": "ok"}, 200, "success"),
        ({"success": True, "result": {"userInfo": {}}}, 200, "success"),
        ({"access_token": "x", "token_type": "bearer"}, 200, "success"),
        ({"code": 500, "msg": "用户不存在/密码错误"}, 200, "failure"),
        ({"success": False, "message": "用户名或密码错误"}, 200, "failure"),
        ({"success": False}, 200, "failure"),
        ({"code": 1, "msg": "密码不正确"}, 200, "failure"),
        ({"code": 500, "msg": "验证码已失效"}, 200, "unknown"),
        ({"code": 500, "msg": "验证码错误"}, 200, "unknown"),
        ({"code": 503, "msg": "系统维护中"}, 200, "unknown"),
        ({"code": 500, "msg": "密码输入错误5次，帐户锁定10分钟"}, 200, "locked"),
        ({"code": 500, "msg": "对不起，您的账号：zs 已停用"}, 200, "locked"),
        ({"code": 200, "msg": "密码已过期，请修改密码"}, 200, "expired"),
        ({"error": "invalid_grant", "error_description": "Bad credentials"}, 400, "failure"),
        ({"status": 401, "message": "Unauthorized"}, 401, "failure"),
        ({"hello": "world"}, 200, "unknown"),
        ({"status": "success"}, 200, "success"),
        ({"id": 7, "name": "王", "status": "active"}, 200, "unknown"),
        ({"code": "A0210", "data": None}, 200, "failure"),
        ({"result": "login_failed"}, 200, "failure"),
        ({"state": "DENIED"}, 200, "failure"),
        ({"result": "fail", "msg": "密码错误，您还有3次机会"}, 200, "failure"),
        ({"code": 200, "msg": "用户名或密码错误"}, 200, "failure"),
        ({"result": "0", "message": "账号或密码错误"}, 200, "failure"),
        ({"code": 200, "data": {"code": 1, "msg": "密码错误"}}, 200, "failure"),
        ({"head": {"code": "1001", "msg": "密码错误"}, "body": None}, 200, "failure"),
        ({"data": None, "errors": [{"message": "Incorrect password"}]}, 200, "failure"),
        ({"errors": {"email": ["These credentials do not match our records."]}}, 422, "failure"),
        (False, 200, "failure"),
        ({"code": 1, "msg": "登录成功"}, 200, "success"),
        ({"code": 10000, "msg": "登录成功，您的密码将于3天后过期"}, 200, "success"),
        ({"success": "true"}, 200, "success"),
        ({"head": {"code": "0"}, "body": {"token": "x"}}, 200, "success"),
        ({"data": {"login": {"token": "x"}}}, 200, "success"),
        ({"user": {"id": 1, "name": "王"}}, 200, "success"),
        ({"url": "/main"}, 200, "success"),
        ({"url": "/login.jsp?error"}, 200, "failure"),
        ({"code": 0, "data": {"token": "x", "needChangePwd": True}}, 200, "expired"),
        ({"error": 0, "message": ""}, 200, "success"),
    ],
)
def test_a_json_answer_is_judged_by_flag_code_and_message(content: object, status: int, result: str) -> None:
    outcome = judge(None, _json(content, status))
    assert outcome.result == result, outcome.why


@pytest.mark.parametrize(
    ("body", "status", "result"),
    [
        (b"success", 200, "success"),
        (b"false", 200, "failure"),
        (b"fail", 200, "failure"),
        (b"{success:true,msg:'\xe7\x99\xbb\xe5\xbd\x95\xe6\x88\x90\xe5\x8a\x9f'}", 200, "success"),
        ("密码错误".encode(), 200, "failure"),
        (b"1", 200, "unknown"),
        (b"", 401, "failure"),
        (b"", 429, "locked"),
        (b"oops", 502, "unknown"),
        (b'callback({"success":false,"msg":"\xe5\xaf\x86\xe7\xa0\x81\xe9\x94\x99\xe8\xaf\xaf"});', 200, "failure"),
        (b'"{\\"code\\":200,\\"token\\":\\"t\\"}"', 200, "success"),
    ],
)
def test_other_answers_are_judged_too(body: bytes, status: int, result: str) -> None:
    assert judge(None, SignInResponse(status, {"content-type": "text/plain"}, "http://a.test/l", body)).result == result


RECIPE = parse_recipe("""
id: x
outcome:
  success: [{status: [302, 303], location: "/main/**"}, {pointer: /fine, equals: true}]
  failure: [{text: E-17}, {location: "/?e=*"}]
  locked: [{regex: "剩余\\\\s*0\\\\s*次"}]
  expired: [{cookie: CHANGE_NOW}, {path: /check, status: 205}]
""")


@pytest.mark.parametrize(
    ("response", "result"),
    [
        (_redirect("/main/desk"), "success"),
        (_redirect("/?e=2"), "failure"),
        (_page("E-17"), "failure"),
        (_page("E-17 剩余 0 次"), "locked"),
        (_json({"fine": True}), "success"),
        (_json({"fine": 1}), "unknown"),
        (
            SignInResponse(200, [("Set-Cookie", "a=1"), ("set-cookie", "CHANGE_NOW=1; Path=/")], "http://a.test/", b""),
            "expired",
        ),
        (SignInResponse(200, [("Set-Cookie", "CHANGE_NOW=; Max-Age=0")], "http://a.test/", b""), "unknown"),
        (SignInResponse(205, {}, "http://a.test/check", b""), "expired"),
        (_page("用户名或密码错误"), "failure"),
    ],
)
def test_the_recipe_is_asked_before_the_conventions(response: SignInResponse, result: str) -> None:
    assert judge(RECIPE, response).result == result


def test_an_answer_does_not_show_what_it_holds() -> None:
    response = SignInResponse(200, {"Set-Cookie": "SESSION=s3cret"}, "http://a.test/", b"hunter2")
    assert "s3cret" not in repr(response)
    assert "hunter2" not in repr(response)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(100, 599),
    st.binary(max_size=200),
    st.sampled_from(["", "/", "http://[", "//", "?", "javascript:1", "/login"]),
    st.sampled_from(["", "text/html", "application/json", "text/html; charset=none", "text/html; charset=utf-16"]),
)
def test_nothing_a_system_sends_makes_judging_fail(status: int, body: bytes, location: str, kind: str) -> None:
    response = SignInResponse(status, {"location": location, "content-type": kind}, "http://a.test/l", body)
    for recipe in (None, RECIPE):
        assert judge(recipe, response).result in ("success", "failure", "locked", "expired", "unknown")


def _answer(body: str, status: int = 200, kind: str = "text/html; charset=utf-8", **headers: str) -> SignInResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return SignInResponse(status, {"content-type": kind, **named}, "http://a.test/check", body.encode(), None, LOGIN)


_JSON = "application/json"
_FRAME = "<html><head><title>x</title></head><body>{}</body></html>"
_REFUSALS = {
    # Each is what a kind of product answers to a wrong password, in words of our own.
    "the form with a Django-like hint": _answer(
        FORM.format("<p class=errornote>Please enter the correct username and password for a staff account.</p>")
    ),
    "JSON 401 of a dashboard": _answer(
        '{"message":"Invalid username or password","messageId":"password-auth.failed"}', 401, _JSON
    ),
    "a redirect to loginError": _answer("", 302, location="http://a.test/loginError"),
    "a form after a 401": _answer(FORM.format("<div>Login failed.</div>"), 401),
    "a form after a 403": _answer(FORM.format("<p>Invalid username or password</p>"), 403),
    "a form that says nothing, after a 422": _answer(FORM.format(""), 422),
    "a database tool's form": _answer(FORM.format("<div>Access denied for user 'a'@'localhost'</div>")),
    "a blog's form": _answer(FORM.format("<p>Error: The password you entered for the username a is incorrect.</p>")),
    "a redirect to the login with the name in the query": _answer("", 303, location="/index.php/login?direct=1&user=a"),
    "a redirect to a login path that ends in a slash": _answer("", 302, location="/login/"),
    "a message broker's JSON": _answer('{"error":"not_authorised","reason":"Login failed"}', 401, _JSON),
    "a browser's own 401": _answer("Unauthorized", 401, "text/plain"),
    "a forge's alert without a form": _answer(_FRAME.format("<div>Invalid Login or password.</div>")),
    "若依": _answer('{"msg":"用户不存在/密码错误","code":500}', 200, _JSON),
    "a code and a message of another wording": _answer('{"code":500,"msg":"口令对不上"}', 200, _JSON),
    "a flag in a text": _answer('{"loginstatus":"false","msg":"","msgcode":"16"}', 200, _JSON),
    "a portal's message": _answer(
        '{"success":false,"message":"用户名或密码错误","code":500,"result":null}', 200, _JSON
    ),
    "a negative number": _answer('{"rs":-1}', 200, _JSON),
    "a negative number of any name": _answer('{"zt":-3}', 200, "text/html"),
    "GraphQL errors in a 200": _answer('{"errors":[{"message":"nope"}],"data":{"login":null}}', 200, _JSON),
    "JSON:API errors": _answer('{"errors":[{"status":"401","title":"Unauthorized"}]}', 401, "application/vnd.api+json"),
    "a JSON text in an event stream": _answer('data: {"ok": false}\n\n', 200, "text/event-stream"),
    "JSON behind a guard": _answer(')]}\',\n{"success":false}', 200, _JSON),
    "an htmx partial": _answer('<div class="error">Wrong email or password</div>', 200),
    "htmx that leads back": _answer("", 200, hx_redirect="/login?failed=1"),
    "a Refresh field": _answer("", 200, refresh="0; url=/login.jsp?error=1"),
    "a meta refresh back": _answer('<meta http-equiv="refresh" content="1; url=login.jsp?err=2">'),
    "Fails.": _answer("Fails."),
    "NO": _answer("NO", 200, "text/plain"),
    "0": _answer("0", 200, "text/plain"),
    "false": _answer("false", 200, _JSON),
    "error": _answer('"error"', 200, _JSON),
    "-1 in a page": _answer("<html><body>-1</body></html>"),
    "失败!": _answer("<html><body>失败！</body></html>"),
    "a script that speaks": _answer("<script>alert('Logon failure: unknown user name');history.go(-1)</script>"),
    "a mail server's": _answer(_FRAME.format("You provided an invalid username or password.")),
    "could not sign you in": _answer(_FRAME.format("<p>We couldn't sign you in.</p>")),
    "an account that does not exist": _answer('{"message":"User does not exist"}', 400, _JSON),
}
_SUCCESSES = {
    "JSON that leads home": _answer('{"message":"Logged in","redirectUrl":"/"}', 200, _JSON),
    "htmx that leads on": _answer("", 200, hx_redirect="/home"),
    "htmx in JSON": _answer("", 200, hx_location='{"path":"/home"}'),
    "a Refresh field": _answer("", 200, refresh="0;url=/main.do"),
    "a page of work": _answer(_FRAME.format("<ul>" + "<li>待办事项与公文流转</li>" * 40 + "</ul>")),
    "OK.": _answer("OK.", 200, "text/plain"),
    "204": _answer("", 204),
}
_OPEN = {
    "maintenance": _answer('{"code":500,"msg":"系统维护中，请稍后再试"}', 200, _JSON),
    "a stale form token": _answer('{"success":false,"message":"CSRF token mismatch"}', 200, _JSON),
    "a captcha": _answer('{"success":false,"message":"验证码错误"}', 200, _JSON),
    "an empty page": _answer("<html><body></body></html>"),
    "a failing server": _answer("<h1>Internal Server Error</h1>", 500),
    "a number alone": _answer("1", 200, "text/plain"),
    "nothing": _answer("", 200),
}


@pytest.mark.parametrize("name", _REFUSALS)
def test_a_wrong_password_is_recognised_at_the_first_answer(name: str) -> None:
    outcome = judge(None, _REFUSALS[name])
    assert outcome.result == "failure", outcome.why


@pytest.mark.parametrize("name", _SUCCESSES)
def test_a_good_sign_in_is_recognised(name: str) -> None:
    outcome = judge(None, _SUCCESSES[name])
    assert outcome.result == "success", outcome.why


@pytest.mark.parametrize("name", _OPEN)
def test_what_tells_nothing_about_the_password_stays_open(name: str) -> None:
    outcome = judge(None, _OPEN[name])
    assert outcome.result == "unknown", outcome.why


@pytest.mark.parametrize(
    "text",
    ["账号将被锁定", "连续输错则账户会被锁定", "Your account will be locked after 5 attempts", "密码错误次数限制"],
)
def test_a_warning_of_what_may_happen_is_no_verdict(text: str) -> None:
    assert judge(None, _answer(_FRAME.format(text))).result in ("unknown",)


def test_lone_surrogates_of_json_are_judged_like_any_text() -> None:
    assert judge(None, _answer('{"success":false,"msg":"\\ud800密码错误"}', 200, _JSON)).result == "failure"


def test_a_page_that_asks_for_another_password_is_not_the_login_page() -> None:
    """A page for people who are in may hold forms to change a password, or to add a person."""
    change = '<form method="post" action="/me"><input type="password" name="{}"><button>OK</button></form>'
    work = "<p>" + "收文 " * 2000 + "</p>"
    for name, result in (("password", "failure"), ("apassword1", "success")):
        page = SignInResponse(
            200, {}, "http://oa/", (work + change.format(name)).encode(), "utf-8", password_fields=("password",)
        )
        assert judge(None, page).result == result
