"""What every command that touches the house shares: one event loop, one open house, one operator's name."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from typing import TypeVar

from core.logs import configure_logs
from core.settings import load_settings
from web.composition import House, open_house

T = TypeVar("T")


def operator() -> str:
    """The actor that the ledger shows for a command: the account of the operating system."""
    return f"operator:{getpass.getuser()}"


def in_house(act: Callable[[House], Awaitable[T]], *, create: bool = False) -> T:
    """Runs `act` with the house open, as the settings of this shell describe it. Only with `create` may it be a new
    one: a wrong setting must not answer with an empty county."""
    settings = load_settings()
    configure_logs("WARNING", "console")

    async def run() -> T:
        async with open_house(settings, create=create) as house:
            return await act(house)

    return asyncio.run(run())
