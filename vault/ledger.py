"""The ledger: append-only events under a Merkle tree with signed checkpoints (DESIGN §4.19).

An event is written in the transaction of what it tells (`record`), or by group commit (`append`). That makes it
durable. A moment later `sequence` gives it its place in the tree. In between, its MAC proves that Yimen wrote it.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock
from core.database import Database, UtcDateTime, insert_if_absent, metadata
from core.identifiers import new_id
from core.logs import logger
from core.metrics import EVENTS
from vault import merkle
from vault.checkpoints import Signer
from vault.errors import VaultError
from vault.events import Event, RecordedEvent, canonical, event_of_row, event_table, leaf_content
from vault.group_commit import GroupCommit
from vault.sealing import Sealer
from vault.signing import signing_key
from vault.suites import same

__all__ = ["Event", "Ledger", "LedgerHealth", "RecordedEvent"]

Proof = TypeVar("Proof")

_SEQUENCE_BATCH = 2000
_INSERT = insert(event_table)
_log = logger("ledger")

node_table = Table(
    "vault_ledger_node",
    metadata,
    Column("level", Integer, primary_key=True),
    Column("index", BigInteger, primary_key=True),
    Column("hash", LargeBinary, nullable=False),
)
tree_table = Table(
    "vault_ledger_tree",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("size", BigInteger, nullable=False),
)
checkpoint_table = Table(
    "vault_ledger_checkpoint",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
    Column("signed_at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True)
class LedgerHealth:
    """`verified`: the newest checkpoint is signed by our key and its root is the root of the stored tree."""

    size: int
    root: str
    checkpoint_at: datetime | None
    unsequenced: int
    quarantined: int
    verified: bool


class Ledger:
    def __init__(self, database: Database, clock: Clock, sealer: Sealer, origin: str) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer
        self._origin = origin
        self._group: GroupCommit[RecordedEvent] = GroupCommit(self._write)
        self._signer: Signer | None = None

    async def start(self) -> None:
        """Loads the signing key, and makes the empty tree at the first start. Exactly one process wins."""
        self._signer = Signer(self._origin, await signing_key(self._database, self._sealer, "ledger"))
        async with self._database.write() as connection:
            if await connection.scalar(select(tree_table.c.size)) is None:
                await insert_if_absent(connection, tree_table, name="events", size=0)

    async def stop(self) -> None:
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

    async def record(self, connection: AsyncConnection, event: Event, *, after: str = "") -> str:
        """Writes the event in the caller's unit of work: it is durable exactly when the act is.

        Its id sorts after `after`, an event of another replica perhaps, whose clock is ahead of ours.
        """
        recorded = self._stamp(event, after)
        await connection.execute(_INSERT, [self._row(recorded)])
        EVENTS.labels(event.action, event.result).inc()
        return recorded.id

    async def append(self, event: Event) -> str:
        """Writes the event by itself; durable when this returns. Concurrent callers share one transaction."""
        recorded = self._stamp(event)
        await self._group.submit(recorded)
        EVENTS.labels(event.action, event.result).inc()
        return recorded.id

    def report(self, event: Event) -> None:
        """Writes the event by itself, soon, and does not wait; for what the ledger must know of a unit of work that is
        about to be undone. `stop` waits for it. Should it be lost with the process, nothing was granted."""
        self._group.post(self._stamp(event)).add_done_callback(_log_loss)
        EVENTS.labels(event.action, event.result).inc()

    async def _write(self, batch: Sequence[RecordedEvent]) -> None:
        async with self._database.write() as connection:
            await connection.execute(_INSERT, [self._row(recorded) for recorded in batch])

    def _stamp(self, event: Event, after: str = "") -> RecordedEvent:
        members = {name: getattr(event, name) for name in Event.__dataclass_fields__}
        return RecordedEvent(**members, id=new_id(after), recorded_at=self._clock.now())

    def _row(self, recorded: RecordedEvent) -> dict[str, object]:
        content = leaf_content(recorded)
        row = {name: value for name, value in content.items() if name not in ("schema", "recorded_at")}
        return {**row, "recorded_at": recorded.recorded_at, "mac": self._mac(recorded)}

    def _mac(self, recorded: RecordedEvent) -> bytes:
        return self._sealer.mac("ledger-row", canonical(leaf_content(recorded)))

    # Placing events in the tree

    async def sequence(self) -> int:
        """Gives every staged event its place and signs a checkpoint; returns how many were placed.

        N processes may do so at once: they queue at the tree's row (on SQLite at the write lock). An event whose MAC
        is wrong was not written by Yimen: it gets no place, and the ledger says so.
        """
        total = 0
        while placed := await self._sequence_batch():
            total += placed
            if placed < _SEQUENCE_BATCH:
                break
        return total

    async def _sequence_batch(self) -> int:
        async with self._database.write() as connection:
            size = await connection.scalar(
                select(tree_table.c.size).where(tree_table.c.name == "events").with_for_update()
            )
            staged = select(event_table).where(event_table.c.position.is_(None), event_table.c.quarantined.is_(False))
            rows = (await connection.execute(staged.order_by(event_table.c.id).limit(_SEQUENCE_BATCH))).all()
            if not rows or size is None:
                return 0
            genuine: list[RecordedEvent] = []
            for row in rows:
                recorded = event_of_row(row)
                if same(self._mac(recorded), row.mac):
                    genuine.append(recorded)
                else:
                    await self._quarantine(connection, recorded.id)
            if genuine:
                await self._place(connection, size, genuine)
            return len(rows)

    async def _place(self, connection: AsyncConnection, size: int, events: Sequence[RecordedEvent]) -> None:
        frontier = merkle.Frontier(size, await self._nodes(connection, merkle.peak_coordinates(size)))
        nodes: list[dict[str, object]] = []
        for recorded in events:
            leaf = merkle.hash_leaf(canonical(leaf_content(recorded)))
            nodes += [{"level": level, "index": index, "hash": node} for (level, index), node in frontier.append(leaf)]
        places = [{"event_id": recorded.id, "place": size + offset} for offset, recorded in enumerate(events)]
        await connection.execute(insert(node_table), nodes)
        await connection.execute(
            update(event_table).where(event_table.c.id == bindparam("event_id")).values(position=bindparam("place")),
            places,
        )
        await connection.execute(update(tree_table).where(tree_table.c.name == "events").values(size=frontier.size))
        note = self.signer.sign(frontier.size, frontier.root())
        await connection.execute(
            insert(checkpoint_table).values(size=frontier.size, note=note, signed_at=self._clock.now())
        )

    async def _quarantine(self, connection: AsyncConnection, event_id: str) -> None:
        await connection.execute(update(event_table).where(event_table.c.id == event_id).values(quarantined=True))
        _log.error("an event in the ledger was not written by Yimen", event_id=event_id)
        await self.record(
            connection,
            Event(
                action="vault.tamper",
                result="failure",
                actor="system",
                subject=f"event:{event_id}",
                reason="ERR-LEDGER_TAMPERED",
            ),
        )

    # Reading

    async def latest(self, connection: AsyncConnection, actions: Sequence[str], subject: str) -> RecordedEvent | None:
        """The newest genuine event of these actions about `subject`."""
        query = select(event_table).where(
            event_table.c.subject == subject,
            event_table.c.action.in_(actions),
        )
        query = query.order_by(event_table.c.id.desc()).limit(1)
        while (row := (await connection.execute(query)).one_or_none()) is not None:
            recorded = event_of_row(row)
            if same(self._mac(recorded), row.mac):  # also where somebody marked a genuine event as quarantined
                return recorded
            if not row.quarantined:
                raise VaultError("ERR-LEDGER_TAMPERED", f"event {recorded.id} was not written by Yimen")
            query = query.where(event_table.c.id < row.id)
        return None

    async def size(self, connection: AsyncConnection) -> int:
        return await connection.scalar(select(tree_table.c.size).where(tree_table.c.name == "events")) or 0

    async def checkpoint(self, connection: AsyncConnection) -> str | None:
        """The newest signed note."""
        return await connection.scalar(
            select(checkpoint_table.c.note).order_by(checkpoint_table.c.size.desc()).limit(1)
        )

    async def inclusion_proof(self, connection: AsyncConnection, position: int, size: int) -> list[bytes]:
        return await self._prove(connection, lambda fetch: merkle.inclusion_proof(fetch, position, size))

    async def inclusion_proofs(
        self, connection: AsyncConnection, positions: Sequence[int], size: int
    ) -> list[list[bytes]]:
        """The proofs of several positions; nodes that they share are read once."""
        return await self._prove(
            connection, lambda fetch: [merkle.inclusion_proof(fetch, position, size) for position in positions]
        )

    async def consistency_proof(self, connection: AsyncConnection, first: int, second: int) -> list[bytes]:
        return await self._prove(connection, lambda fetch: merkle.consistency_proof(fetch, first, second))

    async def _prove(self, connection: AsyncConnection, build: Callable[[merkle.Fetch], Proof]) -> Proof:
        coordinates = merkle.coordinates_of(build)
        known = dict(zip(coordinates, await self._nodes(connection, coordinates), strict=True))
        return build(lambda level, index: known[(level, index)])

    async def _nodes(self, connection: AsyncConnection, coordinates: Sequence[merkle.Coordinate]) -> list[bytes]:
        if not coordinates:
            return []
        wanted = tuple_(node_table.c.level, node_table.c.index).in_(coordinates)
        rows = await connection.execute(select(node_table.c.level, node_table.c.index, node_table.c.hash).where(wanted))
        found = {(level, index): node for level, index, node in rows}
        missing = [coordinate for coordinate in coordinates if coordinate not in found]
        if missing:
            raise VaultError("ERR-LEDGER_TAMPERED", f"the tree lacks its node {missing[0]}")
        return [found[coordinate] for coordinate in coordinates]

    async def health(self) -> LedgerHealth:
        """How the ledger stands now. Cheap: the right edge of the tree, not all of it; an export proves all of it."""
        async with self._database.read() as connection:
            size = await self.size(connection)
            newest = select(checkpoint_table).order_by(checkpoint_table.c.size.desc()).limit(1)
            checkpoint = (await connection.execute(newest)).one_or_none()
            open_rows = event_table.c.position.is_(None)
            staged = select(func.count()).where(open_rows, event_table.c.quarantined.is_(False))
            quarantined = select(func.count()).where(open_rows, event_table.c.quarantined.is_(True))
            root, verified = merkle.EMPTY_ROOT, size == 0
            try:
                root = merkle.Frontier(size, await self._nodes(connection, merkle.peak_coordinates(size))).root()
                if checkpoint is not None:
                    signed = self.signer.verifier.verify(checkpoint.note)
                    verified = (signed.size, signed.root) == (size, root)
            except VaultError:
                verified = False
            return LedgerHealth(
                size=size,
                root=root.hex(),
                checkpoint_at=checkpoint.signed_at if checkpoint else None,
                unsequenced=await connection.scalar(staged) or 0,
                quarantined=await connection.scalar(quarantined) or 0,
                verified=verified,
            )


def _log_loss(outcome: asyncio.Future[None]) -> None:
    if not outcome.cancelled() and (error := outcome.exception()) is not None:
        _log.error("a reported event could not be written", error=type(error).__name__)
