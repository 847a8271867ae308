"""Signing in by a message over a WebSocket: where the password goes, where it never goes, and how it is told."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from connectors.legacy.recipe.recipe import parse_recipe
from connectors.login_requests.store import Known
from connectors.systems import System
from core.clock import FrozenClock
from tests.connectors.gateway.browser import Browser, Shown
from tests.connectors.gateway.conftest import LOGIN, SECRET, AddItem, AddSystem, Launch, Open
from tests.connectors.gateway.upstream import LegacyServer, Received
from vault.items import Item
from vault.ledger.queries import LedgerQuery
from web.composition import House

SHELL = "<!doctype html><html><head><title>Uptime</title></head><body><div id=app></div><script src=/app.js></script>"
ENGINE = "/socket.io/?EIO=4&transport=websocket"
SOCKJS = "/sockjs/402/k3jx9a0b/websocket"
Ask = Callable[[str], str]


class SocketServer:
    """A legacy application that signs in over a socket. `replies` makes the answers to a message that is heard."""

    def __init__(self, greeting: str = "", replies: Callable[[str], Sequence[str]] = lambda _: ()) -> None:
        self.greeting = greeting
        self.replies = replies
        self.heard: list[str] = []
        self.cookies: list[str] = []

    async def __call__(self, socket: WebSocket) -> None:
        self.cookies.append(socket.headers.get("cookie", ""))
        await socket.accept()
        if self.greeting:
            await socket.send_text(self.greeting)
        with suppress(WebSocketDisconnect):
            while True:
                message = await socket.receive_text()
                self.heard.append(message)
                for reply in self.replies(message):
                    await socket.send_text(reply)

    @property
    def told(self) -> str:
        return "\n".join(self.heard)


def engine_server(*replies: str) -> SocketServer:
    return SocketServer('0{"sid":"s1","upgrades":[],"pingInterval":25000}', lambda _: replies)


@pytest.fixture
def server(legacy: LegacyServer) -> SocketServer:
    """Socket.IO, with an acknowledgement that accepts whatever comes."""
    server = engine_server('431[{"ok":true,"token":"t"}]')
    legacy.answers["GET /login"] = Response(SHELL, media_type="text/html")
    legacy.sockets["/socket.io/"] = server
    return server


def event(page: Shown, name: str = "login", answer: str = "1", **more: object) -> str:
    return f"42{answer}" + json.dumps([name, {"username": LOGIN, "password": page.dummy, **more}])


async def learned(house: House, system: System, browser: Browser) -> Sequence[Known]:
    async with house.database.read() as connection:
        return (await house.login_requests.known_for(connection, system.login, browser.session.user.id)).requests


async def sign_in(
    browser: Browser, message: str, path: str = ENGINE, *, is_greeted: bool = True, answers: int = 1
) -> str | None:
    """Sends one message over a new socket; gives what comes back last, or None where the gateway ends the socket."""
    async with browser.connect(path) as socket:
        if is_greeted:
            await socket.receive()
        await socket.send_str(message)
        for _ in range(answers):
            answer = await asyncio.wait_for(socket.receive(), 20)
        if answer.type is aiohttp.WSMsgType.CLOSE:
            assert socket.close_code == 1008
            return None
        assert isinstance(answer.data, str)
        return answer.data


# What is put in


async def test_a_supervised_sign_in_over_a_socket_is_put_in_and_learned(
    cadre: Browser, item: Item, house: House, oa: System, server: SocketServer, launch: Launch
) -> None:
    page = await launch(cadre)
    assert await sign_in(cadre, event(page)) == '431[{"ok":true,"token":"t"}]'
    assert json.loads(server.heard[0][3:]) == ["login", {"username": LOGIN, "password": SECRET}]
    (known,) = await learned(house, oa, cadre)
    request = known.request
    assert (request.method, request.path, request.query, request.kind) == ("SOCKET", "/socket.io/", {}, "socket.io")
    assert (request.username, dict(request.passwords), dict(request.constants)) == (
        "/1/username",
        {"/1/password": "password"},  # pragma: allowlist secret
        {"/0": "login"},
    )
    assert known.is_confirmed
    assert (await house_item(house, item)).last_result == "success"


async def house_item(house: House, item: Item) -> Item:
    async with house.database.read() as connection:
        return await house.items.find(connection, item.id)


async def test_what_was_learned_is_put_in_the_next_day_whatever_number_and_session_it_has(
    cadre: Browser, item: Item, server: SocketServer, launch: Launch
) -> None:
    await sign_in(cadre, event(await launch(cadre)))
    page = await launch(cadre)
    server.replies = lambda _: ('4317[{"ok":true,"token":"t"}]',)
    other = "/socket.io/?EIO=4&transport=websocket&sid=abc&t=Pq1"
    assert await sign_in(cadre, event(page, answer="17"), other) is not None
    assert SECRET in json.loads(server.heard[1][4:])[1]["password"]


async def test_what_was_learned_is_filled_where_the_login_path_leads_on_to_a_page_that_a_script_draws(
    cadre: Browser, item: Item, legacy: LegacyServer, server: SocketServer, launch: Launch
) -> None:
    legacy.answers["GET /login"] = RedirectResponse("/dashboard", 302)
    legacy.answers["GET /dashboard"] = Response(SHELL, media_type="text/html")
    for _ in range(2):
        assert (await launch(cadre)).location.endswith("/dashboard")
        assert await sign_in(cadre, event(await cadre.get("/dashboard"))) is not None
    assert (await cadre.get("/dashboard")).told is None
    assert len(server.heard) == 2


def ddp(page: Shown) -> dict[str, Any]:
    digest = {"digest": hashlib.sha256(page.dummy.encode()).hexdigest(), "algorithm": "sha-256"}
    return {
        "msg": "method",
        "id": "4",
        "method": "login",
        "params": [{"user": {"username": LOGIN}, "password": digest}],
    }


async def test_a_digest_in_ddp_over_sockjs_becomes_that_of_the_password(
    cadre: Browser, item: Item, house: House, oa: System, legacy: LegacyServer, launch: Launch
) -> None:
    answer = json.dumps({"msg": "result", "id": "4", "result": {"id": "u", "token": "t"}})
    server = SocketServer("o", lambda _: ("h", "a" + json.dumps([answer])))
    legacy.answers["GET /login"] = Response(SHELL, media_type="text/html")
    legacy.sockets[SOCKJS] = server
    page = await launch(cadre)
    assert await sign_in(cadre, json.dumps([json.dumps(ddp(page))]), SOCKJS, answers=2)
    sent = json.loads(json.loads(server.heard[0])[0])
    assert sent["params"][0]["password"]["digest"] == hashlib.sha256(SECRET.encode()).hexdigest()
    (known,) = await learned(house, oa, cadre)
    assert known.request.path == "/sockjs/*/*/websocket"
    assert dict(known.request.passwords) == {"/params/0/password/digest": "sha256(password)"}
    assert dict(known.request.constants) == {"/msg": "method", "/method": "login"}


PLAIN = [
    ('{{"type":"login","username":"{login}","password":"{dummy}"}}', '{"type":"login","ok":true}'),
    (
        '{{"jsonrpc":"2.0","id":7,"method":"auth.login","params":["{login}","{dummy}"]}}',
        '{"id":7,"result":{"token":"t"}}',
    ),
    (
        '{{"type":1,"invocationId":"0","target":"Login","arguments":["{login}","{dummy}"]}}\x1e',
        '{"type":3,"invocationId":"0","result":true}\x1e',
    ),
]


@pytest.mark.parametrize(("asks", "answers"), PLAIN)
async def test_json_alone_and_signalr_are_put_in_and_learned(
    cadre: Browser, item: Item, house: House, oa: System, legacy: LegacyServer, launch: Launch, asks: str, answers: str
) -> None:
    server = SocketServer(replies=lambda _: (answers,))
    legacy.answers["GET /login"] = Response(SHELL, media_type="text/html")
    legacy.sockets["/ws"] = server
    page = await launch(cadre)
    message = asks.format(login=LOGIN, dummy=page.dummy)
    assert await sign_in(cadre, message, "/ws", is_greeted=False) == answers
    assert json.dumps(SECRET, ensure_ascii=False)[1:-1] in server.told
    assert [one.is_confirmed for one in await learned(house, oa, cadre)] == [True]


async def test_an_event_without_a_number_is_answered_by_the_one_that_speaks_of_it(
    cadre: Browser, item: Item, house: House, oa: System, server: SocketServer, launch: Launch
) -> None:
    server.replies = lambda _: ('42["news",{"error":"disk full"}]', '42["auth:success"]')
    assert await sign_in(cadre, event(await launch(cadre), "auth:perform", answer=""), answers=2)
    assert [one.is_confirmed for one in await learned(house, oa, cadre)] == [True]


RECIPE = """id: chat
request:
  path: /socket.io/
  content: socket.io
  password_field: /1/key
  constant: {/0: enter}
transform: sha256(password)
outcome:
  success: [{pointer: /0, equals: 7}]
"""


async def test_a_recipe_says_where_a_message_takes_the_password_and_how_success_looks(
    open_browser: Open, add_system: AddSystem, add_item: AddItem, server: SocketServer, house: House, launch: Launch
) -> None:
    async with house.database.write() as connection:
        await house.recipes.upsert(connection, parse_recipe(RECIPE), actor="operator:test")
    system = await add_system(recipe="chat")
    browser = await open_browser()
    await browser.sign_in()
    item = await add_item(browser, system)
    page = await launch(browser)
    server.replies = lambda _: ("431[7]",)
    digest = hashlib.sha256(page.dummy.encode()).hexdigest()
    assert await sign_in(browser, f'421["leave",{{"key":"{page.dummy}"}}]') is None
    assert await sign_in(browser, f'421["enter",{{"key":"{digest}"}}]') == "431[7]"
    assert json.loads(server.heard[0][3:])[1]["key"] == hashlib.sha256(SECRET.encode()).hexdigest()
    assert (await house_item(house, item)).last_result == "success"


async def test_an_empty_acknowledgement_is_followed_by_what_it_says(
    cadre: Browser, item: Item, house: House, server: SocketServer, launch: Launch
) -> None:
    server.replies = lambda _: ("431[]", '42["login:success"]')
    await sign_in(cadre, event(await launch(cadre)), answers=2)
    assert (await house_item(house, item)).last_result == "success"


# How it went


@pytest.mark.parametrize(
    "answer",
    [
        '431[{"ok":false,"msg":"authIncorrectCreds"}]',
        '431["Invalid password"]',
        '42["auth:failed"]',
        '42["loginError",{"message":"密码错误"}]',
        '42["unauthorized"]',
    ],
)
async def test_a_refused_password_freezes_the_account_and_teaches_nothing(
    cadre: Browser, item: Item, house: House, oa: System, server: SocketServer, launch: Launch, answer: str
) -> None:
    server.replies = lambda _: (answer,)
    assert await sign_in(cadre, event(await launch(cadre))) == answer
    assert (await house_item(house, item)).state == "frozen"
    assert not await learned(house, oa, cadre)


@pytest.mark.parametrize(
    "answer", ["432[{}]", '431[{"tokenRequired":true}]', '42["news",{"ok":true}]', "2", '42["login']
)
async def test_what_tells_nothing_leaves_it_unknown(
    cadre: Browser, item: Item, house: House, oa: System, server: SocketServer, launch: Launch, answer: str
) -> None:
    server.replies = lambda _: (answer,)
    assert await sign_in(cadre, event(await launch(cadre))) == answer
    now = await house_item(house, item)
    assert (now.state, now.last_result) == ("active", "unknown")
    assert not await learned(house, oa, cadre)
    assert (await launch(cadre)).told["presses"] is False  # type: ignore[index]


async def test_the_attempt_and_its_end_stand_in_the_ledger(
    cadre: Browser, item: Item, house: House, server: SocketServer, launch: Launch
) -> None:
    await sign_in(cadre, event(await launch(cadre)))
    released = await house.audit.query(LedgerQuery(action="vault.release"))
    ended = await house.audit.query(LedgerQuery(action="gateway.result"))
    assert len(released.events) == len(ended.events) == 1


async def test_no_echo_of_the_password_comes_back_over_the_socket(
    cadre: Browser, item: Item, legacy: LegacyServer, launch: Launch
) -> None:
    legacy.answers["GET /login"] = Response(SHELL, media_type="text/html")
    closing = SECRET.encode()[:20].decode("utf-8", "ignore")

    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        heard = await socket.receive_text()
        await socket.send_text(heard)
        await socket.send_bytes(heard.encode())
        await socket.close(4000, json.loads(heard)["password"][:40])

    legacy.sockets["/ws"] = echo
    page = await launch(cadre)
    async with cadre.connect("/ws") as socket:
        await socket.send_str(json.dumps({"type": "login", "username": LOGIN, "password": page.dummy}))
        received = [await asyncio.wait_for(socket.receive(), 20) for _ in range(3)]
    assert [one.type for one in received] == [aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.CLOSE]
    assert closing not in str(received)
    assert "******" in str(received[2].extra)


# Where it never goes

HOSTILE = [
    '42["msg","{dummy}"]',
    '42["login","{dummy}"]',
    '42["msg",{{"username":"{login}","password":"{dummy}"}}]',
    '42["chat:message",{{"username":"{login}","password":"{dummy}"}}]',
    '42["session:update",{{"username":"{login}","password":"{dummy}"}}]',
    '42["login",{{"username":"{login}","password":"{dummy}","text":"look at this"}}]',
    '42["login",{{"username":"{login}","password":"{dummy}","again":"{dummy}"}}]',
    '42["login",{{"username":"{login}","password":"{dummy}","password":"{dummy}"}}]',
    '42["login",{{"username":"{login}","password":"{dummy}","Password":"x"}}]',
    '42["login",{{"username":"{login}","password":"my {dummy}"}}]',  # pragma: allowlist secret
    '42["login","{{\\"username\\":\\"{login}\\",\\"password\\":\\"{dummy}\\"}}"]',
    '42["login",{{"username":"{login}","{dummy}":"x"}}]',
    '42["login",{{"username":"{login}","password":"{dummy}"}}]\x1e42["x"]',
    '42["login",{{"username":"{login}","password":"{dummy}"}}] 42["x"]',
    '451-["login",{{"username":"{login}","password":"{dummy}"}}]',
    '43["login",{{"username":"{login}","password":"{dummy}"}}]',
    '{{"type":"login","username":"{login}","password":"{dummy}"}}',
    "CONNECT\nlogin:{login}\npasscode:{dummy}\n\n\x00",
    "{dummy}",
]


@pytest.mark.parametrize("template", HOSTILE)
async def test_a_hostile_page_finds_no_message_that_takes_the_password_to_learn(
    cadre: Browser, item: Item, server: SocketServer, launch: Launch, template: str
) -> None:
    page = await launch(cadre)
    assert await sign_in(cadre, template.format(login=LOGIN, dummy=page.dummy)) is None
    assert server.heard == []


@pytest.mark.parametrize(
    "template",
    [
        *HOSTILE,
        '42["auth",{{"username":"{login}","password":"{dummy}"}}]',
        '42/admin,["login",{{"username":"{login}","password":"{dummy}"}}]',
        '42["login",{{"username":"{login}","pass":"{dummy}"}}]',
        '42["login","x",{{"username":"{login}","password":"{dummy}"}}]',
    ],
)
async def test_once_learned_no_other_message_takes_it(
    cadre: Browser, item: Item, house: House, server: SocketServer, launch: Launch, template: str
) -> None:
    await sign_in(cadre, event(await launch(cadre)))
    server.heard.clear()
    page = await launch(cadre)
    if '"text"' not in template:  # a login that is known may have more fields, as one over HTTP may
        assert await sign_in(cadre, template.format(login=LOGIN, dummy=page.dummy)) is None
        assert server.heard == []
        refused = await house.audit.query(LedgerQuery(action="gateway.swap", result="refused"))
        assert page.dummy not in str(refused.events)
        assert refused.events


async def test_a_dummy_is_put_into_one_message_and_no_second(
    cadre: Browser, item: Item, server: SocketServer, launch: Launch
) -> None:
    page = await launch(cadre)
    assert await sign_in(cadre, event(page)) is not None
    assert await sign_in(cadre, event(page)) is None
    assert len(server.heard) == 1


async def test_a_second_press_while_the_system_thinks_sends_nothing(
    cadre: Browser, item: Item, server: SocketServer, launch: Launch
) -> None:
    server.replies = lambda heard: ('431[{"ok":true}]',) if "ping" in heard else ()
    page = await launch(cadre)
    async with cadre.connect(ENGINE) as socket:
        await socket.receive()
        for message in (event(page), event(page, answer="2"), '42["ping"]'):
            await socket.send_str(message)
        assert await asyncio.wait_for(socket.receive_str(), 20) == '431[{"ok":true}]'
    assert [one[:3] for one in server.heard] == ["421", "42["]


async def test_a_page_that_encrypts_needs_a_recipe(
    cadre: Browser, item: Item, server: SocketServer, launch: Launch
) -> None:
    await launch(cadre)
    sealed = "q83vEjRWeJASNFZ4kBI0VniQEjRWeJASNFZ4kBI0VniQ"  # pragma: allowlist secret
    message = f'421["login",{{"username":"{LOGIN}","password":"{sealed}"}}]'
    assert await sign_in(cadre, message) is None
    assert server.heard == []


@pytest.mark.parametrize("extra", ["x" * 70_000, ""])
async def test_what_is_too_long_or_binary_takes_nothing(
    cadre: Browser, item: Item, server: SocketServer, launch: Launch, extra: str
) -> None:
    page = await launch(cadre)
    async with cadre.connect(ENGINE) as socket:
        await socket.receive()
        if extra:
            await socket.send_str(event(page, token=extra))
        else:
            await socket.send_bytes(event(page).encode())
        assert (await asyncio.wait_for(socket.receive(), 20)).type is aiohttp.WSMsgType.CLOSE
    assert server.heard == []


# Sockets of other days


async def test_a_socket_that_was_open_before_the_page_teaches_nothing(
    cadre: Browser, item: Item, server: SocketServer, launch: Launch, clock: FrozenClock
) -> None:
    async with cadre.connect(ENGINE) as socket:
        await socket.receive()
        clock.advance(timedelta(seconds=1))
        page = await launch(cadre)
        await socket.send_str(event(page))
        assert (await asyncio.wait_for(socket.receive(), 20)).type is aiohttp.WSMsgType.CLOSE
    assert server.heard == []


async def test_an_engine_io_session_of_other_days_teaches_nothing(
    cadre: Browser, item: Item, server: SocketServer, launch: Launch
) -> None:
    page = await launch(cadre)
    assert await sign_in(cadre, event(page), f"{ENGINE}&sid=old") is None
    assert server.heard == []


async def test_a_socket_that_does_not_speak_engine_io_teaches_nothing_in_its_framing(
    cadre: Browser, item: Item, server: SocketServer, launch: Launch
) -> None:
    """A server of plain texts would take the message for one."""
    server.greeting = "welcome"
    page = await launch(cadre)
    assert await sign_in(cadre, event(page)) is None
    assert server.heard == []


async def test_in_a_supervised_sign_in_a_socket_opens_without_the_cookies_of_other_days(
    cadre: Browser, item: Item, legacy: LegacyServer, server: SocketServer, launch: Launch
) -> None:
    def page(_: Received) -> Response:
        return Response(SHELL, media_type="text/html", headers={"set-cookie": "fresh=1"})

    cadre.jar["oa"]["old"] = "1"
    legacy.answers["GET /login"] = page
    await sign_in(cadre, event(await launch(cadre)))
    assert server.cookies == ["fresh=1"]
    async with cadre.connect(ENGINE) as socket:
        await socket.receive()
    assert sorted(server.cookies[1].split("; ")) == ["fresh=1", "old=1"]


@pytest.mark.parametrize("where", ["target", "protocol"])
async def test_a_dummy_in_the_handshake_opens_no_socket(
    cadre: Browser, item: Item, server: SocketServer, launch: Launch, where: str
) -> None:
    page = await launch(cadre)
    target = f"{ENGINE}&token={page.dummy}" if where == "target" else ENGINE
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with cadre.connect(target, protocols=(page.dummy,) if where == "protocol" else ()):
            pass
    assert server.cookies == []


async def test_a_system_may_demand_a_signature_first(
    open_browser: Open, add_system: AddSystem, add_item: AddItem, server: SocketServer, house: House, launch: Launch
) -> None:
    """Signed, what one person's sign-in has shown counts for another one's."""
    system = await add_system(signed_login=True)
    first, other = await open_browser(), await open_browser("other")
    for browser in (first, other):
        await browser.sign_in()
        await add_item(browser, system)
    assert await sign_in(first, event(await launch(first))) is None
    assert server.heard == []
    async with house.database.write() as connection:
        (waiting,) = await house.login_requests.list(connection)
        await house.login_requests.sign(connection, waiting.id, actor="user:aq")
    assert await sign_in(other, event(await launch(other))) is not None
    assert len(server.heard) == 1


# Engine.IO over HTTP


@pytest.fixture
def polled(legacy: LegacyServer, server: SocketServer) -> list[str]:
    """What was posted, of a server that answers the next GET with what stands in `pending`."""
    posted: list[str] = []

    def get(received: Received) -> Response:
        first = '0{"sid":"p1","upgrades":["websocket"]}'
        answer = '2\x1e431[{"ok":true,"token":"t"}]' if "sid=" in received.target else first
        return Response(answer, media_type="text/plain")

    def post(received: Received) -> Response:
        posted.append(received.body.decode())
        return Response("ok", media_type="text/html")

    legacy.answers["GET /socket.io/"] = get
    legacy.answers["POST /socket.io/"] = post
    return posted


POLLING = "/socket.io/?EIO=4&transport=polling&t=Pq0"


async def test_the_same_login_is_put_in_where_messages_go_over_http(
    cadre: Browser, item: Item, house: House, oa: System, polled: list[str], server: SocketServer, launch: Launch
) -> None:
    page = await launch(cadre)
    await cadre.fetch(POLLING)
    sent = await cadre.fetch(f"{POLLING}&sid=p1", "POST", event(page).encode(), content_type="text/plain;charset=UTF-8")
    assert (sent.status, sent.text) == (200, "ok")
    assert json.loads(polled[0][3:])[1]["password"] == SECRET
    assert (await house_item(house, item)).last_result == "unknown"
    assert "431" in (await cadre.fetch(f"{POLLING}&sid=p1")).text
    assert (await house_item(house, item)).last_result == "success"
    (known,) = await learned(house, oa, cadre)
    assert (known.request.path, known.request.query) == ("/socket.io/", {})
    assert await sign_in(cadre, event(await launch(cadre))) is not None
    assert SECRET in json.loads(server.heard[0][3:])[1]["password"]


@pytest.mark.parametrize("taken", [Response("ok"), Response(status_code=204), Response('{"success":true}')])
async def test_that_a_message_was_taken_over_http_says_nothing_of_the_password(
    cadre: Browser, item: Item, house: House, polled: list[str], legacy: LegacyServer, launch: Launch, taken: Response
) -> None:
    page = await launch(cadre)
    await cadre.fetch(POLLING)
    legacy.answers["POST /socket.io/"] = taken
    sent = await cadre.fetch(f"{POLLING}&sid=p1", "POST", event(page).encode(), content_type="text/plain;charset=UTF-8")
    assert sent.status == taken.status_code
    assert (await house_item(house, item)).last_result == "unknown"


async def test_a_session_that_began_over_http_is_known_in_its_socket(
    cadre: Browser, item: Item, polled: list[str], server: SocketServer, launch: Launch
) -> None:
    page = await launch(cadre)
    await cadre.fetch(POLLING)
    assert await sign_in(cadre, event(page), f"{ENGINE}&sid=p1") is not None
    assert len(server.heard) == 1


async def test_an_answer_that_was_asked_for_before_the_sign_in_shows_no_echo_either(
    cadre: Browser, item: Item, house: House, polled: list[str], legacy: LegacyServer, launch: Launch
) -> None:
    """A long poll waits at the system while the login is sent."""
    has_come = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        await has_come.wait()
        yield polled[0].replace("42", "43", 1).encode()

    page = await launch(cadre)
    await cadre.fetch(POLLING)
    legacy.answers["GET /socket.io/"] = lambda _: StreamingResponse(body(), media_type="text/plain")
    waiting = asyncio.create_task(cadre.fetch(f"{POLLING}&sid=p1"))
    await cadre.fetch(f"{POLLING}&sid=p1", "POST", event(page).encode(), content_type="text/plain;charset=UTF-8")
    has_come.set()
    shown = await asyncio.wait_for(waiting, 20)
    assert shown.text.startswith('431["login"')
    assert json.dumps(SECRET)[1:-1] not in shown.text
    assert SECRET not in json.loads(shown.text[3:])[1]["password"]


@pytest.mark.parametrize("session", ["&sid=old", "", "&sid=p1&sid=old"])
async def test_over_http_a_session_of_other_days_teaches_nothing(
    cadre: Browser, item: Item, polled: list[str], launch: Launch, session: str
) -> None:
    page = await launch(cadre)
    await cadre.fetch(POLLING)
    sent = await cadre.fetch(POLLING + session, "POST", event(page).encode(), content_type="text/plain;charset=UTF-8")
    assert sent.error == "ERR-FILL"
    assert polled == []


@pytest.mark.parametrize("body", ["25:{event}", '{event}\x1e42["x"]', "d={event}", '42["msg","{dummy}"]'])
async def test_over_http_nothing_but_one_event_takes_the_password(
    cadre: Browser, item: Item, polled: list[str], launch: Launch, body: str
) -> None:
    page = await launch(cadre)
    await cadre.fetch(POLLING)
    message = body.replace("{event}", event(page)).replace("{dummy}", page.dummy).encode()
    sent = await cadre.fetch(f"{POLLING}&sid=p1", "POST", message, content_type="text/plain;charset=UTF-8")
    assert sent.error == "ERR-FILL"
    assert polled == []
