"""The protocol and the gateway over HTTP, against a real `yimen serve` in a process of its own."""

from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from demo.serving import Listener
from tests.bench.load import rate_of
from tests.bench.raw import Raw
from tests.bench.served import Served, open_served
from tests.bench.table import Line

_BLOCK = b"x" * (1024 * 1024)


async def measure(folder: Path, raw: Raw, seconds: float) -> list[Line]:
    legacy = Listener()
    await legacy.start(_legacy())
    try:
        async with open_served(folder / "served", legacy.origin) as served:
            return [
                *await _protocol(served, raw, seconds),
                *await _gateway(served, legacy.origin, seconds),
            ]
    finally:
        await legacy.stop()


async def _protocol(served: Served, raw: Raw, seconds: float) -> list[Line]:
    lines = []
    own = {"grant_type": "client_credentials"}
    rate = await rate_of(lambda: served.post("/token", own), seconds=seconds)
    lines.append(Line("POST /token client_credentials", rate, raw.es256, "ES256 signatures", "≥ 4,000/s"))
    rate = await rate_of(served.authorize, seconds=seconds)
    lines.append(Line("GET /authorize, live session", rate, raw.durable_commits, "durable commits", "≥ 1,500/s"))

    async def exchange() -> None:
        await served.redeem(await served.authorize())

    both = await rate_of(exchange, seconds=seconds)
    alone = 1 / (1 / both - 1 / rate) if both < rate else both
    lines.append(Line("POST /token code (hop taken off)", alone, raw.rs256, "RS256 signatures", "≥ 1,500/s"))
    tokens = await served.redeem(await served.authorize())
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    for path, call in (
        ("GET /userinfo", lambda: served.get("/userinfo", bearer)),
        ("POST /introspect", lambda: served.post("/introspect", {"token": tokens["access_token"]})),
    ):
        lines.append(Line(path, await rate_of(call, seconds=seconds), target="≥ 2,500/s"))
    return lines


async def _gateway(served: Served, direct: str, seconds: float) -> list[Line]:
    cookie = await served.enter_gateway()
    lines = []
    for path, unit in (("/small", "/s"), ("/block", " MB/s")):
        straight = await rate_of(partial(served.fetch, direct + path, {}), seconds=seconds, callers=16)
        through = await rate_of(partial(served.through_gateway, path, cookie), seconds=seconds, callers=16)
        lines.append(Line(f"gateway GET {path}", through, straight, "straight to the server", unit=unit))
    return lines


def _legacy() -> Starlette:
    async def small(_request: Request) -> Response:
        return Response(b'{"ok":true}', media_type="application/json")

    async def block(_request: Request) -> Response:
        return Response(_BLOCK, media_type="application/octet-stream")

    return Starlette(routes=[Route("/small", small), Route("/block", block)])
