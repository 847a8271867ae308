"""Names for the ids that the ledger keeps: one statement each, however many events a page shows."""

from collections.abc import Iterable

from sqlalchemy import select

from core.database import Connection
from sso.directory.people import user_table
from web.i18n import Catalogue
from web.pages.surface import Surface


async def system_names(surface: Surface, connection: Connection, texts: Catalogue) -> dict[str, str]:
    return {system.id: system.name.in_locale(texts.locale) for system in await surface.house.systems.list(connection)}


async def actor_names(connection: Connection, actors: Iterable[str | None]) -> dict[str, str]:
    """`user:<id>` to `name (username)`; other actors stand for themselves."""
    ids = {actor.removeprefix("user:") for actor in actors if actor and actor.startswith("user:")}
    if not ids:
        return {}
    query = select(user_table.c.id, user_table.c.name, user_table.c.username).where(user_table.c.id.in_(ids))
    return {f"user:{row.id}": f"{row.name} ({row.username})" for row in await connection.execute(query)}


def action_name(texts: Catalogue, action: str) -> str:
    key = f"actions.{action}"
    return texts.text(key) if key in texts else action


def reason_text(texts: Catalogue, reason: str | None) -> str:
    """A refusal's code with its public text, where there is one."""
    if not reason:
        return ""
    return (
        f"{texts.text(key)} {reason}" if (key := f"errors.{reason}") in texts and "{" not in texts.text(key) else reason
    )
