"""What time it is for the database, whose clock is the one that all processes share."""

from datetime import UTC, datetime

from sqlalchemy import Float, cast, func, select

from core.database.connection import Connection

_JULIAN_DAY_OF_1970 = 2440587.5
_SECONDS_A_DAY = 86400
_NOW = {
    # SQLite runs in the process: its clock is the machine's.
    "sqlite": select((func.julianday("now") - _JULIAN_DAY_OF_1970) * _SECONDS_A_DAY),
    "postgresql": select(cast(func.date_part("epoch", func.clock_timestamp()), Float)),
}


async def database_now(connection: Connection) -> datetime:
    return datetime.fromtimestamp(await connection.scalar(_NOW[connection.dialect]), UTC)
