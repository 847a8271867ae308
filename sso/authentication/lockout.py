"""Lock-out: one counter for all factors and grants, per account and per address, shared by every process.

Only failures count. An attempt is *reserved* before it is checked, by one conditional statement, so 200 parallel
guesses get no more checks than the limit (attacks §5.1 #9); what is under way stands apart from what failed. Who finds
no room only because others are under way waits for their end: they may all be right.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from weakref import WeakValueDictionary

from sqlalchemy import Column, ColumnElement, Integer, String, Table, and_, case, delete, or_, select
from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock
from core.database import Bytes, Database, UtcDateTime, metadata
from core.settings import Settings
from sso.errors import SsoError
from sso.names import fold_username
from vault.keys.sealing import Sealer

PATIENCE = timedelta(seconds=10)
_PAUSE_SECONDS = 0.05

attempt_table = Table(
    "sso_attempt",
    metadata,
    Column("kind", String(8), primary_key=True),
    # A keyed digest: the table of failures must not be a list of accounts.
    Column("key", Bytes, primary_key=True),
    Column("failures", Integer, nullable=False),
    # Reserved and not settled yet. What a killed process left here lapses with the window.
    Column("under_way", Integer, nullable=False, server_default="0"),
    Column("until", UtcDateTime, nullable=False, index=True),
)

AccountKind = Literal["account", "client"]
_Kind = Literal["account", "client", "address"]


@dataclass(frozen=True)
class _Counter:
    kind: _Kind
    key: bytes
    limit: int

    @property
    def row(self) -> ColumnElement[bool]:
        return and_(attempt_table.c.kind == self.kind, attempt_table.c.key == self.key)


@dataclass
class Attempt:
    """One reserved attempt. Whoever checks settles it, in the transaction that acts on the outcome."""

    _lockout: "Lockout" = field(repr=False)
    _counters: Sequence[_Counter] = field(repr=False)
    failed: bool = False

    async def fail(self, connection: AsyncConnection) -> None:
        """The proof was wrong: it counts for the account and for the address."""
        await self._lockout.count(connection, self._counters)
        self.failed = True

    async def pass_step(self, connection: AsyncConnection) -> None:
        """A right step that is not the last: nothing counts, and earlier failures stay."""
        await self._lockout.release(connection, self._counters)

    async def succeed(self, connection: AsyncConnection) -> None:
        """All is proved: the account's counter starts again."""
        await self._lockout.release(connection, self._counters, forgiven=self._counters[0])


class Lockout:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        sealer: Sealer,
        *,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer
        self._patience = patience.total_seconds()
        self._window = timedelta(minutes=settings.lockout_minutes)
        self._limits: dict[_Kind, int] = {
            "account": settings.lockout_attempts,
            "client": settings.lockout_attempts,
            "address": settings.address_attempts,
        }
        # Within a process attempts queue in memory, in their order; only the foremost ask the database.
        self._lanes: WeakValueDictionary[_Counter, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def attempt(self, kind: AccountKind, account: str, address: str) -> AsyncIterator[Attempt]:
        """Leave to check one proof: of a person, whose `account` is the user name as typed (every spelling is the same
        account), or of a client, a kind of its own: no name that somebody types is ever a client's.

        Raises ERR-LOCKED when account or address have failed too often, ERR-BUSY (503) when others are under way for
        too long. When the block raises with nothing found wrong, both are given back.
        """
        counters = [self._counter(kind, account), self._counter("address", address)]
        async with AsyncExitStack() as stack:
            await self._take_turn(stack, counters)
            attempt = Attempt(self, counters)
            try:
                yield attempt
            except BaseException:
                if not attempt.failed:
                    async with self._database.write() as connection:
                        await self.release(connection, counters)
                raise

    async def count(self, connection: AsyncConnection, counters: Sequence[_Counter]) -> None:
        """Turns reserved attempts into failures."""
        now, table = self._clock.now(), attempt_table.c
        over = table.until <= now
        for counter in counters:
            # The first failure opens the window and the last one starts the wait. Those between do not prolong it: at
            # an address that many people share, the day's slips of the pen must not add up.
            restarts = or_(over, table.failures == 0, table.failures + 1 >= counter.limit)
            statement = self._insert(counter, failures=1, under_way=0, until=now + self._window)
            await connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["kind", "key"],
                    set_={
                        "failures": case((over, 1), else_=table.failures + 1),
                        "under_way": _one_less(),
                        "until": case((restarts, now + self._window), else_=table.until),
                    },
                )
            )

    async def release(
        self, connection: AsyncConnection, counters: Sequence[_Counter], *, forgiven: _Counter | None = None
    ) -> None:
        """Gives reserved attempts back; the failures of `forgiven` are forgotten."""
        for counter in counters:
            values: dict[str, object] = {"under_way": _one_less()}
            if counter is forgiven:
                values["failures"] = 0
            await connection.execute(attempt_table.update().where(counter.row).values(values))

    async def unlock(self, connection: AsyncConnection, username: str) -> None:
        """An operator gives a person their attempts back."""
        await connection.execute(delete(attempt_table).where(self._counter("account", username).row))

    async def forget_expired(self) -> None:
        async with self._database.write() as connection:
            await connection.execute(delete(attempt_table).where(attempt_table.c.until <= self._clock.now()))

    def _counter(self, kind: _Kind, value: str) -> _Counter:
        name = fold_username(value) if kind == "account" else value
        key = self._sealer.mac(f"attempt/{kind}", name.encode("utf-8", "surrogatepass"))
        return _Counter(kind, key, self._limits[kind])

    async def _take_turn(self, stack: AsyncExitStack, counters: Sequence[_Counter]) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience
        try:
            async with asyncio.timeout_at(deadline):
                for counter in counters:
                    lane = self._lanes.setdefault(counter, asyncio.Semaphore(counter.limit))
                    await stack.enter_async_context(lane)
        except TimeoutError:
            raise _busy() from None
        # What stands in the database is never cut off half-way: a lost answer would be a lost reservation.
        while not await self._reserve(counters):
            if loop.time() >= deadline:
                raise _busy()
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _reserve(self, counters: Sequence[_Counter]) -> bool:
        """Both or neither; False when others are under way. Raises ERR-LOCKED."""
        now = self._clock.now()
        try:
            async with self._database.write() as connection:
                for counter in counters:
                    if not await self._take(connection, counter, now):
                        await self._require_unlocked(connection, counter, now)
                        raise _NoRoomError
        except _NoRoomError:
            return False
        return True

    async def _take(self, connection: AsyncConnection, counter: _Counter, now: datetime) -> bool:
        table = attempt_table.c
        over = table.until <= now
        statement = self._insert(counter, failures=0, under_way=1, until=now + self._window)
        taken = await connection.execute(
            statement.on_conflict_do_update(
                index_elements=["kind", "key"],
                set_={
                    "failures": case((over, 0), else_=table.failures),
                    "under_way": case((over, 1), else_=table.under_way + 1),
                    "until": case((over, now + self._window), else_=table.until),
                },
                where=or_(over, table.failures + table.under_way < counter.limit),
            ).returning(table.kind)
        )
        return taken.one_or_none() is not None

    async def _require_unlocked(self, connection: AsyncConnection, counter: _Counter, now: datetime) -> None:
        query = select(attempt_table.c.failures).where(counter.row, attempt_table.c.until > now)
        if (await connection.scalar(query) or 0) >= counter.limit:
            minutes = int(self._window.total_seconds() // 60)
            raise SsoError("ERR-LOCKED", "too many failed attempts", status=429, parameters={"minutes": minutes})

    def _insert(self, counter: _Counter, **values: object) -> SqliteInsert | PostgresqlInsert:
        insert = sqlite_insert if self._database.dialect == "sqlite" else postgresql_insert
        return insert(attempt_table).values(kind=counter.kind, key=counter.key, **values)


class _NoRoomError(Exception):
    """Ends the transaction of a reservation that must wait."""


def _busy() -> SsoError:
    return SsoError("ERR-BUSY", "too many attempts are under way", status=503)


def _one_less() -> ColumnElement[int]:
    return case((attempt_table.c.under_way > 0, attempt_table.c.under_way - 1), else_=0)
