"""The swap: where the password may go, and everywhere it may not (DESIGN §4.15-16)."""

import base64
import html
import json
import re
from datetime import timedelta
from hashlib import md5
from urllib.parse import quote_plus, unquote_plus, urlencode

import pytest
from starlette.responses import JSONResponse, RedirectResponse, Response

from connectors.errors import ConnectorError
from connectors.systems import System
from core.clock import FrozenClock
from tests.connectors.gateway.browser import FORM, Browser, Shown
from tests.connectors.gateway.conftest import LOGIN, SECRET, AddItem, AddSystem, Launch, Open
from tests.connectors.gateway.upstream import LegacyServer, login_page
from vault.items import Item
from vault.ledger.queries import LedgerQuery
from web.composition import House

SCRIPTED = "<div id=app></div><script src=/app.js></script>"


def reached(legacy: LegacyServer) -> list[bytes]:
    """Requests that carry the password, in whichever writing."""
    seen = [b"\n".join([one.target.encode(), str(one.headers).encode(), one.body]) for one in legacy.received]
    ways = {SECRET, quote_plus(SECRET), json.dumps(SECRET)[1:-1], json.dumps(SECRET, ensure_ascii=False)[1:-1]}
    return [one for one in seen if any(way.encode() in one for way in ways)]


async def refusals(house: House) -> list[str]:
    page = await house.audit.query(LedgerQuery(action="gateway.swap", result="refused"))
    return [str(event.detail["why"]) for event in page.events]


async def test_the_password_stands_in_the_login_request_and_in_nothing_that_the_browser_gets(
    cadre: Browser, item: Item, legacy: LegacyServer
) -> None:
    page = await cadre.get("/login")
    assert page.told is not None
    assert page.told["login"] == LOGIN
    assert SECRET not in page.text

    answer = await cadre.post("/login", {"username": LOGIN, "password": page.dummy})

    assert answer.status == 200
    assert legacy.posted() == [f"username={LOGIN}&password={quote_plus(SECRET)}".encode()]
    assert legacy.last.get("content-length") == str(len(legacy.last.body))
    assert SECRET not in answer.text


async def test_a_dummy_works_once(cadre: Browser, item: Item, legacy: LegacyServer, house: House) -> None:
    """A second press must not reach the system as a wrong password either: it would count towards a lock-out."""
    page = await cadre.get("/login")
    await cadre.post("/login", {"username": LOGIN, "password": page.dummy})
    again = await cadre.post("/login", {"username": LOGIN, "password": page.dummy})

    assert again.error == "ERR-FILL"
    assert len(legacy.posted()) == len(reached(legacy)) == 1
    assert len(await refusals(house)) == 1


async def test_a_page_that_stood_open_too_long_sends_nothing(
    cadre: Browser, item: Item, legacy: LegacyServer, clock: FrozenClock
) -> None:
    page = await cadre.get("/login")
    clock.advance(timedelta(minutes=11))
    assert (await cadre.post("/login", {"password": page.dummy})).error == "ERR-FILL"
    assert legacy.posted() == []


async def test_of_two_open_login_pages_each_works(cadre: Browser, item: Item, legacy: LegacyServer) -> None:
    first = await cadre.get("/login")
    second = await cadre.get("/login")
    assert (await cadre.post("/login", {"password": first.dummy})).status == 200
    assert (await cadre.post("/login", {"password": second.dummy})).status == 200
    assert len(reached(legacy)) == 2


@pytest.mark.parametrize(
    ("target", "field"),
    [
        ("/login", "comment"),
        ("/login", "username"),
        ("/comments", "password"),
        ("/author/note", "password"),
        ("/search", "q"),
    ],
)
async def test_a_dummy_in_another_place_is_refused(
    cadre: Browser, item: Item, legacy: LegacyServer, house: House, target: str, field: str
) -> None:
    page = await cadre.get("/login")
    answer = await cadre.post(target, {field: page.dummy})
    assert answer.error == "ERR-FILL"
    assert answer.status == 400
    assert legacy.posted(target) == []
    assert len(await refusals(house)) == 1


async def test_a_dummy_in_two_fields_is_refused(cadre: Browser, item: Item, legacy: LegacyServer) -> None:
    page = await cadre.get("/login")
    assert (await cadre.post("/login", {"password": page.dummy, "password2": page.dummy})).error == "ERR-FILL"
    assert legacy.posted() == []


async def test_a_dummy_in_an_address_or_a_header_is_refused(cadre: Browser, item: Item, legacy: LegacyServer) -> None:
    page = await cadre.get("/login")
    before = len(legacy.received)
    assert (await cadre.get(f"/login?password={page.dummy}")).error == "ERR-FILL"
    assert (await cadre.fetch(f"/login?p={page.dummy}", "POST", b"x=1", content_type=FORM)).error == "ERR-FILL"
    assert (await cadre.fetch("/login", authorization=f"Token {page.dummy}")).error == "ERR-FILL"
    basic = base64.b64encode(f"somebody:{page.dummy}".encode()).decode()
    assert (await cadre.fetch("/login", authorization=f"Basic {basic}")).error == "ERR-FILL"
    assert len(legacy.received) == before


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        ("/api/session", {"username": LOGIN, "password": "{}"}),
        ("/graphql", {"query": "mutation login", "variables": {"loginName": LOGIN, "pwd": "{}"}}),
    ],
)
async def test_the_first_sign_in_by_a_script_is_learned_and_the_next_ones_go_the_same_way(
    cadre: Browser,
    item: Item,
    legacy: LegacyServer,
    house: House,
    launch: Launch,
    oa: System,
    target: str,
    sent: object,
) -> None:
    legacy.answers["GET /login"] = Response(SCRIPTED, media_type="text/html")
    legacy.answers[f"POST {target}"] = JSONResponse({"success": True, "token": "t"})
    page = await launch(cadre)
    body = json.dumps(sent).replace("{}", page.dummy).encode()
    assert (await cadre.fetch(target, "POST", body, content_type="application/json")).status == 200
    assert len(reached(legacy)) == 1
    async with house.database.read() as connection:
        known = await house.login_requests.known_for(connection, oa.login, cadre.session.user.id)
    assert [(one.source, one.request.path) for one in known.requests] == [("learned", target)]
    assert not known.may_learn

    page = await launch(cadre)
    other = json.dumps({"username": LOGIN, "password": page.dummy}).encode()
    refused = await cadre.fetch("/api/notes", "POST", other, content_type="application/json")
    assert refused.error == "ERR-LOGIN_CHANGED"
    body = json.dumps(sent).replace("{}", page.dummy).encode()
    assert (await cadre.fetch(target, "POST", body, content_type="application/json")).status == 200
    assert len(reached(legacy)) == 2


CONSOLE = """<form action="login.do;jsessionid=1A?s=2b" method=post>
<select name=setting><option>Generic (Embedded)<option selected>Generic (Server)</select>
<input name=remark value="%s"><input type=hidden name=note value='{"text": "my password"}'>
<input name=username value=sa><input type=password name=password><input type=submit value=Connect></form>"""


async def open_console(cadre: Browser, legacy: LegacyServer, launch: Launch) -> Shown:
    """The script of the first page leads on to one with a form that presets what no program says."""
    legacy.answers["GET /login"] = Response("<script>location.href = 'login.jsp'</script>", media_type="text/html")
    legacy.answers["GET /login.jsp"] = Response(CONSOLE % "清溪县 (民政)", media_type="text/html")
    legacy.answers["POST /login.do;jsessionid=1A"] = RedirectResponse("/desk", 302)
    await launch(cadre)
    return await cadre.get("/login.jsp")


@pytest.mark.parametrize("setting", ["Generic (Embedded)", "Generic (Server)"])
async def test_what_the_form_presets_may_stand_beside_the_password_in_a_first_sign_in(
    cadre: Browser, item: Item, legacy: LegacyServer, launch: Launch, house: House, oa: System, setting: str
) -> None:
    page = await open_console(cadre, legacy, launch)
    fields = {"setting": setting, "remark": "清溪县 (民政)", "username": LOGIN, "password": page.dummy}
    await cadre.post("/login.do;jsessionid=1A?s=2b", fields)
    assert len(reached(legacy)) == 1
    async with house.database.read() as connection:
        known = await house.login_requests.known_for(connection, oa.login, cadre.session.user.id)
    assert [(one.source, one.request.path) for one in known.requests] == [("learned", "/login.do")]


async def test_what_was_learned_from_a_refused_sign_in_is_not_kept(
    cadre: Browser, item: Item, legacy: LegacyServer, house: House, launch: Launch, oa: System
) -> None:
    legacy.answers["GET /login"] = Response(SCRIPTED, media_type="text/html")
    legacy.answers["POST /api/login"] = JSONResponse({"success": False, "msg": "用户名或密码错误"})
    page = await launch(cadre)
    body = json.dumps({"username": LOGIN, "password": page.dummy}).encode()
    await cadre.fetch("/api/login", "POST", body, content_type="application/json")
    async with house.database.read() as connection:
        assert (await house.login_requests.known_for(connection, oa.login, cadre.session.user.id)).requests == []
        assert (await house.items.find(connection, item.id)).state == "frozen"


async def test_a_page_of_a_script_that_was_not_opened_from_the_portal_teaches_nothing(
    cadre: Browser, item: Item, legacy: LegacyServer
) -> None:
    legacy.answers["GET /login"] = Response(SCRIPTED, media_type="text/html")
    assert "dummy" not in ((await cadre.get("/login")).told or {})


async def test_in_a_supervised_sign_in_no_cookie_of_other_days_reaches_the_system(
    cadre: Browser, item: Item, legacy: LegacyServer, launch: Launch
) -> None:
    """Else a hostile page could do in the person's name what only a signed-in person may, and it would be learned."""
    legacy.answers["GET /login"] = Response(SCRIPTED, media_type="text/html", headers={"set-cookie": "fresh=1; Path=/"})
    cadre.jar["oa"]["JSESSIONID"] = "of-yesterday"
    await launch(cadre)
    assert legacy.last.get("cookie") is None
    await cadre.fetch("/api/captcha")
    assert legacy.last.get("cookie") == "fresh=1"


async def test_a_value_that_the_system_gave_a_moment_before_still_passes(
    cadre: Browser, item: Item, legacy: LegacyServer, launch: Launch
) -> None:
    """A server that sets its cookie anew in each answer meets requests that are under way with the value before."""
    rolling = iter(range(100))
    legacy.answers["GET /login"] = lambda _: Response(
        SCRIPTED, media_type="text/html", headers={"set-cookie": f"xid={next(rolling)}; Path=/"}
    )
    await launch(cadre)
    first = cadre.jar["oa"]["xid"]
    await cadre.get("/login")
    cadre.jar["oa"]["xid"] = first
    await cadre.fetch("/api/one")
    assert legacy.last.get("cookie") == f"xid={first}"


async def test_after_the_supervised_sign_in_every_cookie_of_the_system_passes(
    cadre: Browser, item: Item, legacy: LegacyServer, launch: Launch
) -> None:
    legacy.answers["POST /login"] = RedirectResponse("/main", 302)
    page = await launch(cadre)
    await cadre.post("/login", {"username": LOGIN, "password": page.dummy})
    cadre.jar["oa"]["theme"] = "dark"
    await cadre.get("/main")
    assert legacy.last.get("cookie") == "theme=dark"


async def test_a_system_that_demands_a_signature_gets_no_password_before_it(
    open_browser: Open, add_system: AddSystem, add_item: AddItem, legacy: LegacyServer, house: House, launch: Launch
) -> None:
    system = await add_system(signed_login=True)
    browser = await open_browser()
    await browser.sign_in()
    await add_item(browser, system)
    page = await launch(browser)
    fields = {"username": LOGIN, "password": page.dummy}
    assert (await browser.post("/login", fields)).error == "ERR-LOGIN_UNSIGNED"
    assert reached(legacy) == []
    async with house.database.write() as connection:
        waiting = await house.login_requests.list(connection)
        taught = next(one for one in waiting if one.user_id == browser.session.user.id)
        with pytest.raises(ConnectorError, match="ERR-SAME_PERSON"):
            await house.login_requests.sign(connection, taught.id, actor=f"user:{browser.session.user.id}")
        await house.login_requests.sign(connection, taught.id, actor="user:security")
    page = await launch(browser)
    assert (await browser.post("/login", {"username": LOGIN, "password": page.dummy})).status == 200
    assert len(reached(legacy)) == 1


async def test_a_second_press_while_the_first_runs_gets_the_answer_of_the_first(
    cadre: Browser, item: Item, legacy: LegacyServer, launch: Launch
) -> None:
    import asyncio

    legacy.answers["POST /login"] = RedirectResponse("/main", 302, {"set-cookie": "session=1; Path=/"})
    page = await launch(cadre)
    fields = {"username": LOGIN, "password": page.dummy}
    answers = await asyncio.gather(*(cadre.post("/login", fields) for _ in range(4)))
    assert [(one.status, one.location) for one in answers] == [(302, "/main")] * 4
    assert len(legacy.posted()) == 1


async def test_a_dummy_of_another_session_means_nothing(
    cadre: Browser, item: Item, legacy: LegacyServer, open_browser: object
) -> None:
    page = await cadre.get("/login")
    other = await open_browser("li")  # type: ignore[operator]
    await other.sign_in()
    await other.post("/login", {"username": "li", "password": page.dummy})
    assert reached(legacy) == []


async def test_no_item_of_another_person_is_used(
    cadre: Browser, item: Item, legacy: LegacyServer, open_browser: object
) -> None:
    other = await open_browser("li")  # type: ignore[operator]
    await other.sign_in()
    assert "dummy" not in ((await other.get("/login")).told or {})


@pytest.mark.parametrize("action", ["http://evil.example/login", "//evil.example/login", "https://127.0.0.1/login"])
async def test_a_form_that_leads_elsewhere_is_not_filled(
    cadre: Browser, item: Item, legacy: LegacyServer, action: str
) -> None:
    legacy.answers["GET /login"] = login_page(action)
    told = (await cadre.get("/login")).told
    assert told is not None
    assert list(told) == ["notice"], "the page says why"


async def test_a_json_text_in_a_field_gets_nothing(cadre: Browser, item: Item, legacy: LegacyServer) -> None:
    """One server reads the field, another the text in it: nested readings are never exchanged."""
    page = await cadre.get("/login")
    nested = json.dumps({"username": LOGIN, "password": page.dummy})
    assert (await cadre.post("/login", {"param": nested, "x": "1"})).error == "ERR-FILL"
    sent = json.dumps({"body": nested}).encode()
    assert (await cadre.fetch("/api/login", "POST", sent, content_type="application/json")).error == "ERR-FILL"
    assert reached(legacy) == []


@pytest.mark.parametrize(
    "body",
    [
        '{"%s": "x", "password": "%s"}',
        '{"password": "{\\"password\\": \\"%s\\"}", "again": "%s"}',
        '{"comment": "%s", "comment": "x", "password": "%s"}',
        '{"password": "%s", "comment": ["%s"]}',
        '{"password": "%s", "passwordAgain": "%s"}',
    ],
)
async def test_a_dummy_twice_in_a_json_body_is_refused(
    cadre: Browser, item: Item, legacy: LegacyServer, body: str
) -> None:
    """Parsers disagree about a member that stands twice: what one reads as the password is another's comment."""
    page = await cadre.get("/login")
    sent = (body % (page.dummy, page.dummy)).encode()
    assert (await cadre.fetch("/login", "POST", sent, content_type="application/json")).error == "ERR-FILL"
    assert legacy.posted() == []


async def test_a_multipart_login_keeps_its_other_parts(cadre: Browser, item: Item, legacy: LegacyServer) -> None:
    legacy.answers["GET /login"] = login_page(enctype="multipart/form-data")
    page = await cadre.get("/login")
    parts = (
        '--b0\r\nContent-Disposition: form-data; name="username"\r\n\r\nwang\r\n'
        '--b0\r\nContent-Disposition: form-data; name="password"\r\n\r\n{}\r\n'
        '--b0\r\nContent-Disposition: form-data; name="f"; filename="a.bin"\r\n\r\n\x00\x01\r\n--b0--\r\n'
    )
    sent = parts.format(page.dummy).encode()
    await cadre.send_form("/login", sent, "multipart/form-data; boundary=b0")
    boundary = (legacy.last.get("content-type") or "").partition("boundary=")[2]
    assert legacy.posted() == [parts.format(SECRET).replace("--b0", f"--{boundary}").encode()]


async def test_a_gbk_page_gets_the_password_in_gbk(cadre: Browser, item: Item, legacy: LegacyServer) -> None:
    legacy.answers["GET /login"] = login_page(charset="gbk")
    page = await cadre.get("/login")
    await cadre.post("/login", {"username": LOGIN, "password": page.dummy})
    sent = legacy.posted()[0].partition(b"&password=")[2].decode()
    # Browsers write what a charset does not have as a character reference; GBK has both ī and 溪.
    assert unquote_plus(sent, "gbk") == SECRET


async def test_a_page_that_hashes_gets_the_hash_of_the_real_password(
    cadre: Browser, item: Item, legacy: LegacyServer
) -> None:
    page = await cadre.get("/login")
    made = md5(page.dummy.encode()).hexdigest()
    salted = md5((made + "s4lt").encode()).hexdigest()
    await cadre.post("/login", {"username": LOGIN, "password": salted, "salt": "s4lt"})
    inner = md5(SECRET.encode()).hexdigest()
    wanted = md5((inner + "s4lt").encode()).hexdigest()
    assert legacy.posted() == [urlencode({"username": LOGIN, "password": wanted, "salt": "s4lt"}).encode()]


async def test_the_older_of_two_hashing_pages_works_too(cadre: Browser, item: Item, legacy: LegacyServer) -> None:
    first = await cadre.get("/login")
    await cadre.get("/login")
    await cadre.post("/login", {"password": md5(first.dummy.encode()).hexdigest()})
    assert legacy.posted() == [f"password={md5(SECRET.encode()).hexdigest()}".encode()]


@pytest.mark.parametrize("made", ["a" * 64, "QUJDREVGR0hJSktMTU5PUA==", "04" + "ab" * 96])
async def test_what_a_page_encrypts_in_an_unknown_way_is_not_sent(
    cadre: Browser, item: Item, legacy: LegacyServer, made: str
) -> None:
    """It would be a wrong password to the system: an attempt wasted, and five of them lock the account."""
    await cadre.get("/login")
    assert (await cadre.post("/login", {"username": LOGIN, "password": made})).error == "ERR-NEEDS_RECIPE"
    assert legacy.posted() == []


async def test_what_a_page_sends_wrapped_is_not_sent(cadre: Browser, item: Item, legacy: LegacyServer) -> None:
    page = await cadre.get("/login")
    both = json.dumps({"u": LOGIN, "p": page.dummy})
    for wrapped in (base64.b64encode(both.encode()).decode(), quote_plus(quote_plus(f"u={LOGIN}&p={page.dummy}"))):
        assert (await cadre.post("/login", {"data": wrapped})).error == "ERR-FILL"
    assert page.told is not None
    cadre.jar["oa"]["yimen-filled"] = page.told["fill"]
    sealed = json.dumps({"data": base64.b64encode(b"user name and password sealed by the page").decode()}).encode()
    answer = await cadre.fetch("/api/login", "POST", sealed, content_type="application/json")
    assert answer.error == "ERR-NEEDS_RECIPE"
    assert legacy.posted() == legacy.posted("/api/login") == []


@pytest.mark.parametrize(
    "fields",
    [
        {"__VIEWSTATE": "QUJDREVGR0hJSktMTU5PUA==", "username": "", "password": "", "btnCode": "换一张"},
        {"refresh_token": "QUJDREVGR0hJSktMTU5PUA=="},
        {"csrfToken": "ab" * 20, "step": "2"},
    ],
)
async def test_what_else_a_login_page_sends_passes(
    cadre: Browser, item: Item, legacy: LegacyServer, fields: dict[str, str]
) -> None:
    await cadre.get("/login")
    await cadre.post("/login", fields)
    assert legacy.posted() == [urlencode(fields).encode()]


async def test_what_a_person_types_instead_passes(cadre: Browser, item: Item, legacy: LegacyServer) -> None:
    await cadre.get("/login")
    await cadre.post("/login", {"username": "me", "password": "my own"})
    assert legacy.posted() == [b"username=me&password=my+own"]


async def test_a_refused_password_freezes_its_item_and_is_never_tried_again(
    cadre: Browser, item: Item, legacy: LegacyServer, house: House
) -> None:
    page = await cadre.get("/login")
    open_before = await cadre.get("/login")
    legacy.answers["POST /login"] = Response("<p>用户名或密码错误</p>", media_type="text/html")
    await cadre.post("/login", {"password": page.dummy})
    async with house.database.read() as connection:
        assert (await house.items.find(connection, item.id)).state == "frozen"

    refused = await cadre.post("/login", {"password": open_before.dummy})
    assert refused.error == "ERR-ITEM_FROZEN"
    assert f"{house.settings.issuer}/accounts" in refused.text
    told = (await cadre.get("/login")).told
    assert told is not None
    assert "dummy" not in told
    assert told["notice"]["address"] == f"{house.settings.issuer}/accounts"
    assert len(reached(legacy)) == 1


FRONT = "/index.jsp"


@pytest.mark.parametrize("is_refused", [True, False])
async def test_where_a_sign_in_leads_back_to_its_own_page_the_page_decides(
    open_browser: Open,
    add_item: AddItem,
    add_system: AddSystem,
    legacy: LegacyServer,
    house: House,
    *,
    is_refused: bool,
) -> None:
    """A first page with the login box on it comes again after a wrong password, and after a right one too."""
    system, cadre = await add_system(login_path=FRONT), await open_browser()
    await cadre.sign_in()
    item = await add_item(cadre, system)
    legacy.answers[f"GET {FRONT}"] = login_page(FRONT)
    legacy.answers[f"POST {FRONT}"] = RedirectResponse(FRONT, 302)
    page = await cadre.get(FRONT)
    await cadre.post(FRONT, {"username": LOGIN, "password": page.dummy})
    if not is_refused:
        legacy.answers[f"GET {FRONT}"] = Response("<h1>收文 3 件</h1>", media_type="text/html")
    shown = await cadre.get(FRONT)
    async with house.database.read() as connection:
        found = await house.items.find(connection, item.id)
    assert (found.state, found.last_result) == (("frozen", "failure") if is_refused else ("active", "success"))
    assert shown.told is None or "dummy" not in shown.told


STEP = """<form action="{}" method="post"><label>用户名<input name="user"></label><button>下一步</button></form>"""


async def test_a_page_that_asks_for_the_user_name_first_is_pressed_once(
    cadre: Browser, item: Item, legacy: LegacyServer, launch: Launch
) -> None:
    """Shown again because the system does not know the name, it would else be pressed until the launch is over."""
    legacy.answers["GET /login"] = Response(STEP.format("/login"), media_type="text/html")
    first, again = await launch(cadre), await cadre.get("/login")
    assert first.told is not None
    assert again.told is not None
    assert (first.told["login"], first.told["steps"], first.told["presses"]) == (LOGIN, True, True)
    assert again.told["presses"] is False


@pytest.mark.parametrize(
    "page", [STEP.format("https://evil.example"), '<base href="https://evil.example">' + STEP.format("/login")]
)
async def test_a_user_name_is_not_filled_in_for_another_origin(
    cadre: Browser, item: Item, legacy: LegacyServer, page: str
) -> None:
    legacy.answers["GET /login"] = Response(page, media_type="text/html")
    assert (await cadre.get("/login")).told is None


async def test_the_salt_may_stand_in_the_pages_script(cadre: Browser, item: Item, legacy: LegacyServer) -> None:
    script = '<script>var cfg = {"pwdSalt": "x9-Kd/7"}, lang = "zh";</script></body>'
    legacy.answers["GET /login"] = Response(
        bytes(login_page().body).decode().replace("</body>", script), media_type="text/html"
    )
    page = await cadre.get("/login")
    made = md5(f"{page.dummy}x9-Kd/7".encode()).hexdigest()
    await cadre.post("/login", {"username": LOGIN, "password": made})
    wanted = md5(f"{SECRET}x9-Kd/7".encode()).hexdigest()
    assert legacy.posted() == [urlencode({"username": LOGIN, "password": wanted}).encode()]


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_is_judged_too(
    cadre: Browser, item: Item, legacy: LegacyServer, house: House, status: int
) -> None:
    page = await cadre.get("/login")
    legacy.answers["POST /login"] = Response(status_code=status, headers={"set-cookie": f"remember={'x'}"})
    await cadre.post("/login", {"password": page.dummy})
    found = await house.audit.query(LedgerQuery(action="gateway.result"))
    assert len(found.events) == 1


def echo(received: object) -> Response:
    escaped = html.escape(SECRET)
    quoted = quote_plus(SECRET)
    ways = [
        SECRET,
        escaped,
        escaped.replace("&#x27;", "&#39;"),
        quoted,
        re.sub("%..", lambda one: one[0].lower(), quoted),
        quote_plus(SECRET.encode("gbk")),
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        "".join(f"&#{ord(one)};" for one in SECRET),
        base64.b64encode(SECRET.encode()).decode(),
    ]
    return Response("|".join(ways), media_type="text/html", headers={"x-echo": quoted})


async def test_a_password_that_the_system_echoes_is_taken_out(cadre: Browser, item: Item, legacy: LegacyServer) -> None:
    page = await cadre.get("/login")
    legacy.answers["POST /login"] = echo
    answer = await cadre.post("/login", {"password": page.dummy})
    left = answer.text.replace("******", "").replace('""', "")
    assert left.strip("|=") == "", answer.text
    assert answer.get("x-echo") == "******"


async def test_an_echo_in_a_redirect_or_a_script_answer_is_taken_out(
    cadre: Browser, item: Item, legacy: LegacyServer
) -> None:
    page = await cadre.get("/login")
    legacy.answers["POST /login"] = RedirectResponse(f"/main?pw={quote_plus(SECRET)}", 302)
    assert (await cadre.post("/login", {"password": page.dummy})).location == "/main?pw=******"

    page = await cadre.get("/login")
    legacy.answers["POST /login"] = JSONResponse({"you sent": SECRET})
    assert (await cadre.post("/login", {"password": page.dummy})).body == b'{"you sent":"******"}'


async def test_a_system_that_is_closed_meanwhile_gets_no_password(
    cadre: Browser, item: Item, legacy: LegacyServer, house: House, oa: System
) -> None:
    page = await cadre.get("/login")
    async with house.database.write() as connection:
        await house.items.freeze(connection, item.id, "lost", actor="operator:test")
    assert (await cadre.post("/login", {"password": page.dummy})).error == "ERR-ITEM_FROZEN"
    assert legacy.posted() == []
