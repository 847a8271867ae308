"""What time it is for the database, whose clock is the one that all processes share."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, cast, func, select

from core.database.connection import Connection

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_JULIAN_DAY_OF_1970 = 2440587.5
_MILLISECONDS_A_DAY = 86400 * 1000
# In milliseconds since 1970.
_NOW = {
    # SQLite runs in the process: its clock is the machine's.
    "sqlite": select(cast((func.julianday("now") - _JULIAN_DAY_OF_1970) * _MILLISECONDS_A_DAY, BigInteger)),
    "postgresql": select(cast(func.date_part("epoch", func.clock_timestamp()) * 1000, BigInteger)),
}


async def database_now(connection: Connection) -> datetime:
    return _EPOCH + timedelta(milliseconds=await connection.scalar(_NOW[connection.dialect]))
