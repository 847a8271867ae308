"""What the gateway keeps for a while only: sessions, visits, fills, sealed header values that are over."""

from datetime import datetime

from sqlalchemy import delete

from connectors.gateway.session import fills, sessions
from connectors.gateway.session.fills import fill_table
from connectors.gateway.session.sessions import gateway_session_table, gateway_visit_table
from connectors.gateway.swap.basic import basic_table
from core.database import Connection


async def forget_expired(connection: Connection, now: datetime) -> None:
    for table in (gateway_session_table, basic_table):
        await connection.execute(delete(table).where(table.c.expires_at <= now))
    for table, remembered in ((fill_table, fills.REMEMBERED), (gateway_visit_table, sessions.REMEMBERED)):
        await connection.execute(delete(table).where(table.c.expires_at <= now - remembered))
