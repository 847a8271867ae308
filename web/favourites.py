"""The systems a person has starred. A matter of the portal alone: no rule of any other floor asks for it."""

from sqlalchemy import Column, String, Table, delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import metadata

favourite_table = Table(
    "web_favourite",
    metadata,
    Column("user_id", String(26), primary_key=True),
    Column("system_id", String(26), primary_key=True),
)


async def favourites_of(connection: AsyncConnection, user_id: str) -> frozenset[str]:
    query = select(favourite_table.c.system_id).where(favourite_table.c.user_id == user_id)
    return frozenset((await connection.scalars(query)).all())


async def star(connection: AsyncConnection, user_id: str, system_id: str, *, wanted: bool) -> None:
    """Stars or unstars; doing it twice is the same as once."""
    if not wanted:
        await connection.execute(
            delete(favourite_table).where(
                favourite_table.c.user_id == user_id, favourite_table.c.system_id == system_id
            )
        )
        return
    try:
        async with connection.begin_nested():
            await connection.execute(insert(favourite_table).values(user_id=user_id, system_id=system_id))
    except IntegrityError:
        return
