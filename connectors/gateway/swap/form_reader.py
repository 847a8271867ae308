"""Reading the login form that a system gives to a visitor who is not signed in: over the gateway's own wire, with no
cookie of anybody, twice."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from functools import partial

from connectors.errors import ConnectorError
from connectors.gateway.parts import GatewayParts
from connectors.gateway.swap.knowledge import LoginKnowledge
from connectors.gateway.wire.upstream import Upstream
from connectors.gateway.wire.visitor import Visitor
from connectors.legacy.page.detect import detect
from connectors.legacy.page.login_form import LoginForm, login_form
from connectors.login_requests import LoginRequest
from connectors.login_requests.form import request_of_form
from connectors.origin import ExactOrigin
from connectors.systems import System
from core.fresh import Fresh
from core.logs import logger
from core.offload import off_loop
from core.trust import Trust

_MOST_FRAMES = 3
# Whoever opens the system waits for it, once.
_PATIENCE_SECONDS = 8.0
_AGAIN_SECONDS = 60.0

_log = logger("gateway")


class FormReader:
    def __init__(self, parts: GatewayParts, upstream: Upstream, knowledge: LoginKnowledge) -> None:
        self._parts = parts
        self._upstream = upstream
        self._knowledge = knowledge
        self._tried: Fresh[str, bool] = Fresh(_AGAIN_SECONDS)

    async def learn(self, system: System, *, anew: bool = False) -> bool:
        """Pins the login request of the system's form; False where its page does not tell, or does not come. What did
        not tell is asked again after a while, or when a person opens the system (`anew`)."""
        read = partial(self._learned, system)
        return await read() if anew else await self._tried.get(f"{system.id} {system.version}", read)

    async def _learned(self, system: System) -> bool:
        found = None
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                found = await self._read(system)
        if found is None:
            return False
        async with self._parts.database.write() as connection:
            await self._parts.login_requests.keep_form(connection, system.login, found)
        self._knowledge.forget()
        return True

    async def _read(self, system: System) -> LoginRequest | None:
        origins = {str(endpoint.origin) for endpoint in system.endpoints}
        try:
            first, again = [await self._form(system, origins) for _ in range(2)]
        except ConnectorError as error:
            _log.info("the login page cannot be read beforehand", system=system.slug, code=error.code)
            return None
        return request_of_form(first, again, origins) if first is not None else None

    async def _form(self, system: System, origins: Collection[str]) -> LoginForm | None:
        """As a new visitor finds it, whom redirects and frames lead to the system's own origins only."""

        def trust_of(origin: ExactOrigin) -> Trust:
            if str(origin) not in origins:
                raise ConnectorError("ERR-ORIGIN", "the login page leads to another origin")
            return system.registration.trust

        visitor = Visitor(self._upstream, trust_of)
        address = f"{system.origin}{system.registration.login_path}"
        return await _form_at(visitor, address, frames=_MOST_FRAMES)


async def _form_at(visitor: Visitor, address: str, *, frames: int) -> LoginForm | None:
    page = await visitor.page(address)
    size = len(page.body)
    found = await off_loop(size, login_form, page.body, page.url, page.charset)
    if found is not None or not frames:
        return found
    detected = await off_loop(size, detect, page.body, page.url, page.charset)
    for frame in (detected.frames if detected is not None else ())[:frames]:
        if (inside := await _form_at(visitor, frame, frames=0)) is not None:
            return inside
    return None
