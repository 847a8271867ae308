"""What the gateway keeps for a while only: sessions, fills, sealed header values that are over."""

from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.gateway.answers.echo_watch import SECONDS
from connectors.gateway.pages.fills import REMEMBERED, fill_table
from connectors.gateway.session.sessions import gateway_session_table
from connectors.gateway.swap.basic import basic_table


async def forget_expired(connection: AsyncConnection, now: datetime) -> None:
    for table in (gateway_session_table, basic_table):
        await connection.execute(delete(table).where(table.c.expires_at <= now))
    seen = fill_table.c.used_at <= now - timedelta(seconds=SECONDS)
    await connection.execute(
        update(fill_table).where(seen, fill_table.c.sealed_echo.is_not(None)).values(sealed_echo=None)
    )
    await connection.execute(delete(fill_table).where(fill_table.c.expires_at <= now - REMEMBERED))
