"""The systems a person has starred. A matter of the portal alone: no rule of any other floor asks for it."""

from sqlalchemy import Column, String, Table, delete, select

from core.database import Connection, insert_if_absent, metadata
from core.integrity import harmless

favourite_table = Table(
    "web_favourite",
    metadata,
    Column("user_id", String(26), primary_key=True),
    Column("system_id", String(26), primary_key=True),
    info=harmless(because="a star moves a tile to the front and does nothing else"),
)


async def favourites_of(connection: Connection, user_id: str) -> frozenset[str]:
    query = select(favourite_table.c.system_id).where(favourite_table.c.user_id == user_id)
    return frozenset((await connection.scalars(query)).all())


async def star(connection: Connection, user_id: str, system_id: str, *, wanted: bool) -> None:
    """Stars or unstars; doing it twice is the same as once."""
    if not wanted:
        await connection.execute(
            delete(favourite_table).where(
                favourite_table.c.user_id == user_id, favourite_table.c.system_id == system_id
            )
        )
        return
    await insert_if_absent(connection, favourite_table, user_id=user_id, system_id=system_id)
