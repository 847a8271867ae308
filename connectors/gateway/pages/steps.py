"""What a login page leaves to the person - a captcha, a code - as it was last seen: the portal says so beforehand."""

from sqlalchemy import Boolean, Column, String, Table, select, update

from core.database import Connection, insert_if_absent, metadata
from core.integrity import harmless

step_table = Table(
    "connectors_step",
    metadata,
    Column("system_id", String(26), primary_key=True),
    Column("left_to_person", Boolean, nullable=False),
    info=harmless(because="it only says beforehand on a tile what the login page itself will ask for"),
)


async def note_step(connection: Connection, system_id: str, *, left: bool) -> None:
    """Written only when it changes."""
    query = select(step_table.c.left_to_person).where(step_table.c.system_id == system_id)
    known = await connection.scalar(query)
    if known is None:
        await insert_if_absent(connection, step_table, system_id=system_id, left_to_person=left)
    elif known != left:
        await connection.execute(
            update(step_table).where(step_table.c.system_id == system_id).values(left_to_person=left)
        )


async def systems_with_a_step(connection: Connection) -> frozenset[str]:
    """Ids of the systems whose login was last seen to leave a step to the person."""
    query = select(step_table.c.system_id).where(step_table.c.left_to_person)
    return frozenset((await connection.scalars(query)).all())
