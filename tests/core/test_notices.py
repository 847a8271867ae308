from datetime import timedelta

from sqlalchemy import text

from core.clock import FrozenClock
from core.database import Database
from core.notices import LASTS, Notices, notices_since


async def known(database: Database, clock: FrozenClock) -> set[str]:
    async with database.read() as connection:
        return await notices_since(connection, clock.now() - LASTS)


async def test_what_one_process_noticed_is_told_by_every_one_until_it_is_over(
    database: Database, database_url: str, clock: FrozenClock
) -> None:
    notices, other = Notices(database, clock), Database(database_url)
    notices.note("ERR-A", "something is odd")
    notices.note("ERR-A", "something is odd")
    notices.note("ERR-B", "something else is")
    await notices.settled()
    assert await known(other, clock) == {"ERR-A", "ERR-B"}
    clock.advance(timedelta(minutes=14))
    notices.note("ERR-B", "something else is")
    await notices.settled()
    clock.advance(timedelta(minutes=2))
    assert await known(other, clock) == {"ERR-B"}
    await other.close()


async def test_a_database_that_does_not_keep_it_stops_nobody(database: Database, clock: FrozenClock) -> None:
    notices = Notices(database, clock)
    async with database.write() as connection:
        await connection.execute(text("DROP TABLE core_notice"))
    notices.note("ERR-A", "something is odd")
    await notices.settled()
