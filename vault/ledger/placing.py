"""Placing: a durable event gets its place in the tree, and a checkpoint is signed over the new root.

Events are read, checked and hashed outside of any transaction. The one that places them takes them off the queue,
writes places and nodes in bulk, and signs: on SQLite the write lock is held for milliseconds. N processes may place at
once: they queue at the tree's row, and one that finds its events placed already begins again.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, insert, select, update

from core.clock import Clock
from core.database import Connection, Database, IntegrityError, Prepared
from core.logs import logger
from core.offload import off_loop
from vault.errors import VaultError
from vault.ledger import merkle
from vault.ledger.checkpoints import Signer
from vault.ledger.events import LEAF_COLUMNS, event_table, leaf_of_columns, place_table, waiting_table
from vault.ledger.tree import checkpoint_table, node_table, signed_frontier, tree_table

BATCH = 2000
# About what a row is large, so that hashing a full batch leaves the loop.
_ROW_BYTES = 400
_log = logger("ledger")

_WAITING = Prepared(
    select(*LEAF_COLUMNS, event_table.c.mac, waiting_table.c.event_id, place_table.c.position)
    .select_from(waiting_table)
    .outerjoin(place_table, place_table.c.event_id == waiting_table.c.event_id)
    .outerjoin(event_table, event_table.c.id == waiting_table.c.event_id)
    .order_by(waiting_table.c.event_id)
    .limit(BATCH)
)


class _OvertakenError(Exception):
    """Another process has placed some of these events in the meantime."""


@dataclass(frozen=True)
class _Staged:
    """Events off the queue: those that get a place with their leaves, and the ids of those that do not. `amiss` tells
    why of those that Yimen did not put there."""

    ids: list[str]
    leaves: list[bytes]
    planted: list[str]
    amiss: dict[str, str]

    @property
    def all_ids(self) -> list[str]:
        return [*self.ids, *self.planted, *self.amiss]


class Placing:
    """`is_genuine` says whether Yimen wrote a row with these bytes; `tell` records, in the same unit of work, that the
    database was changed past Yimen."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        signer: Signer,
        is_genuine: Callable[[bytes, Row[Any]], bool],
        tell: Callable[[Connection, str, str], Awaitable[object]],
    ) -> None:
        self._database = database
        self._clock = clock
        self._signer = signer
        self._is_genuine = is_genuine
        self._tell = tell

    async def run(self) -> int:
        """Places all events that wait; gives how many. An event whose MAC is wrong was not written by Yimen: it gets
        no place, and the ledger says so."""
        total = 0
        while True:
            async with self._database.scan() as connection:
                rows = (await connection.execute(_WAITING)).all()
                if not rows:
                    await signed_frontier(connection, self._signer.verifier)
                    return total
            staged = await off_loop(len(rows) * _ROW_BYTES, self._stage, rows)
            try:
                await self._place(staged)
            except _OvertakenError:
                continue
            total += len(rows)
            if len(rows) < BATCH:
                return total

    def _stage(self, rows: Sequence[Row[Any]]) -> _Staged:
        staged = _Staged([], [], [], {})
        for row in rows:
            if row.id is None:
                staged.amiss[row.event_id] = "was deleted before it had its place"
                continue
            if row.position is not None:
                staged.amiss[row.event_id] = "was written once more after it had its place"
                continue
            leaf = leaf_of_columns(row)
            if self._is_genuine(leaf, row):
                staged.ids.append(row.id)
                staged.leaves.append(merkle.hash_leaf(leaf))
            else:
                staged.planted.append(row.id)
        return staged

    async def _place(self, staged: _Staged) -> None:
        ids = staged.all_ids
        try:
            async with self._database.write() as connection:
                frontier = await signed_frontier(connection, self._signer.verifier, lock=True)
                if await connection.delete_many(waiting_table.c.event_id, ids) != len(ids):
                    raise _OvertakenError
                await self._turn_away(connection, staged)
                if staged.ids:
                    await self._append(connection, frontier, staged)
        except IntegrityError:
            raise VaultError("ERR-LEDGER_TAMPERED", "a place that the tree has not given is taken already") from None

    async def _append(self, connection: Connection, frontier: merkle.Frontier, staged: _Staged) -> None:
        first = frontier.size
        nodes = [(level, index, node) for leaf in staged.leaves for (level, index), node in frontier.append(leaf)]
        await connection.insert_many(place_table, ["position", "event_id"], list(enumerate(staged.ids, first)))
        await connection.insert_many(node_table, ["level", "index", "hash"], nodes)
        await connection.execute(update(tree_table).where(tree_table.c.name == "events").values(size=frontier.size))
        note = self._signer.sign(frontier.size, frontier.root())
        signed = insert(checkpoint_table).values(size=frontier.size, note=note, signed_at=self._clock.now())
        await connection.execute(signed)

    async def _turn_away(self, connection: Connection, staged: _Staged) -> None:
        for event_id in staged.planted:
            await connection.execute(update(event_table).where(event_table.c.id == event_id).values(quarantined=True))
            _log.error("an event in the ledger was not written by Yimen", event_id=event_id)
            await self._tell(connection, f"event:{event_id}", "was not written by Yimen")
        for event_id, why in staged.amiss.items():
            _log.error("an event in the ledger is not as Yimen left it", event_id=event_id, why=why)
            await self._tell(connection, f"event:{event_id}", why)
