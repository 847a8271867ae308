"""Nothing slow or foreign is waited for in a unit of work."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from connectors.gateway.wire.request import UpstreamRequest
from connectors.gateway.wire.upstream import Upstream
from connectors.origin import ExactOrigin
from core.database import Connection, Database
from core.errors import OutboundError
from core.held import require_nothing_held
from core.offload import off_loop
from core.outbound import Outbound
from sso.authentication.passwords import PasswordHashing
from web.templating import Preferences, render


async def hashes() -> None:
    await PasswordHashing().hash("Lan-ting-2026!")


async def compares() -> None:
    await PasswordHashing().verify(None, "Lan-ting-2026!")


async def fetches() -> None:
    with pytest.raises(OutboundError):
        await Outbound().fetch("http://127.0.0.1:9/")


async def asks_a_system() -> None:
    origin = ExactOrigin.parse("http://127.0.0.1:9")
    async with Upstream(Outbound()).send(UpstreamRequest("GET", origin, "/", [], None)):
        pass


async def reads_a_page() -> None:
    await off_loop(1, bytes, 1)


async def renders() -> None:
    render("notice.html", Preferences("en", "auto", "normal"), {})


UNITS: list[Callable[[Database], AbstractAsyncContextManager[Connection]]] = [
    Database.read,
    Database.scan,
    Database.write,
]


@pytest.mark.parametrize("unit", UNITS, ids=["read", "scan", "write"])
@pytest.mark.parametrize("act", [hashes, compares, fetches, asks_a_system, reads_a_page, renders])
async def test_what_takes_long_is_refused_in_a_unit_of_work(
    database: Database, unit: Callable[[Database], Any], act: Callable[[], Awaitable[None]]
) -> None:
    async with unit(database):
        with pytest.raises(TypeError, match="in a unit of work"):
            await act()


@pytest.mark.parametrize("act", [hashes, compares, fetches, reads_a_page])
async def test_it_is_done_before_and_afterwards(database: Database, act: Callable[[], Awaitable[None]]) -> None:
    await act()
    async with database.write():
        pass
    await act()


async def test_a_unit_of_work_that_fails_holds_nothing(database: Database) -> None:
    for unit in UNITS:
        with pytest.raises(LookupError):
            async with unit(database):
                raise LookupError
    require_nothing_held("nothing")
