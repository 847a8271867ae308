"""The watch over placed events: a missing, moved or changed one is found by Yimen itself.

What an owner's own rows say can all be put back together, the newest event deleted: the hole in the tree stays.
"""

from typing import Any

from sqlalchemy import Row, func, select

from core.database import Connection, Database
from vault.errors import VaultError
from vault.ledger import merkle
from vault.ledger.events import event_table, leaf_of, place_table, waiting_table
from vault.ledger.ledger import Ledger
from vault.ledger.tree import TREE_SIZE, node_table

STRETCH = 5_000
_MOST_NAMED = 20
_place = place_table.c.position
_has_event = select(event_table.c.id).where(event_table.c.id == place_table.c.event_id).exists()
_has_place = select(place_table.c.position).where(place_table.c.event_id == event_table.c.id).exists()
_waits = select(waiting_table.c.event_id).where(waiting_table.c.event_id == event_table.c.id).exists()


class LedgerWatch:
    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger
        self._next = 0

    async def run(self) -> None:
        """Counts all events, reads the next stretch of them, and records what is wrong (`vault.tamper`), once."""
        async with self._database.scan() as connection:
            size = await connection.scalar(TREE_SIZE) or 0
            start = self._next if self._next < size else 0
            found = {
                **await self._holes(connection, size),
                **await self._hidden(connection),
                **await self._stretch(connection, start, size),
            }
        for subject, why in found.items():
            await self._ledger.tell(subject, why)
        self._next = start + STRETCH

    async def findings(self) -> dict[str, str]:
        """What is wrong with any placed event, by `position:…` or `event:…`, and with the tree itself, by `tree`."""
        async with self._database.scan() as connection:
            size = await connection.scalar(TREE_SIZE) or 0
            found: dict[str, str] = {}
            try:
                await self._ledger.signed_frontier(connection)
            except VaultError as error:
                found["tree"] = error.detail
            found.update(await self._holes(connection, size))
            found.update(await self._hidden(connection))
            for start in range(0, size, STRETCH):
                found.update(await self._stretch(connection, start, size))
        return found

    async def _holes(self, connection: Connection, size: int) -> dict[str, str]:
        """The first places without an event, and the first events that neither have a place nor wait for one."""
        if await self._all_there(connection, size):
            return {}
        found: dict[str, str] = {}
        follower = place_table.alias()
        followed = select(follower.c.event_id).where(follower.c.position == _place + 1).exists()
        before = select(_place + 1).where(_place < size - 1, ~followed).order_by(_place).limit(_MOST_NAMED)
        empty = select(_place).where(_place < size, ~_has_event).order_by(_place).limit(_MOST_NAMED)
        first = [] if size == 0 or await connection.scalar(select(_place).where(_place == 0)) is not None else [0]
        for position in [*first, *await connection.scalars(before), *await connection.scalars(empty)]:
            found.update([_hole(position)])
        lost = select(event_table.c.id).where(~_has_place, ~_waits, event_table.c.quarantined.is_(False))
        for event_id in await connection.scalars(lost.order_by(event_table.c.id).limit(_MOST_NAMED)):
            found[f"event:{event_id}"] = f"event {event_id} was kept from its place"
        return found

    async def _all_there(self, connection: Connection, size: int) -> bool:
        """Each place of the tree is taken, and each event has a place, waits for one or was turned away. Counted in one
        statement: between two, somebody may write."""
        events = select(func.count()).select_from(event_table)
        waiting = select(func.count()).select_from(waiting_table)
        places = select(func.count()).select_from(place_table)
        turned_away = select(func.count()).where(event_table.c.quarantined.is_(True), ~_has_place)
        counted = select(
            *(one.scalar_subquery() for one in (events, waiting, places, turned_away)), TREE_SIZE.scalar_subquery()
        )
        all_events, staged, placed, planted, now = (await connection.execute(counted)).one()
        return bool(placed == now and all_events == placed + staged + planted)

    async def _hidden(self, connection: Connection) -> dict[str, str]:
        """Events of ours that somebody marked as planted before they had a place: they would never get one, and what
        they tell would count for nothing."""
        marked = select(event_table).where(event_table.c.quarantined.is_(True), ~_has_place)
        rows = await connection.execute(marked.order_by(event_table.c.id.desc()).limit(STRETCH))
        return {
            f"event:{row.id}": f"event {row.id} is marked as one that Yimen did not write"
            for row in rows
            if self._ledger.is_genuine(row)
        }

    async def _stretch(self, connection: Connection, start: int, size: int) -> dict[str, str]:
        end = min(start + STRETCH, size)
        placed = select(_place, event_table).join(event_table, event_table.c.id == place_table.c.event_id)
        rows = {row.position: row for row in await connection.execute(placed.where(_place >= start, _place < end))}
        leaves = select(node_table.c.index, node_table.c.hash).where(
            node_table.c.level == 0, node_table.c.index >= start, node_table.c.index < end
        )
        hashes = {row.index: row.hash for row in await connection.execute(leaves)}
        found: dict[str, str] = dict(_hole(position) for position in range(start, end) if position not in rows)
        for position, row in rows.items():
            if problem := self._problem(row, hashes.get(position)):
                found[f"event:{row.id}"] = f"event {row.id} at position {position} {problem}"
        return found

    def _problem(self, row: Row[Any], leaf: bytes | None) -> str:
        if not self._ledger.is_genuine(row):
            return "was changed"
        if merkle.hash_leaf(leaf_of(row)) != leaf:
            return "is not the one that was placed there"
        return "is marked as one that Yimen did not write" if row.quarantined else ""


def _hole(position: int) -> tuple[str, str]:
    return f"position:{position}", f"the event at position {position} was deleted"
