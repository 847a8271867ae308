"""Lock-out: one counter for all factors and grants, per account and per address, shared by every process.

An attempt is *reserved* before it is checked, by one conditional statement, so 200 parallel guesses get no more
checks than the limit (attacks §5.1 #9). Success gives the reservation back.
"""

from datetime import datetime, timedelta

from sqlalchemy import Column, ColumnElement, Integer, LargeBinary, String, Table, case, delete, or_
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock
from core.database import Database, UtcDateTime, metadata
from core.settings import Settings
from sso.errors import SsoError
from sso.names import fold_username
from vault.sealing import Sealer

attempt_table = Table(
    "sso_attempt",
    metadata,
    Column("kind", String(8), primary_key=True),
    # A keyed digest: the table of failures must not be a list of accounts.
    Column("key", LargeBinary, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("until", UtcDateTime, nullable=False, index=True),
)


class Lockout:
    def __init__(self, database: Database, clock: Clock, settings: Settings, sealer: Sealer) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer
        self._window = timedelta(minutes=settings.lockout_minutes)
        self._limits = {"account": settings.lockout_attempts, "address": settings.address_attempts}

    async def reserve(self, account: str, address: str) -> None:
        """Takes one attempt for the account and one for the address. Raises ERR-LOCKED when either has none left.

        `account` is a user name as typed or a client id; every spelling of a name is the same account.
        """
        now = self._clock.now()
        async with self._database.write() as connection:
            free = [
                await self._take(connection, "account", account, now),
                await self._take(connection, "address", address, now),
            ]
        if not all(free):
            minutes = int(self._window.total_seconds() // 60)
            raise SsoError("ERR-LOCKED", "too many attempts", status=429, parameters={"minutes": minutes})

    async def forgive(self, connection: AsyncConnection, account: str, address: str) -> None:
        """After success: the account's counter starts again, and the address gets its attempt back."""
        await connection.execute(delete(attempt_table).where(*self._is("account", account)))
        await self.forgive_address(connection, address)

    async def forgive_address(self, connection: AsyncConnection, address: str) -> None:
        """After a right step that is not the last: the address gets its attempt back, the account's counter stays."""
        await connection.execute(
            attempt_table.update()
            .where(*self._is("address", address), attempt_table.c.count > 0)
            .values(count=attempt_table.c.count - 1)
        )

    async def forget_expired(self) -> None:
        async with self._database.write() as connection:
            await connection.execute(delete(attempt_table).where(attempt_table.c.until <= self._clock.now()))

    def _is(self, kind: str, value: str) -> tuple[ColumnElement[bool], ...]:
        return attempt_table.c.kind == kind, attempt_table.c.key == self._key(kind, value)

    def _key(self, kind: str, value: str) -> bytes:
        return self._sealer.mac(f"attempt/{kind}", fold_username(value).encode("utf-8", "surrogatepass"))

    async def _take(self, connection: AsyncConnection, kind: str, value: str, now: datetime) -> bool:
        insert = sqlite_insert if self._database.dialect == "sqlite" else postgresql_insert
        over = attempt_table.c.until <= now
        last = attempt_table.c.count + 1 >= self._limits[kind]
        statement = insert(attempt_table).values(
            kind=kind, key=self._key(kind, value), count=1, until=now + self._window
        )
        taken = await connection.execute(
            statement.on_conflict_do_update(
                index_elements=["kind", "key"],
                set_={
                    "count": case((over, 1), else_=attempt_table.c.count + 1),
                    # The last attempt of a window starts the wait. Earlier ones do not prolong the window: at an
                    # address that many people share, the day's slips of the pen must not add up.
                    "until": case((or_(over, last), now + self._window), else_=attempt_table.c.until),
                },
                where=or_(over, attempt_table.c.count < self._limits[kind]),
            ).returning(attempt_table.c.count)
        )
        return taken.one_or_none() is not None
