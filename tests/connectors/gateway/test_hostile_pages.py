"""What a hostile page may try to read the password back, by the endpoints of an honest server: none of it works.

The page has full script: it knows the dummy, can write any cookie that a script can write, and sends what it likes.
"""

import base64
import json
from urllib.parse import quote_plus, urlencode

import pytest
from starlette.responses import Response

from connectors.systems import System
from tests.connectors.gateway.browser import FORM, Browser
from tests.connectors.gateway.conftest import LOGIN, SECRET, AddItem, AddSystem, Launch, Open
from tests.connectors.gateway.upstream import LegacyServer, Received
from vault.items import Item
from vault.ledger.queries import LedgerQuery
from web.composition import House

PARTS = (
    '--{outer}\r\nContent-Disposition: form-data; name="content"\r\n\r\n'
    '--{inner}\r\nContent-Disposition: form-data; name="password"\r\n\r\n{dummy}\r\n--{inner}--\r\n--{outer}--\r\n'
)


def stored(legacy: LegacyServer) -> str:
    """Everything that the server could show to anybody later, in every writing that the tests use."""
    seen = b"\n".join(one.target.encode() + b"\n" + one.body for one in legacy.received if one.target != "/login")
    return seen.decode("utf-8", "replace")


def has_secret(text: str) -> bool:
    ways = (SECRET, quote_plus(SECRET), json.dumps(SECRET)[1:-1], base64.b64encode(SECRET.encode()).decode())
    return any(way in text for way in ways)


@pytest.mark.parametrize(
    ("target", "content_type", "template"),
    [
        ("/bbs/post", FORM, "content=%7B%22username%22%3A%22wangxw%22%2C%22password%22%3A%22{dummy}%22%7D"),
        ("/bbs/post", FORM, '{{"username":"wangxw","password":"{dummy}"}}'),
        ("/bbs/post", "application/json", '{{"username":"wangxw","password":"{dummy}"}}'),
        ("/bbs/post", "text/plain", '{{"username":"wangxw","password":"{dummy}"}}'),
        ("/comments/save.php/login", FORM, "username=wangxw&password={dummy}"),
        ("/profile/update;login", FORM, "username=wangxw&password={dummy}"),
        ("/login/../bbs/post", FORM, "username=wangxw&password={dummy}"),
        ("/LOGIN", FORM, "username=wangxw&password={dummy}"),
        ("/login?do=post", FORM, "username=wangxw&password={dummy}"),
        ("/login", FORM, "username=wangxw&password=x&remark={dummy}"),
        ("/login", FORM, "username={dummy}&password=x"),
        ("/login", FORM, "password={dummy}&password=x"),
        ("/login", FORM, "password=x&password={dummy}"),
        ("/login", FORM, "username=wangxw&password={dummy}&password%5B%5D={dummy}"),
        ("/login", FORM, "password={dummy};remark=x"),
        (
            "/login",
            "multipart/form-data; boundary=a; boundary=b",
            PARTS.replace("{outer}", "a").replace("{inner}", "b"),
        ),
        ("/login", "multipart/form-data; boundary=a", PARTS.replace("{outer}", "a").replace("{inner}", "b")),
        ("/login", "application/x-www-form-urlencoded, application/json", "password={dummy}"),
    ],
)
@pytest.mark.parametrize("cookies", ["", "yimen-echo=none", "yimen-filled=none"])
async def test_the_password_stands_in_no_other_request(
    cadre: Browser, item: Item, legacy: LegacyServer, target: str, content_type: str, template: str, cookies: str
) -> None:
    page = await cadre.get("/login")
    name, _, value = cookies.partition("=")
    if name:
        cadre.jar["oa"][name] = value
    await cadre.fetch(target, "POST", template.format(dummy=page.dummy).encode(), content_type=content_type)
    assert not has_secret(stored(legacy))
    # Not even the dummy is sent on: it would count as a wrong password.
    assert not any(has_secret(text) or page.dummy in text for text in (one.body.decode() for one in legacy.received))


@pytest.mark.parametrize("target", ["/bbs/post", "/api/notes", "/profile/save"])
async def test_a_supervised_sign_in_teaches_no_request_that_stores_something(
    cadre: Browser, item: Item, legacy: LegacyServer, launch: Launch, target: str
) -> None:
    page = await launch(cadre)
    bodies = [
        (FORM, urlencode({"username": LOGIN, "content": page.dummy})),
        (FORM, urlencode({"content": json.dumps({"username": LOGIN, "password": page.dummy})})),
        ("application/json", json.dumps({"username": LOGIN, "password": page.dummy, "text": "看看我的密码 <b>"})),
    ]
    for content_type, body in bodies:
        await cadre.fetch(target, "POST", body.encode(), content_type=content_type)
    assert not has_secret(stored(legacy))


@pytest.mark.parametrize(
    ("target", "changes"),
    [
        ("/sign?to=1", {"title": "written by a script"}),
        ("/sign?to=1", {"note": "a title (of 2026)"}),
        ("/sign?to=1", {"query": "post(text: $password)"}),
        ("/sign?to=1", {"template": "{{ password }}"}),
        ("/sign?to=1", {"page": "<b>mine</b>"}),
        ("/sign?to=2", {}),
        ("/sign", {}),
        ("/thread?to=1", {}),
    ],
)
async def test_a_form_that_presets_texts_lets_its_script_send_no_others_and_nowhere_else(
    cadre: Browser, item: Item, legacy: LegacyServer, launch: Launch, target: str, changes: dict[str, str]
) -> None:
    """What the server sent before the dummy existed stands in its place; a text that could make something of the
    password counts as little as one that a script writes."""
    presets = {"title": "a title (of 2026)", "template": "{{ password }}", "page": "<b>mine</b>"}
    hidden = "".join(f"<input type=hidden name={name} value='{value}'>" for name, value in presets.items())
    form = f"<form action='/sign?to=1' method=post>{hidden}<input name=username><input type=password name=password>"
    legacy.answers["GET /login"] = Response("<script>location = '/start'</script>", media_type="text/html")
    legacy.answers["GET /start"] = Response(f"{form}<input type=submit></form>", media_type="text/html")
    await launch(cadre)
    page = await cadre.get("/start")
    fields = {"username": LOGIN, "password": page.dummy, "title": presets["title"]}
    assert (await cadre.post(target, fields | changes)).error == "ERR-FILL"
    assert not any(has_secret(one.body.decode()) for one in legacy.received)


async def test_an_answer_that_reflects_the_basic_field_gives_nothing_away(
    add_system: AddSystem, open_browser: Open, add_item: AddItem, legacy: LegacyServer
) -> None:
    def reflect(received: Received) -> Response:
        field = received.get("authorization") or ""
        plain = base64.b64decode(field.removeprefix("Basic ")).decode()
        return Response(f"{field}|{plain}|{field.encode().hex()}", media_type="text/plain")

    legacy.answers["GET /debug"] = reflect
    system = await add_system(way_in=[{"kind": "basic"}], login_path="/debug")
    browser = await open_browser()
    await browser.sign_in("/debug")
    await add_item(browser, system)
    for _ in range(3):
        shown = await browser.get("/debug")
        assert shown.status == 200
        assert not has_secret(shown.text)
        assert base64.b64encode(f"{LOGIN}:{SECRET}".encode()).decode() not in shown.text
    assert (await browser.send("TRACE", "/debug")).status == 405


async def test_every_refusal_stands_in_the_ledger_with_what_was_seen(
    cadre: Browser, item: Item, legacy: LegacyServer, house: House
) -> None:
    page = await cadre.get("/login")
    await cadre.post("/bbs/post", {"username": LOGIN, "password": page.dummy})
    found = await house.audit.query(LedgerQuery(action="gateway.swap", result="refused"))
    assert ["POST /bbs/post" in str(event.detail["why"]) for event in found.events] == [True]
    assert page.dummy not in str(found.events)


async def test_one_persons_sign_in_teaches_nothing_to_another(
    open_browser: Open, oa: System, add_item: AddItem, legacy: LegacyServer, house: House, launch: Launch
) -> None:
    """A cadre who means harm can send any request from their own browser; nobody else's password follows it."""
    legacy.answers["GET /login"] = Response("<div id=app></div><script src=/app.js></script>", media_type="text/html")
    harmful, other = await open_browser("harmful"), await open_browser("other")
    for browser in (harmful, other):
        await browser.sign_in()
        await add_item(browser, oa)
    page = await launch(harmful)
    body = json.dumps({"username": LOGIN, "password": page.dummy}).encode()
    legacy.answers["POST /api/pastebin"] = Response('{"success":true}', media_type="application/json")
    await harmful.fetch("/api/pastebin", "POST", body, content_type="application/json")
    async with house.database.read() as connection:
        assert (await house.login_requests.known_for(connection, oa.login, other.session.user.id)).requests == []
        mine = await house.login_requests.known_for(connection, oa.login, harmful.session.user.id)
    assert [one.user_id for one in mine.requests] == [harmful.session.user.id]
