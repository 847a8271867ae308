"""For the operator's tools: is the process alive, can it serve, and what has it done."""

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from core import metrics
from core.logs import logger
from web.composition import House

_log = logger("health")
_READY_SECONDS = 3.0


def health_routes(house: House) -> list[Route]:
    async def alive(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(_request: Request) -> Response:
        """Ready when the database answers and the custodian still holds the root key."""
        problems: dict[str, str] = {}
        try:
            await asyncio.wait_for(house.database.ping(), _READY_SECONDS)
        except Exception as error:  # any failure means not ready; the log has its kind
            _log.warning("the database does not answer", error=type(error).__name__)
            problems["database"] = "ERR-UNAVAILABLE"
        if house.custodian.active() is None:
            problems["custodian"] = "ERR-CUSTODY"
        return JSONResponse({"ready": not problems, "problems": problems}, status_code=503 if problems else 200)

    async def measured(_request: Request) -> Response:
        return Response(metrics.render(), media_type=metrics.CONTENT_TYPE)

    return [
        Route("/healthz", alive, methods=["GET"]),
        Route("/readyz", ready, methods=["GET"]),
        Route("/metrics", measured, methods=["GET"]),
    ]
