"""`yimen migrate`: bring the database to the newest shape."""

import asyncio

import typer

from core.database import Database
from core.settings import load_settings
from web.composition import make_data_dir
from web.migrate import migrate as run_migrations


def migrate() -> None:
    """Create or upgrade the tables. Safe to repeat and to run from several machines at once."""
    settings = load_settings()
    make_data_dir(settings)

    async def run() -> tuple[str | None, str | None]:
        database = Database(settings.effective_database_url)
        try:
            return await run_migrations(database)
        finally:
            await database.close()

    before, after = asyncio.run(run())
    typer.echo(f"{before or 'empty'} -> {after}" if before != after else f"already at {after}")
