"""What follows a sign-in: how it is judged by what comes next, what is tried again, and what is never shown."""

import base64
from datetime import timedelta
from hashlib import md5
from urllib.parse import quote_plus, urlencode

import pytest
from starlette.responses import JSONResponse, RedirectResponse, Response

from connectors.errors import ConnectorError
from core.clock import FrozenClock
from tests.connectors.gateway.browser import FORM, Browser
from tests.connectors.gateway.conftest import LOGIN, SECRET, AddItem, AddSystem, Launch, Open
from tests.connectors.gateway.upstream import LegacyServer, login_page
from vault.items import Item
from vault.ledger.queries import LedgerQuery
from web.composition import House

HOME = Response("<h1>收文 3 件</h1>", media_type="text/html")


async def the_item(house: House, item: Item) -> Item:
    async with house.database.read() as connection:
        return await house.items.find(connection, item.id)


async def sign_in(cadre: Browser, path: str = "/login") -> None:
    page = await cadre.get(path)
    await cadre.post(path, {"username": LOGIN, "password": page.dummy})


async def test_the_body_of_a_redirect_decides_nothing(
    open_browser: Open, add_system: AddSystem, add_item: AddItem, legacy: LegacyServer, house: House
) -> None:
    """Old servers send a page with a redirect too, which nobody sees; the page it leads to is the answer."""
    system, cadre = await add_system(login_path="/index.php"), await open_browser()
    await cadre.sign_in()
    item = await add_item(cadre, system)
    legacy.answers["GET /index.php"] = login_page("/index.php")
    moved = Response("<p>moved</p>", 302, {"location": "/index.php"}, media_type="text/html")
    legacy.answers["POST /index.php"] = moved
    await sign_in(cadre, "/index.php")
    assert (await the_item(house, item)).last_result == "unknown"
    await cadre.get("/index.php")
    assert (await the_item(house, item)).state == "frozen"


async def test_an_answer_that_tells_nothing_is_judged_by_the_page_that_comes_next(
    cadre: Browser, item: Item, legacy: LegacyServer, house: House
) -> None:
    legacy.answers["POST /login"] = JSONResponse({"hello": "world"})
    legacy.answers["GET /main"] = HOME
    await sign_in(cadre)
    assert (await the_item(house, item)).last_result == "unknown"
    await cadre.get("/main", sec_fetch_dest="iframe")
    assert (await the_item(house, item)).last_result == "unknown"
    await cadre.get("/main")
    assert (await the_item(house, item)).last_result == "success"


@pytest.mark.parametrize(("status", "state"), [(403, "frozen"), (200, "active")])
async def test_the_login_form_with_an_error_after_a_redirect_is_a_refusal(
    cadre: Browser, item: Item, legacy: LegacyServer, house: House, status: int, state: str
) -> None:
    legacy.answers["POST /login"] = RedirectResponse("/desk?user=w", 302)
    form = login_page("/desk") if status >= 400 else HOME
    legacy.answers["GET /desk"] = Response(form.body, status, media_type="text/html")
    await sign_in(cadre)
    assert (await the_item(house, item)).last_result == "success"
    await cadre.get("/desk?user=w")
    assert (await the_item(house, item)).state == state


@pytest.mark.parametrize(("said", "state"), [("<p>Invalid Username or Password.</p>", "frozen"), ("", "active")])
async def test_the_login_form_where_a_redirect_leads_is_a_refusal_when_it_says_so(
    cadre: Browser, item: Item, legacy: LegacyServer, house: House, said: str, state: str
) -> None:
    """A front page may show its login box to everybody; one that complains of the password shows it again."""
    legacy.answers["POST /login"] = RedirectResponse("/cmd?cmd=form", 302)
    form = bytes(login_page("/login").body).replace(b"<form", said.encode() + b"<form")
    legacy.answers["GET /cmd"] = Response(form, media_type="text/html")
    await sign_in(cadre)
    await cadre.get("/cmd?cmd=form")
    assert (await the_item(house, item)).state == state


async def test_the_login_form_with_an_error_at_its_own_address_is_a_refusal(
    open_browser: Open, add_system: AddSystem, add_item: AddItem, legacy: LegacyServer, house: House
) -> None:
    """A program of one address signs in by going on to that address with other parameters."""
    system, cadre = await add_system(login_path="/"), await open_browser()
    await cadre.sign_in()
    item = await add_item(cadre, system)
    legacy.answers["GET /"] = login_page("/")
    legacy.answers["POST /"] = RedirectResponse("/?username=w", 302)
    await sign_in(cadre, "/")
    legacy.answers["GET /"] = Response("<h1>no such database</h1>", 403, media_type="text/html")
    await cadre.get("/?username=w&db=oa")
    assert (await the_item(house, item)).last_result == "unknown", "an error says nothing about the password"
    legacy.answers["GET /"] = Response(login_page("/").body, 403, media_type="text/html")
    await cadre.get("/?username=w")
    assert (await the_item(house, item)).state == "frozen"


async def test_a_page_without_a_type_is_read_as_what_it_begins_like(
    cadre: Browser, item: Item, legacy: LegacyServer
) -> None:
    page = bytes(login_page().body)
    legacy.answers["GET /login"] = Response(page)
    assert (await cadre.get("/login")).told is not None
    legacy.answers["GET /login"] = Response(page, headers={"x-content-type-options": "nosniff"})
    assert (await cadre.get("/login")).told is None
    legacy.answers["GET /file"] = Response(b"\x00\x01 no page")
    assert (await cadre.get("/file")).body == b"\x00\x01 no page"


@pytest.mark.parametrize(("answer", "presses"), [({"hello": "world"}, False), ({"success": True}, True)])
async def test_after_an_answer_that_tells_nothing_the_person_presses(
    cadre: Browser, item: Item, legacy: LegacyServer, house: House, answer: dict[str, object], *, presses: bool
) -> None:
    """It may have been a refusal; pressed again by itself at every launch, it would lead into a lock-out."""
    legacy.answers["POST /login"] = JSONResponse(answer)
    await house.launcher.launch(cadre.session, "oa")
    await sign_in(cadre)
    await house.launcher.launch(cadre.session, "oa")
    told = (await cadre.get("/login")).told
    assert told is not None
    assert told["presses"] is presses


@pytest.mark.parametrize(
    "echo",
    [
        SECRET,
        quote_plus(SECRET),
        base64.b64encode(f"{LOGIN}:{SECRET}".encode()).decode(),
        base64.urlsafe_b64encode(f"1{LOGIN}:{SECRET}".encode()).decode().rstrip("="),
        base64.b64encode(f"12{LOGIN}:{SECRET};more".encode()).decode(),
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
    ],
)
async def test_an_echo_on_the_pages_that_follow_is_taken_out_for_as_long_as_the_visit_lives(
    cadre: Browser, item: Item, legacy: LegacyServer, clock: FrozenClock, echo: str
) -> None:
    legacy.answers["POST /login"] = RedirectResponse("/again", 302)
    legacy.answers["GET /again"] = Response(f'<input value="{echo}">', media_type="text/html")
    legacy.answers["GET /api/me"] = JSONResponse(
        {"typed": echo}, headers={"x-typed": echo.encode("ascii", "ignore").hex()}
    )
    await sign_in(cadre)
    for shown in (await cadre.get("/again"), await cadre.fetch("/api/me")):
        assert "******" in shown.text
        assert SECRET not in shown.text
        assert echo not in shown.text
    clock.advance(timedelta(minutes=20))
    cadre.jar["oa"].pop("yimen-echo", None)
    assert "******" in (await cadre.get("/again")).text


async def test_a_request_that_is_to_be_repeated_elsewhere_carries_the_password_there(
    cadre: Browser, item: Item, legacy: LegacyServer, house: House
) -> None:
    legacy.answers["POST /login"] = RedirectResponse("/login/", 307)
    legacy.answers["POST /login/"] = JSONResponse({"success": True})
    page = await cadre.get("/login")
    fields = {"username": LOGIN, "password": page.dummy}
    await cadre.post("/login", fields)
    assert (await the_item(house, item)).last_result is None
    await cadre.post("/login/", fields)
    assert legacy.posted("/login/") == [urlencode({"username": LOGIN, "password": SECRET}).encode()]
    assert (await the_item(house, item)).last_result == "success"


@pytest.mark.parametrize(("seconds", "posted"), [(5, 2), (16, 1)])
async def test_a_sign_in_that_was_checked_first_is_sent_once_more_at_once(
    cadre: Browser, item: Item, legacy: LegacyServer, clock: FrozenClock, seconds: int, posted: int
) -> None:
    legacy.answers["POST /login"] = JSONResponse({"success": True})
    page = await cadre.get("/login")
    await cadre.post("/login", {"username": LOGIN, "password": page.dummy})
    clock.advance(timedelta(seconds=seconds))
    await cadre.post("/login", {"username": LOGIN, "password": page.dummy})
    assert len(legacy.posted()) == posted


async def test_a_refused_sign_in_is_not_sent_once_more(cadre: Browser, item: Item, legacy: LegacyServer) -> None:
    legacy.answers["POST /login"] = JSONResponse({"code": 200, "msg": "用户名或密码错误"})
    page = await cadre.get("/login")
    await cadre.post("/login", {"username": LOGIN, "password": page.dummy})
    assert (await cadre.post("/login", {"username": LOGIN, "password": page.dummy})).error is not None
    assert len(legacy.posted()) == 1


# What a page made of its dummy


async def test_what_a_page_made_of_an_untouched_dummy_is_not_sent(
    cadre: Browser, item: Item, legacy: LegacyServer
) -> None:
    page = await cadre.get("/login")
    assert page.told is not None
    cadre.jar["oa"]["yimen-filled"] = page.told["fill"]
    body = urlencode({"username": LOGIN, "password": page.dummy[::-1]}).encode()
    stopped = await cadre.fetch("/login", "POST", body, content_type=FORM)
    assert stopped.error == "ERR-NEEDS_RECIPE"
    assert legacy.posted() == []
    # The page's own script hides the answer; ours reads this.
    assert cadre.jar["oa"]["yimen-refused"] == "ERR-NEEDS_RECIPE"

    del cadre.jar["oa"]["yimen-filled"]
    await cadre.fetch("/login", "POST", body, content_type=FORM)
    assert legacy.posted() == [body], "a person has typed over it"


async def test_a_salt_that_the_pages_script_asked_for_is_tried(
    cadre: Browser, item: Item, legacy: LegacyServer
) -> None:
    legacy.answers["GET /api/salt"] = JSONResponse({"data": {"salt": "Q8xW2z"}})
    page = await cadre.get("/login")
    assert page.told is not None
    cadre.jar["oa"]["yimen-filled"] = page.told["fill"]
    await cadre.fetch("/api/salt")
    made = md5(f"{md5(page.dummy.encode()).hexdigest()}Q8xW2z".encode()).hexdigest()
    await cadre.post("/login", {"username": LOGIN, "password": made})
    wanted = md5(f"{md5(SECRET.encode()).hexdigest()}Q8xW2z".encode()).hexdigest()
    assert legacy.posted() == [urlencode({"username": LOGIN, "password": wanted}).encode()]


# A script that signs in by a header field


def basic(login: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()


async def test_a_script_that_sends_basic_fields_is_signed_in_for_as_long_as_it_does(
    cadre: Browser, item: Item, legacy: LegacyServer, launch: Launch, house: House
) -> None:
    page = await launch(cadre)
    for _ in range(3):
        answer = await cadre.fetch("/api/files", authorization=basic(LOGIN, page.dummy))
        assert answer.status == 200
        assert legacy.last.all("authorization") == [basic(LOGIN, SECRET)]
    assert (await the_item(house, item)).last_result == "success"
    found = await house.audit.query(LedgerQuery(action="gateway.result"))
    assert len(found.events) == 1


async def test_a_basic_field_is_refused_where_the_system_signs_in_by_a_form(
    cadre: Browser, item: Item, legacy: LegacyServer
) -> None:
    page = await cadre.get("/login")
    before = len(legacy.received)
    refused = await cadre.fetch("/api/files", authorization=basic(LOGIN, page.dummy))
    assert refused.error == "ERR-LOGIN_CHANGED"
    assert len(legacy.received) == before


@pytest.mark.parametrize("login", ["li", ""])
async def test_a_basic_field_with_another_name_is_refused(
    cadre: Browser, item: Item, legacy: LegacyServer, launch: Launch, login: str
) -> None:
    page = await launch(cadre)
    before = len(legacy.received)
    assert (await cadre.fetch("/api/files", authorization=basic(login, page.dummy))).error == "ERR-FILL"
    assert len(legacy.received) == before


async def test_a_refused_basic_field_freezes_its_item(
    cadre: Browser, item: Item, legacy: LegacyServer, house: House, launch: Launch
) -> None:
    legacy.answers["GET /api/files"] = Response(status_code=401)
    page = await launch(cadre)
    assert (await cadre.fetch("/api/files", authorization=basic(LOGIN, page.dummy))).error == "ERR-ITEM_FROZEN"
    assert (await cadre.fetch("/api/files", authorization=basic(LOGIN, page.dummy))).error is not None
    assert (await the_item(house, item)).state == "frozen"
    assert [one.target for one in legacy.received].count("/api/files") == 1


# The gateway's own address, sent back


async def test_the_gateways_address_is_the_systems_own_wherever_a_page_sends_it(
    cadre: Browser, legacy: LegacyServer, legacy_origin: str
) -> None:
    gateway = f"http://{cadre.authority('oa')}"
    await cadre.get(f"/go?back={quote_plus(gateway)}%2Fmain")
    assert legacy.last.target == f"/go?back={quote_plus(legacy_origin)}%2Fmain"
    await cadre.post("/save", {"came_from": f"{gateway}/list"})
    assert legacy.last.body == urlencode({"came_from": f"{legacy_origin}/list"}).encode()


# What a person types


async def offer_at(cadre: Browser, legacy: LegacyServer, page: str = "/main") -> str:
    """The address that asks whether to keep what was typed; empty where nothing is offered."""
    legacy.answers[f"GET {page}"] = HOME
    told = (await cadre.get(page)).told
    address = "" if told is None else str(told.get("notice", {}).get("address", ""))
    return address if "/captures/" in address else ""


async def offered(cadre: Browser, legacy: LegacyServer, page: str = "/main") -> bool:
    return await offer_at(cadre, legacy, page) != ""


@pytest.mark.parametrize("is_kept", [True, False])
@pytest.mark.every_case
async def test_an_offer_is_taken_or_declined_once(
    cadre: Browser, legacy: LegacyServer, house: House, *, is_kept: bool
) -> None:
    await cadre.get("/login")
    legacy.answers["POST /login"] = RedirectResponse("/main", 302)
    await cadre.post("/login", {"username": "me", "password": "my-own-1"})
    capture_id = (await offer_at(cadre, legacy)).rpartition("/")[2]
    user = cadre.session.user
    async with house.database.write() as connection:
        assert (await house.captures.find(connection, capture_id, user)).id == capture_id
        if is_kept:
            await house.captures.keep(connection, capture_id, user, house.systems)
        else:
            await house.captures.discard(connection, capture_id, user)
        assert len(await house.items.list(connection, owners=(f"user:{user.id}",))) == is_kept
    async with house.database.read() as connection:
        with pytest.raises(ConnectorError, match="ERR-CAPTURE"):
            await house.captures.find(connection, capture_id, user)


async def test_what_was_typed_is_offered_where_the_login_page_is_the_first_page_too(
    cadre: Browser, legacy: LegacyServer
) -> None:
    legacy.answers["GET /admin/"] = login_page("/admin/")
    legacy.answers["POST /admin/"] = RedirectResponse("/admin/", 302)
    await cadre.get("/admin/")
    await cadre.post("/admin/", {"username": "me", "password": "my-own-1"})
    assert await offered(cadre, legacy, "/admin/")


async def test_what_was_refused_on_the_page_that_follows_is_not_offered(cadre: Browser, legacy: LegacyServer) -> None:
    legacy.answers["GET /index.php"] = login_page("/index.php")
    legacy.answers["POST /index.php"] = RedirectResponse("/index.php", 302)
    await cadre.get("/index.php")
    await cadre.post("/index.php", {"username": "me", "password": "my-own-1"})
    shown = await cadre.get("/index.php")
    assert shown.told is not None
    assert "notice" not in shown.told


@pytest.mark.parametrize(
    ("sent", "typed", "is_offered"),
    [
        ("my-own-1", "8", True),
        ("my-own-1", "", True),
        ("bXktb3duLTE=", "8", False),
        (md5(b"my-own-1").hexdigest(), "", False),
        ("溪头镇🙂", "5", True),
    ],
)
async def test_what_the_page_made_of_a_typed_password_is_not_kept(
    cadre: Browser, legacy: LegacyServer, sent: str, typed: str, *, is_offered: bool
) -> None:
    await cadre.get("/login")
    cadre.jar["oa"]["yimen-typed"] = typed
    legacy.answers["POST /login"] = RedirectResponse("/main", 302)
    await cadre.post("/login", {"username": "me", "password": sent})
    assert await offered(cadre, legacy) is is_offered


async def test_a_page_that_stays_is_told_that_the_account_can_be_kept(cadre: Browser, legacy: LegacyServer) -> None:
    page = await cadre.get("/login")
    assert page.told is not None
    assert page.told["offer"]["address"].endswith("/captures/")
    legacy.answers["POST /login"] = JSONResponse({"success": True})
    await cadre.fetch("/login", "POST", b"username=me&password=my-own-1", content_type=FORM)
    assert cadre.jar["oa"]["yimen-offer"]


async def test_the_length_of_an_answer_without_a_body_is_the_systems(cadre: Browser, legacy: LegacyServer) -> None:
    legacy.answers["HEAD /file"] = Response(headers={"content-length": "52428800"})
    assert (await cadre.send("HEAD", "/file")).get("content-length") == "52428800"


async def test_pages_whose_scripts_lead_on_to_the_login_keep_the_launch_until_the_password_is_sent(
    cadre: Browser, item: Item, legacy: LegacyServer, launch: Launch, house: House
) -> None:
    """A console that its script draws asks for further pages of the same kind before it shows the login."""
    drawn = Response('<div id="root"></div><script src="/app.js"></script>', media_type="text/html")
    for path in ("/login", "/console", "/cookies"):
        legacy.answers[f"GET {path}"] = drawn
    legacy.answers["GET /auth"] = login_page("/auth")
    legacy.answers["POST /auth"] = RedirectResponse("/console", 302)
    await launch(cadre)
    for path in ("/console", "/cookies"):
        assert (await cadre.get(path)).told is not None
    page = await cadre.get("/auth")
    assert page.told is not None
    assert page.told["presses"]
    await house.launcher.launch(cadre.session, "oa")
    await cadre.post("/auth", {"username": LOGIN, "password": page.dummy})
    assert legacy.posted("/auth") == [urlencode({"username": LOGIN, "password": SECRET}).encode()]
    assert not ((await cadre.get("/login")).told or {}).get("presses", False)


async def test_our_own_address_stays_whole_where_it_is_the_same_word_as_the_password(
    open_browser: Open, add_system: AddSystem, house: House, legacy: LegacyServer, legacy_origin: str
) -> None:
    system, cadre = await add_system("platform"), await open_browser()
    await cadre.sign_in(slug="platform")
    async with house.database.write() as connection:
        await house.items.add(
            connection,
            owner=f"user:{cadre.session.user.id}",
            system=system.id,
            destination=system.destination,
            login=LOGIN,
            secret=bytearray(b"platform"),
            actor="operator:test",
        )
    legacy.answers["POST /login"] = RedirectResponse(f"{legacy_origin}/main?typed=platform", 302)
    page = await cadre.get("/login", slug="platform")
    origin = f"http://{cadre.authority('platform')}"
    body = urlencode({"username": LOGIN, "password": page.dummy}).encode()
    headers = {"origin": origin, "referer": f"{origin}/login", "content-type": FORM, "sec-fetch-mode": "navigate"}
    moved = await cadre.send("POST", "/login", slug="platform", headers=headers, body=body)
    assert moved.location == f"{origin}/main?typed=******"
