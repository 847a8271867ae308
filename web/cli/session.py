"""What every command that touches the house shares: one event loop, one open house, one operator's name."""

import asyncio
import getpass
import tempfile
from collections.abc import Awaitable, Callable
from typing import TypeVar

from core.database import Database
from core.logs import configure_logs
from core.settings import Settings, load_settings
from web.composition import House, open_house
from web.migrate import is_there

T = TypeVar("T")


def operator() -> str:
    """The actor that the ledger shows for a command: the account of the operating system."""
    return f"operator:{getpass.getuser()}"


def in_house(act: Callable[[House], Awaitable[T]], *, create: bool = False) -> T:
    """Runs `act` with the house open, as the settings of this shell describe it. Only with `create` may it be a new
    one: a wrong setting must not answer with an empty county."""
    return asyncio.run(_run(act, _settings(), create=create))


def in_scratch_or_house(act: Callable[[House], Awaitable[T]]) -> T:
    """As `in_house`; but where there is no Yimen yet, in a new one that is gone when `act` ends: it leaves nothing."""
    settings = _settings()
    if asyncio.run(_is_there(settings)):
        return asyncio.run(_run(act, settings, create=False))
    with tempfile.TemporaryDirectory(prefix="yimen-") as folder:
        scratch = _settings(data_dir=folder, database_url="", custodian="keyfile", key_file="")
        return asyncio.run(_run(act, scratch, create=True))


def _settings(**overrides: str) -> Settings:
    settings = load_settings(**overrides)
    configure_logs("WARNING", "console")
    return settings


async def _run(act: Callable[[House], Awaitable[T]], settings: Settings, *, create: bool) -> T:
    async with open_house(settings, create=create) as house:
        return await act(house)


async def _is_there(settings: Settings) -> bool:
    database = Database(settings.effective_database_url)
    try:
        return await is_there(database)
    finally:
        await database.close()
