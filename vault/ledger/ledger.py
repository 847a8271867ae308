"""The ledger: append-only events under a Merkle tree with signed checkpoints (DESIGN §4.19).

An event is written in the transaction of what it tells (`record`), or by group commit (`append`). That makes it
durable. A moment later `sequence` gives it its place in the tree (`placing`). In between, its MAC proves that Yimen
wrote it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Row, bindparam, func, select

from core.clock import Clock
from core.database import Connection, Database, Prepared, Values, insert_if_absent, new_row
from core.identifiers import new_id
from core.logs import logger
from core.metrics import EVENTS
from vault.errors import VaultError
from vault.keys.sealing import Sealer
from vault.keys.signing import signing_key
from vault.keys.suites import same
from vault.ledger import merkle
from vault.ledger.checkpoints import Signer
from vault.ledger.events import (
    PSEUDONYM_PREFIX,
    Event,
    RecordedEvent,
    canonical,
    content_of,
    event_of_row,
    event_table,
    leaf_of,
    place_table,
    waiting_table,
)
from vault.ledger.group_commit import GroupCommit
from vault.ledger.name import new_name, signed_name
from vault.ledger.placing import Placing
from vault.ledger.tree import NEWEST_CHECKPOINT, TREE_SIZE, checkpoint_table, prove, signed_frontier, tree_table

__all__ = ["Event", "Ledger", "LedgerHealth", "RecordedEvent"]

_PSEUDONYM_DIGITS = 16
# More that wait are not counted: their number says enough.
MOST_COUNTED = 10_000
_INSERT = new_row(event_table)
_log = logger("ledger")
# Looking a counter up costs more than counting.
_counter = cache(EVENTS.labels)


@dataclass(frozen=True)
class LedgerHealth:
    """`verified`: the newest checkpoint is signed by our key, its root is the root of the stored tree, the last event
    has the last place, and no placed event is marked as quarantined. `unsequenced` counts up to `MOST_COUNTED`."""

    size: int
    root: str
    checkpoint_at: datetime | None
    unsequenced: int
    quarantined: int
    verified: bool


class Ledger:
    def __init__(self, database: Database, clock: Clock, sealer: Sealer) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer
        self._group: GroupCommit[Values] = GroupCommit(self._write)
        self._signer: Signer | None = None
        self._telling: set[asyncio.Future[None]] = set()

    async def start(self) -> None:
        """Loads the signing key and the ledger's name; the first start makes both, and the empty tree. Exactly one
        process wins."""
        key = await signing_key(self._database, self._sealer, "ledger")
        async with self._database.write() as connection:
            # Where something was signed already, a missing size is no first start: it is found by `signed_frontier`.
            if await self.checkpoint(connection) is None:
                await self._begin(connection, Signer(new_name(), key))
            name = await signed_name(connection, key.public_key())
        # Without one that was signed, every checkpoint there is was spoiled: `signed_frontier` finds that too.
        self._signer = Signer(name or new_name(), key)

    async def _begin(self, connection: Connection, signer: Signer) -> None:
        await insert_if_absent(connection, tree_table, name="events", size=0)
        note = signer.sign(0, merkle.EMPTY_ROOT)
        await insert_if_absent(connection, checkpoint_table, size=0, note=note, signed_at=self._clock.now())

    async def stop(self) -> None:
        await self.told()
        await self._group.close()

    @property
    def signer(self) -> Signer:
        if self._signer is None:
            raise VaultError("ERR-LEDGER", "the ledger has not been started")
        return self._signer

    def public_key(self) -> str:
        """The verifier key that auditors keep elsewhere."""
        return str(self.signer.verifier)

    # Writing

    async def record(self, connection: Connection, event: Event, *, after: str = "", event_id: str = "") -> str:
        """Writes the event in the caller's unit of work: it is durable exactly when the act is.

        Its id sorts after `after`, an event of another replica perhaps, whose clock is ahead of ours. `event_id` is
        given where a row that is written in the same act already names it.
        """
        row = self.row_of(event, after=after, event_id=event_id)
        await connection.execute(_INSERT, row)
        return str(row["id"])

    def row_of(self, event: Event, *, after: str = "", event_id: str = "") -> dict[str, object]:
        """As `record`, for a caller who writes the event in one statement with what it tells (`Together`)."""
        _counter(event.action, event.result).inc()
        return self._row(event, event_id or new_id(after))

    async def append(self, event: Event) -> str:
        """Writes the event by itself; durable when this returns. Concurrent callers share one transaction."""
        event_id = new_id()
        await self._group.submit(self._row(event, event_id))
        _counter(event.action, event.result).inc()
        return event_id

    def report(self, event: Event) -> None:
        """Writes the event by itself, soon, and does not wait; for what the ledger must know of a unit of work that is
        about to be undone. `stop` waits for it. Should it be lost with the process, nothing was granted."""
        self._group.post(self._row(event, new_id())).add_done_callback(_log_loss)
        _counter(event.action, event.result).inc()

    def pseudonym(self, name: str) -> str:
        """What events keep of a name that nobody here has, which may well be a password: a keyed digest. It tells that
        the same was said again, and nothing else, whoever reads the ledger or its exports."""
        digest = self._sealer.mac("unknown-name", name.encode("utf-8", "surrogatepass"))
        return PSEUDONYM_PREFIX + digest.hex()[:_PSEUDONYM_DIGITS]

    def tell_soon(self, subject: str, detail: str, *, reason: str) -> None:
        """As `tell`, by itself, and does not wait: the caller may be in a unit of work. `stop` waits for it."""
        telling = asyncio.ensure_future(self.tell(subject, detail, reason=reason))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)
        telling.add_done_callback(_log_loss)

    async def told(self) -> None:
        """Ends when everything of `tell_soon` so far is in the ledger."""
        await asyncio.gather(*self._telling, return_exceptions=True)

    async def _write(self, batch: Sequence[Values]) -> None:
        async with self._database.write() as connection:
            await connection.execute(_INSERT, batch, last=True)

    def _row(self, event: Event, event_id: str) -> dict[str, object]:
        recorded_at = self._clock.now()
        row = content_of(event, event_id, recorded_at)
        row["mac"] = self._sealer.mac("ledger-row", canonical(row))
        del row["schema"]
        row["recorded_at"] = recorded_at
        return row

    def _mac(self, content: Mapping[str, Any]) -> bytes:
        return self._sealer.mac("ledger-row", canonical(content))

    # Placing events in the tree

    async def sequence(self) -> int:
        """Gives every event that waits its place and signs a checkpoint; returns how many there were."""
        try:
            return await Placing(self._database, self._clock, self.signer, self.wrote, self._record_tampering).run()
        except VaultError as error:
            await self.tell("tree", error.detail)
            raise

    async def _record_tampering(self, connection: Connection, subject: str, detail: str) -> None:
        await self.record(connection, _tampered(subject, detail))

    async def signed_frontier(self, connection: Connection) -> merkle.Frontier:
        """The right edge of the stored tree; raises unless it is the tree that was signed last."""
        return await signed_frontier(connection, self.signer.verifier)

    async def tell(self, subject: str, detail: str, *, reason: str = "ERR-LEDGER_TAMPERED") -> None:
        """Records that somebody changed the database past Yimen; once, as long as it is the same."""
        async with self._database.write() as connection:
            known = (row for row in await self._alarms(connection, subject) if self.is_genuine(row))
            if not any(row.detail.get("detail") == detail for row in known):
                _log.error("the database was changed by somebody else", subject=subject, detail=detail)
                await self.record(connection, _tampered(subject, detail, reason))

    async def _alarms(self, connection: Connection, subject: str) -> Sequence[Row[Any]]:
        query = select(event_table).where(event_table.c.subject == subject, event_table.c.action == "vault.tamper")
        return (await connection.execute(query)).all()

    # Reading

    async def latest(self, connection: Connection, actions: Sequence[str], subject: str) -> RecordedEvent | None:
        """The newest genuine event of these actions about `subject`."""
        query, asked = _newest_of(tuple(actions)), {"about": subject}
        while (row := (await connection.execute(query, asked)).one_or_none()) is not None:
            if self.is_genuine(row):  # also where somebody marked a genuine event as quarantined
                return event_of_row(row)
            if not await self._was_turned_away(connection, row):
                raise VaultError("ERR-LEDGER_TAMPERED", f"event {row.id} was not written by Yimen")
            query, asked = _newest_of(tuple(actions), older=True), {"about": subject, "before": row.id}
        return None

    def is_genuine(self, row: Row[Any]) -> bool:
        """True when Yimen wrote this row as it stands."""
        return self.wrote(leaf_of(row), row)

    def wrote(self, leaf: bytes, row: Row[Any]) -> bool:
        """As `is_genuine`, where the row's bytes are known already."""
        return same(self._sealer.mac("ledger-row", leaf), row.mac)

    async def _was_turned_away(self, connection: Connection, row: Row[Any]) -> bool:
        """True for a row that somebody planted and `sequence` gave no place. The mark alone proves nothing: whoever can
        plant a row can mark one, and take its place away. Yimen's own event about it cannot be forged."""
        placed = select(place_table.c.position).where(place_table.c.event_id == row.id)
        if not row.quarantined or await connection.scalar(placed) is not None:
            return False
        return any(self.is_genuine(alarm) for alarm in await self._alarms(connection, f"event:{row.id}"))

    async def size(self, connection: Connection) -> int:
        return await connection.scalar(TREE_SIZE) or 0

    async def checkpoint(self, connection: Connection) -> str | None:
        """The newest signed note."""
        newest = (await connection.execute(NEWEST_CHECKPOINT)).one_or_none()
        return None if newest is None else newest.note

    async def inclusion_proof(self, connection: Connection, position: int, size: int) -> list[bytes]:
        return await prove(connection, lambda fetch: merkle.inclusion_proof(fetch, position, size))

    async def consistency_proof(self, connection: Connection, first: int, second: int) -> list[bytes]:
        return await prove(connection, lambda fetch: merkle.consistency_proof(fetch, first, second))

    async def health(self) -> LedgerHealth:
        """How the ledger stands now. Cheap: the right edge of the tree, not all of it; an export proves all of it."""
        async with self._database.scan() as connection:
            size = await self.size(connection)
            newest = (await connection.execute(NEWEST_CHECKPOINT)).one_or_none()
            marked = select(func.count()).where(event_table.c.quarantined.is_(True))
            misplaced = marked.where(event_table.c.id.in_(select(place_table.c.event_id)))
            waiting = select(waiting_table.c.event_id).limit(MOST_COUNTED).subquery()
            last = select(func.max(place_table.c.position)).where(place_table.c.position < size)
            root, verified = merkle.EMPTY_ROOT, False
            try:
                root = (await self.signed_frontier(connection)).root()
                in_order = size == 0 or await connection.scalar(last) == size - 1
                verified = in_order and not await connection.scalar(misplaced)
            except VaultError as error:
                _log.error("the tree is not the one that was signed", error=error.detail)
            return LedgerHealth(
                size=size,
                root=root.hex(),
                checkpoint_at=newest.signed_at if newest else None,
                unsequenced=await connection.scalar(select(func.count()).select_from(waiting)) or 0,
                quarantined=await connection.scalar(marked) or 0,
                verified=verified,
            )


def _tampered(subject: str, detail: str, reason: str = "ERR-LEDGER_TAMPERED") -> Event:
    return Event(
        action="vault.tamper",
        result="failure",
        actor="system",
        subject=subject,
        reason=reason,
        detail={"detail": detail},
    )


def _log_loss(outcome: asyncio.Future[None]) -> None:
    if not outcome.cancelled() and (error := outcome.exception()) is not None:
        _log.error("a reported event could not be written", error=type(error).__name__)


@cache
def _newest_of(actions: tuple[str, ...], *, older: bool = False) -> Prepared:
    about = [event_table.c.subject == bindparam("about"), event_table.c.action.in_(actions)]
    if older:
        about.append(event_table.c.id < bindparam("before"))
    return Prepared(select(event_table).where(*about).order_by(event_table.c.id.desc()).limit(1))
