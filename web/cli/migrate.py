"""`yimen migrate`: bring the database to the newest shape."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from core.database import Database
from core.logs import configure_logs
from core.settings import Settings, load_settings
from web.composition import make_data_dir, open_house
from web.first_start import create_administrators_with
from web.migrate import migrate as run_migrations


def migrate(
    administrators: Annotated[
        Path | None,
        typer.Option(
            help="Where there are no people yet, create the three administrators with the one-time passwords in this "
            "folder: files sysadmin, secadmin and auditadmin"
        ),
    ] = None,
) -> None:
    """Create or upgrade the tables. Safe to repeat and to run from several machines at once."""
    settings = load_settings()
    configure_logs("WARNING", settings.log_format)
    make_data_dir(settings)
    before, after = asyncio.run(_migrate(settings))
    typer.echo(f"{before or 'empty'} -> {after}" if before != after else f"already at {after}")
    if administrators is not None and asyncio.run(_first_start(settings, administrators)):
        typer.echo("three administrators were created")


async def _migrate(settings: Settings) -> tuple[str | None, str | None]:
    database = Database(settings.effective_database_url)
    try:
        return await run_migrations(database)
    finally:
        await database.close()


async def _first_start(settings: Settings, folder: Path) -> bool:
    async with open_house(settings) as house:
        return await create_administrators_with(house, folder)
