"""Lock-out: one counter for all factors and grants, per account and per address, shared by every process.

Only failures count. An attempt is *reserved* before it is checked, by one conditional statement, so 200 parallel
guesses get no more checks than the limit (attacks §5.1 #9); what is under way stands apart from what failed. Who finds
no room only because others are under way waits for their end: they may all be right.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal
from weakref import WeakValueDictionary

from sqlalchemy import Column, Integer, Row, String, Table, and_, bindparam, delete, or_, select

from core.clock import Clock
from core.database import Bytes, Connection, Database, Prepared, UtcDateTime, metadata
from core.expiry import forgotten
from core.forwarding import UNKNOWN
from core.integrity import MAC_COLUMN, mac_column, signed
from core.settings import Settings
from sso.authentication.told_failures import PROVED, UNLOCK, failures_told
from sso.errors import SsoError
from sso.names import fold_username
from vault.keys.sealing import Sealer
from vault.ledger import Event, Ledger
from vault.rows import SignedRows

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
    mac_column(),
    info=signed() | forgotten("until"),
)
_WRITE = Prepared(
    attempt_table.update()
    .where(attempt_table.c.kind == bindparam("of_kind"), attempt_table.c.key == bindparam("of_key"))
    .values({name: bindparam(f"to_{name}") for name in ("failures", "under_way", "until", MAC_COLUMN)})
)


@cache
def _locking(count: int) -> Prepared:
    """Reads so many counters, in one order, whoever asks: two units of work never wait for each other."""
    wanted = [
        and_(attempt_table.c.kind == bindparam(f"kind_{place}"), attempt_table.c.key == bindparam(f"key_{place}"))
        for place in range(count)
    ]
    return Prepared(select(attempt_table).where(or_(*wanted)).order_by(attempt_table.c.kind).with_for_update())


AccountKind = Literal["account", "client"]
_Kind = Literal["account", "client", "address"]


@dataclass(frozen=True)
class _Counter:
    kind: _Kind
    key: bytes
    limit: int


@dataclass
class _State:
    """A counter as it stands now, for a write to it."""

    failures: int
    under_way: int
    until: datetime
    is_tampered: bool = False


@dataclass
class Attempt:
    """One reserved attempt. Whoever checks settles it, in the transaction that acts on the outcome."""

    _lockout: "Lockout" = field(repr=False)
    _counters: Sequence[_Counter] = field(repr=False)
    failed: bool = False

    async def fail(self, connection: Connection) -> None:
        """The proof was wrong: it counts for the account and for the address."""
        await self._lockout.count(connection, self._counters)
        self.failed = True

    async def pass_step(self, connection: Connection) -> None:
        """A right step that is not the last: nothing counts, and earlier failures stay."""
        await self._lockout.release(connection, self._counters)

    async def succeed(self, connection: Connection) -> None:
        """All is proved: the account's counter starts again."""
        await self._lockout.release(connection, self._counters, is_forgiven=True)


class Lockout:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        sealer: Sealer,
        rows: SignedRows,
        ledger: Ledger,
        *,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer
        self._rows = rows
        self._ledger = ledger
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
        counters = self._counters(kind, account, address)
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

    async def count(self, connection: Connection, counters: Sequence[_Counter]) -> None:
        """Turns reserved attempts into failures."""
        now = self._clock.now()
        states = await self._locked(connection, counters)
        for counter, state in states.items():
            # The first failure opens the window and the last one starts the wait. Those between do not prolong it: at
            # an address that many people share, the day's slips of the pen must not add up.
            over = state.until <= now
            if over or state.failures == 0 or state.failures + 1 >= counter.limit:
                state.until = now + self._window
            state.failures = 1 if over else state.failures + 1
            state.under_way = max(0, state.under_way - 1)
        await self._write(connection, states)

    async def release(self, connection: Connection, counters: Sequence[_Counter], *, is_forgiven: bool = False) -> None:
        """Gives reserved attempts back; with `is_forgiven`, the failures of the account are forgotten."""
        states = await self._locked(connection, counters)
        for counter, state in states.items():
            state.under_way = max(0, state.under_way - 1)
            if is_forgiven and counter.kind != "address" and not state.is_tampered:
                state.failures = 0
        await self._write(connection, states)

    async def require_told(self, connection: Connection, user_id: str) -> None:
        """Raises ERR-LOCKED where the ledger tells of more failures than the person's counter would have let happen:
        somebody cleared it."""
        told = await failures_told(connection, user_id, self._clock.now() - self._window)
        if told >= 2 * self._limits["account"]:
            self._rows.tell(attempt_table, f"account of user:{user_id}", "the counter of failed sign-ins was cleared")
            raise self._too_many(self._clock.now() + self._window)

    async def unlock(self, connection: Connection, username: str, user_id: str, *, actor: str) -> None:
        """An operator gives a person their attempts back."""
        counter = self._counter("account", username)
        row = and_(attempt_table.c.kind == counter.kind, attempt_table.c.key == counter.key)
        await connection.execute(delete(attempt_table).where(row))
        detail = {PROVED: True}
        event = Event(UNLOCK, "success", actor=actor, subject=f"user:{user_id}", detail=detail)
        await self._ledger.record(connection, event)

    def _counters(self, kind: AccountKind, account: str, address: str) -> list[_Counter]:
        """An address that nobody knows is that of many people: it has no counter, and neither has a client there, which
        is counted by address. A person's own counter always stands."""
        if address != UNKNOWN:
            return [self._counter(kind, account), self._counter("address", address)]
        return [self._counter(kind, account)] if kind == "account" else []

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
        async with self._database.write() as connection:
            states = await self._locked(connection, counters)
            for state in states.values():
                if state.until <= now:
                    state.failures, state.under_way, state.until = 0, 0, now + self._window
            locked_until = [state.until for counter, state in states.items() if state.failures >= counter.limit]
            has_room = all(state.failures + state.under_way < counter.limit for counter, state in states.items())
            if has_room:
                for state in states.values():
                    state.under_way += 1
            if has_room or any(state.is_tampered for state in states.values()):
                await self._write(connection, states)
        if locked_until:
            raise self._too_many(max(locked_until))
        return has_room

    async def _locked(self, connection: Connection, counters: Sequence[_Counter]) -> dict[_Counter, _State]:
        """The counters' rows, which nobody else writes until this unit of work ends; those that are missing are made.

        A row that somebody else wrote counts as a counter that has just run full: clearing it gains nothing, and it
        heals after one window.
        """
        if not counters:
            return {}
        rows = await self._read(connection, counters)
        if len(rows) < len(counters):
            for counter in sorted(counters, key=lambda counter: counter.kind):
                if counter not in rows:
                    values = {"failures": 0, "under_way": 0, "until": self._clock.now() + self._window}
                    await self._rows.insert_if_absent(
                        connection, attempt_table, kind=counter.kind, key=counter.key, **values
                    )
            rows = await self._read(connection, counters)
        return {counter: self._state(counter, rows[counter]) for counter in counters}

    async def _read(self, connection: Connection, counters: Sequence[_Counter]) -> dict[_Counter, Row[Any]]:
        wanted: dict[str, Any] = {}
        for place, counter in enumerate(counters):
            wanted |= {f"kind_{place}": counter.kind, f"key_{place}": counter.key}
        rows = await connection.execute(_locking(len(counters)), wanted)
        found = {(row.kind, row.key): row for row in rows}
        return {
            counter: found[(counter.kind, counter.key)] for counter in counters if (counter.kind, counter.key) in found
        }

    def _state(self, counter: _Counter, row: Row[Any]) -> _State:
        if self._rows.is_genuine(attempt_table, row):
            return _State(row.failures, row.under_way, row.until)
        return _State(counter.limit, 0, self._clock.now() + self._window, is_tampered=True)

    async def _write(self, connection: Connection, states: Mapping[_Counter, _State]) -> None:
        if not states:
            return
        written = []
        for counter, state in states.items():
            values = {"failures": state.failures, "under_way": state.under_way, "until": state.until}
            signed_row = self._rows.signed(attempt_table, {"kind": counter.kind, "key": counter.key, **values})
            to = {f"to_{name}": signed_row[name] for name in (*values, MAC_COLUMN)}
            written.append({"of_kind": counter.kind, "of_key": counter.key, **to})
        await connection.execute(_WRITE, written)

    def _too_many(self, until: datetime) -> SsoError:
        seconds = math.ceil((until - self._clock.now()).total_seconds())
        minutes = {"minutes": math.ceil(seconds / 60)}
        return SsoError("ERR-LOCKED", "too many failed attempts", status=429, parameters=minutes, retry_after=seconds)


def _busy() -> SsoError:
    return SsoError("ERR-BUSY", "too many attempts are under way", status=503, retry_after=1)
