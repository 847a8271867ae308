"""RFC 9700 / checklist 38: fetches refuse private addresses after DNS, other schemes, redirects and large bodies."""

from collections.abc import AsyncIterator
from ipaddress import ip_network

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from core.errors import OutboundError
from core.outbound import Outbound

LOOPBACK = [ip_network("127.0.0.0/8")]


async def answer(request: web.Request) -> web.Response:
    match request.match_info["kind"]:
        case "json":
            return web.json_response({"ok": True})
        case "large":
            return web.Response(body=b"x" * 300_000)
        case _:
            return web.Response(status=302, headers={"location": "/json"})


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    app = web.Application()
    app.router.add_get("/{kind}", answer)
    running = TestServer(app, host="127.0.0.1")
    async with running:
        yield running


@pytest.fixture
async def allowed() -> AsyncIterator[Outbound]:
    outbound = Outbound(LOOPBACK)
    yield outbound
    await outbound.close()


@pytest.fixture
async def guarded() -> AsyncIterator[Outbound]:
    outbound = Outbound()
    yield outbound
    await outbound.close()


async def test_an_allowed_address_answers(server: TestServer, allowed: Outbound) -> None:
    assert (await allowed.fetch(str(server.make_url("/json")))).json() == {"ok": True}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]", "0.0.0.0"])
async def test_loopback_is_refused_however_it_is_written(server: TestServer, guarded: Outbound, host: str) -> None:
    with pytest.raises(OutboundError):
        await guarded.fetch(f"http://{host}:{server.port}/json")


@pytest.mark.parametrize("address", ["169.254.169.254", "10.0.0.1", "192.168.1.1", "[fe80::1]", "[::1]", "224.0.0.1"])
async def test_private_ranges_are_refused_before_any_packet(guarded: Outbound, address: str) -> None:
    with pytest.raises(OutboundError) as caught:
        await guarded.fetch(f"http://{address}/")
    assert caught.value.code == "ERR-OUTBOUND_ADDRESS"


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.com/", "http://user@example.com/", "x", ""])
async def test_other_schemes_and_user_parts_are_refused(guarded: Outbound, url: str) -> None:
    with pytest.raises(OutboundError) as caught:
        await guarded.fetch(url)
    assert caught.value.code == "ERR-OUTBOUND_URL"


async def test_redirects_are_not_followed(server: TestServer, allowed: Outbound) -> None:
    assert (await allowed.fetch(str(server.make_url("/redirect")))).status == 302


async def test_a_large_body_is_refused(server: TestServer, allowed: Outbound) -> None:
    with pytest.raises(OutboundError) as caught:
        await allowed.fetch(str(server.make_url("/large")))
    assert caught.value.code == "ERR-OUTBOUND_SIZE"
