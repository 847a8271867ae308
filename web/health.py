"""For the operator's tools: is the process alive, can it serve, and what has it done."""

import asyncio
from collections.abc import Awaitable
from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from core import metrics
from core.database import StatementError
from core.errors import YimenError
from core.logs import logger
from vault.keys.sealing import Sealer
from web.troubles import Trouble, TroubleParts, Troubles, tell_metrics

_log = logger("health")
_READY_SECONDS = 3.0


class HealthParts(TroubleParts, Protocol):
    @property
    def sealer(self) -> Sealer: ...


def health_routes(house: HealthParts) -> list[Route]:
    health = _Health(house)
    return [
        Route("/healthz", _alive, methods=["GET"]),
        Route("/readyz", health.ready, methods=["GET"]),
        Route("/metrics", health.measured, methods=["GET"]),
    ]


async def _alive(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


class _Health:
    def __init__(self, house: HealthParts) -> None:
        self._house = house
        self._troubles = Troubles(house)

    async def ready(self, _request: Request) -> Response:
        """Ready when the database answers and the custodian still holds the root key. A warning says what must be seen
        to, and leaves the process in service: another one would stand no better."""
        problems = await self._find_problems()
        warnings = [] if problems else [trouble.as_json() for trouble in await self._find_troubles()]
        told = {"ready": not problems, "problems": problems, "warnings": warnings}
        return JSONResponse(told, status_code=503 if problems else 200)

    async def measured(self, _request: Request) -> Response:
        problems = await self._find_problems()
        found = [] if problems else await self._find_troubles()
        tell_metrics([*problems.values(), *(trouble.code for trouble in found)])
        return Response(metrics.render(), media_type=metrics.CONTENT_TYPE)

    async def _find_problems(self) -> dict[str, str]:
        """What makes serving impossible, by the part that does not work."""
        if not await _within(self._house.database.ping()):
            return {"database": "ERR-UNAVAILABLE"}
        if not await _within(self._custody()):
            return {"custodian": "ERR-CUSTODY"}
        return {}

    async def _find_troubles(self) -> list[Trouble]:
        """Those that can be seen; where the database does not answer in time, that is said as what it is."""
        found: list[Trouble] = []

        async def look() -> None:
            found.extend(await self._troubles.look())

        return found if await _within(look()) else [Trouble("ERR-UNAVAILABLE")]

    async def _custody(self) -> None:
        async with self._house.database.read() as connection:
            await self._house.sealer.keys.check(connection)


async def _within(check: Awaitable[None]) -> bool:
    try:
        await asyncio.wait_for(check, _READY_SECONDS)
    except (YimenError, StatementError, OSError, TimeoutError) as error:
        _log.warning("not ready", error=type(error).__name__)
        return False
    return True
