"""For the operator's tools: is the process alive, can it serve, and what has it done."""

import asyncio
from collections.abc import Awaitable

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from core import metrics
from core.database import StatementError
from core.errors import YimenError
from core.logs import logger
from web.composition import House
from web.troubles import Trouble, Troubles, tell_metrics

_log = logger("health")
_READY_SECONDS = 3.0


def health_routes(house: House) -> list[Route]:
    troubles = Troubles(house)

    async def alive(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(_request: Request) -> Response:
        """Ready when the database answers and the custodian still holds the root key. A warning says what must be seen
        to, and leaves the process in service: another one would stand no better."""
        problems = await _problems(house)
        warnings = [] if problems else [trouble.as_json() for trouble in await _troubles(troubles)]
        told = {"ready": not problems, "problems": problems, "warnings": warnings}
        return JSONResponse(told, status_code=503 if problems else 200)

    async def measured(_request: Request) -> Response:
        problems = await _problems(house)
        found = [] if problems else await _troubles(troubles)
        tell_metrics([*problems.values(), *(trouble.code for trouble in found)])
        return Response(metrics.render(), media_type=metrics.CONTENT_TYPE)

    return [
        Route("/healthz", alive, methods=["GET"]),
        Route("/readyz", ready, methods=["GET"]),
        Route("/metrics", measured, methods=["GET"]),
    ]


async def _problems(house: House) -> dict[str, str]:
    """What makes serving impossible, by the part that does not work."""
    if not await _within(house.database.ping()):
        return {"database": "ERR-UNAVAILABLE"}
    if not await _within(_custody(house)):
        return {"custodian": "ERR-CUSTODY"}
    return {}


async def _troubles(troubles: Troubles) -> list[Trouble]:
    """Those that can be seen; where the database does not answer in time, that is said as what it is."""
    found: list[Trouble] = []

    async def look() -> None:
        found.extend(await troubles.look())

    return found if await _within(look()) else [Trouble("ERR-UNAVAILABLE")]


async def _custody(house: House) -> None:
    async with house.database.read() as connection:
        await house.sealer.keys.check(connection)


async def _within(check: Awaitable[None]) -> bool:
    try:
        await asyncio.wait_for(check, _READY_SECONDS)
    except (YimenError, StatementError, OSError, TimeoutError) as error:
        _log.warning("not ready", error=type(error).__name__)
        return False
    return True
