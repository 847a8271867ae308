"""A system that shows the password again wherever an answer has room for it: the browser never gets it."""

import asyncio
import gzip
from collections.abc import AsyncIterator

import pytest
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.websockets import WebSocket

from tests.connectors.gateway.browser import Browser
from tests.connectors.gateway.conftest import LOGIN, SECRET, Open
from tests.connectors.gateway.upstream import LegacyServer, Received
from vault.items import Item
from vault.ledger.queries import LedgerQuery
from web.composition import House

HEX = SECRET.encode().hex()


async def sign_in(cadre: Browser, legacy: LegacyServer) -> None:
    legacy.answers.setdefault("POST /login", RedirectResponse("/main", 302))
    page = await cadre.get("/login")
    await cadre.post("/login", {"username": LOGIN, "password": page.dummy})
    assert legacy.posted("/login")


def shows(answer: bytes) -> bool:
    return SECRET.encode() in answer or HEX.encode() in answer


@pytest.mark.parametrize("kind", ["image/png", "image/png, text/html", "audio/x", "video/mp4", "font/woff", "a/b", ""])
async def test_whatever_an_answer_calls_itself_it_is_scrubbed(
    cadre: Browser, item: Item, legacy: LegacyServer, kind: str
) -> None:
    """A script reads the bytes of a picture as well as those of a page."""
    legacy.answers["GET /echo"] = Response(SECRET, headers={"content-type": kind} if kind else {})
    await sign_in(cadre, legacy)
    assert not shows((await cadre.fetch("/echo")).body)


@pytest.mark.parametrize(
    ("coding", "status"), [("gzip", 206), ("gzip, gzip", 200), ("br", 200), ("zstd", 200), ("dcb", 200)]
)
async def test_what_cannot_be_read_is_not_shown(
    cadre: Browser, item: Item, legacy: LegacyServer, coding: str, status: int
) -> None:
    headers = {"content-encoding": coding, "content-type": "application/octet-stream"}
    legacy.answers["GET /echo"] = Response(gzip.compress(SECRET.encode()), status, headers)
    await sign_in(cadre, legacy)
    shown = await cadre.fetch("/echo")
    assert (shown.status, shown.error) == (502, "ERR-UPSTREAM_ANSWER")


async def test_the_realm_of_a_challenge_is_scrubbed(cadre: Browser, item: Item, legacy: LegacyServer) -> None:
    legacy.answers["GET /echo"] = Response("", 401, {"www-authenticate": f'Basic realm="{HEX}"'})
    await sign_in(cadre, legacy)
    shown = await cadre.fetch("/echo")
    assert (shown.get("www-authenticate") or "").startswith("Basic")
    assert HEX not in str(shown.headers)


async def test_an_answer_that_was_asked_for_before_the_sign_in_is_scrubbed_like_those_after_it(
    cadre: Browser, item: Item, legacy: LegacyServer
) -> None:
    signed_in = asyncio.Event()

    async def events() -> AsyncIterator[str]:
        yield "data: open\n\n"
        await signed_in.wait()
        yield f"data: {SECRET}\n\n"

    legacy.answers["GET /events"] = lambda _: StreamingResponse(events(), media_type="text/event-stream")
    async with cadre.open("GET", "/events", headers={"sec-fetch-site": "same-origin"}) as response:
        assert await response.content.readany() == b"data: open\n\n"
        await sign_in(cadre, legacy)
        signed_in.set()
        assert not shows(await response.read())


async def test_a_page_that_signs_out_and_in_again_is_shown_no_more(
    cadre: Browser, item: Item, legacy: LegacyServer
) -> None:
    legacy.answers["GET /echo"] = Response(SECRET, media_type="text/plain")
    await sign_in(cadre, legacy)
    await cadre.get("/.yimen/sign-out")
    cadre.jar["oa"].pop("yimen-gateway", None)
    await cadre.sign_in()
    assert not shows((await cadre.get("/echo")).body)


async def test_the_next_sign_in_at_the_portal_is_shown_no_more(
    cadre: Browser, item: Item, legacy: LegacyServer, open_browser: Open
) -> None:
    """The legacy system's own cookie outlives a sign-in at the portal."""
    legacy.answers["GET /echo"] = Response(SECRET, media_type="text/plain")
    await sign_in(cadre, legacy)
    again = await open_browser()
    await again.sign_in()
    assert not shows((await again.get("/echo")).body)


async def test_no_part_of_an_answer_is_asked_for_once_there_is_something_to_hide(
    cadre: Browser, item: Item, legacy: LegacyServer
) -> None:
    """Cut where the page wants it, the password would stand in no part."""

    def part(received: Received) -> Response:
        asked = received.get("range")
        return Response("part", 206) if asked is not None else Response("whole", media_type="text/plain")

    legacy.answers["GET /film"] = part
    assert (await cadre.fetch("/film", range="bytes=0-5")).text == "part"
    await sign_in(cadre, legacy)
    assert (await cadre.fetch("/film", range="bytes=0-5")).text == "whole"
    played = await cadre.fetch("/film", range="bytes=0-5", sec_fetch_dest="video")
    assert (played.text, played.get("cache-control")) == ("part", "no-store")
    legacy.answers["GET /film"] = Response("part", 206)
    assert (await cadre.fetch("/film")).error == "ERR-UPSTREAM_ANSWER"


@pytest.mark.parametrize("said", [f"success {HEX}", f"{SECRET}: invalid {SECRET[:12]} password"])
async def test_why_a_sign_in_went_so_is_told_without_the_password(
    cadre: Browser, item: Item, legacy: LegacyServer, house: House, said: str
) -> None:
    legacy.answers["POST /login"] = Response(said, media_type="text/plain")
    await sign_in(cadre, legacy)
    found = await house.audit.query(LedgerQuery(action="gateway.result"))
    assert ["shows the password again" in str(event.detail["why"]) for event in found.events] == [True]
    assert HEX[:12] not in str(found.events)


async def test_why_a_socket_closes_is_scrubbed(cadre: Browser, item: Item, legacy: LegacyServer) -> None:
    async def close(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close(4000, SECRET)

    legacy.sockets["/ws"] = close
    await sign_in(cadre, legacy)
    async with cadre.connect("/ws") as socket:
        message = await socket.receive()
    assert message.data == 4000
    assert SECRET not in str(message.extra)


async def test_a_field_named_after_the_password_is_left_out(cadre: Browser, item: Item, legacy: LegacyServer) -> None:
    legacy.answers["GET /echo"] = Response("", headers={f"x-{HEX}": "1", "x-other": "1"})
    await sign_in(cadre, legacy)
    shown = await cadre.fetch("/echo")
    assert shown.get("x-other") == "1"
    assert HEX not in str(shown.headers)
