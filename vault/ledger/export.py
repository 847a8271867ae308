"""The ledger as a file that proves itself, far from any database: see `audit_format`.

All of it, or what was recorded in a span of time, is a run of the tree: its events, and the few nodes at its two edges.
Of what somebody asked for by other filters, the nodes of every gap between two events are there.
"""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, func, select

from core.database import Connection, Database
from core.offload import off_loop
from vault.errors import VaultError
from vault.ledger import merkle
from vault.ledger.audit_format import BLOCK, PURPOSE, FileWriter
from vault.ledger.events import LEAF_COLUMNS, RecordedEvent, event_of_row, event_table, leaf_of_columns, place_table
from vault.ledger.ledger import Ledger
from vault.ledger.query import LedgerQuery, conditions_of
from vault.ledger.tree import node_table, read_nodes

# Positions that are read at once.
_STRETCH = 5 * BLOCK
_ROW_BYTES = 400
_COLUMNS = ("position", "recorded_at", "action", "result", "actor", "subject", "system", "client", "session", "address")
_MORE_COLUMNS = ("request_id", "reason", "detail", "id")
# A cell that begins so is a formula to a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_position = place_table.c.position
_PLACED = (place_table, place_table.c.event_id == event_table.c.id)
_EVENTS = select(*LEAF_COLUMNS, event_table.c.mac, event_table.c.quarantined, _position).join(*_PLACED)

# Events, and the leaves that the tree has there where all of them are wanted.
_Read = tuple[Sequence[Row[Any]], Mapping[int, bytes] | None]


@dataclass(frozen=True)
class _Stretch:
    """Events with their lines, by position; the leaf of each place that must have one; what was changed, by subject."""

    lines: Mapping[int, bytes]
    leaves: Mapping[int, bytes]
    changed: Mapping[str, str]


class AuditFile:
    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger

    async def export(self, query: LedgerQuery | None = None) -> AsyncIterator[bytes]:
        """The file in pieces of many lines, oldest event first; memory stays the same however long it is.

        Raises ERR-LEDGER_TAMPERED when the tree is not the one that was signed. An event that was changed or deleted
        shows in the file, and is recorded (`vault.tamper`).
        """
        wanted = replace(query or LedgerQuery(), cursor=None)
        note, size = await self._signed()
        file = FileWriter()
        yield file.head(note, size, complete=wanted.is_everything)
        async for stretch in self._stretches(wanted, *await self._span(wanted, size)):
            for subject, why in stretch.changed.items():
                await self._ledger.tell(subject, why)
            nodes = await self._nodes(file.missing(stretch.leaves))
            if stretch.leaves:
                yield file.events(stretch.lines, stretch.leaves, nodes)
        left_out = file.skip(size, await self._nodes(list(merkle.covering(file.position, size))))
        yield left_out + file.end(self._ledger.signer.named(PURPOSE))

    async def export_csv(self, query: LedgerQuery | None = None) -> AsyncIterator[bytes]:
        """For people and their spreadsheets; it proves nothing. UTF-8 with the mark that spreadsheets want."""
        wanted = replace(query or LedgerQuery(), cursor=None)
        _, size = await self._signed()
        yield b"\xef\xbb\xbf" + _csv_row([*_COLUMNS, *_MORE_COLUMNS])
        async for rows, _ in self._rows(wanted, *await self._span(wanted, size)):
            for row in rows:
                event = event_of_row(row)
                yield _csv_row([_cell(event, name) for name in (*_COLUMNS, *_MORE_COLUMNS)])

    async def _signed(self) -> tuple[str | None, int]:
        """The newest checkpoint, after all that waits was placed, and the size that it signs."""
        await self._ledger.sequence()
        async with self._database.scan() as connection:
            await self._ledger.signed_frontier(connection)
            note = await self._ledger.checkpoint(connection)
        return note, 0 if note is None else self._ledger.signer.verifier.verify(note).size

    async def _span(self, wanted: LedgerQuery, size: int) -> tuple[int, int]:
        """The first position of the wanted time, and the one after its last."""
        if wanted.since is None and wanted.until is None:
            return 0, size
        in_time = conditions_of(LedgerQuery(since=wanted.since, until=wanted.until))
        ends = select(func.min(_position), func.max(_position)).select_from(event_table).join(*_PLACED)
        async with self._database.scan() as connection:
            first, last = (await connection.execute(ends.where(*in_time, _position < size))).one()
        return (0, 0) if first is None else (first, last + 1)

    async def _stretches(self, wanted: LedgerQuery, start: int, end: int) -> AsyncIterator[_Stretch]:
        async for rows, leaves in self._rows(wanted, start, end):
            yield await off_loop(len(rows) * _ROW_BYTES, self._stretch, rows, leaves)

    async def _rows(self, wanted: LedgerQuery, start: int, end: int) -> AsyncIterator[_Read]:
        """The events, a stretch at a time."""
        reading: asyncio.Future[_Read] | None = None
        try:
            for first in range(start, end, _STRETCH):
                read = await (reading or self._read(wanted, first, end))
                following = first + _STRETCH
                # The database reads on while this stretch is written.
                reading = asyncio.ensure_future(self._read(wanted, following, end)) if following < end else None
                yield read
        finally:
            if reading is not None:
                reading.cancel()

    async def _read(self, wanted: LedgerQuery, first: int, end: int) -> _Read:
        end = min(first + _STRETCH, end)
        conditions = [] if wanted.is_run else conditions_of(wanted)
        events = _EVENTS.where(_position >= first, _position < end, *conditions).order_by(_position)
        async with self._database.scan() as connection:
            rows = (await connection.execute(events)).all()
            return rows, await _leaves(connection, first, end) if wanted.is_run else None

    def _stretch(self, rows: Sequence[Row[Any]], stored: Mapping[int, bytes] | None) -> _Stretch:
        lines: dict[int, bytes] = {}
        leaves: dict[int, bytes] = {}
        changed: dict[str, str] = {}
        for row in rows:
            line = leaf_of_columns(row)
            lines[row.position] = line
            leaves[row.position] = merkle.hash_leaf(line)
            if row.quarantined or not self._ledger.wrote(line, row):
                changed[f"event:{row.id}"] = f"event {row.id} was changed after it was placed"
        for position in (stored or {}).keys() - lines.keys():
            changed[f"position:{position}"] = f"the event at position {position} was deleted"
        return _Stretch(lines, leaves if stored is None else stored, changed)

    async def _nodes(self, coordinates: Sequence[merkle.Coordinate]) -> dict[merkle.Coordinate, bytes]:
        if not coordinates:
            return {}
        async with self._database.scan() as connection:
            return dict(zip(coordinates, await read_nodes(connection, coordinates), strict=True))


async def _leaves(connection: Connection, start: int, end: int) -> dict[int, bytes]:
    """Raises ERR-LEDGER_TAMPERED when one is missing."""
    index = node_table.c.index
    query = select(index, node_table.c.hash).where(node_table.c.level == 0, index >= start, index < end)
    found: dict[int, bytes] = dict((await connection.execute(query.order_by(index))).all())
    if len(found) != end - start:
        raise VaultError("ERR-LEDGER_TAMPERED", f"the tree lacks leaves between {start} and {end}")
    return found


def _csv_row(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode()


def _cell(event: RecordedEvent, name: str) -> str:
    value = getattr(event, name)
    if name == "recorded_at":
        return event.recorded_at.isoformat(timespec="milliseconds")
    text = (
        json.dumps(dict(event.detail), ensure_ascii=False) if name == "detail" else "" if value is None else str(value)
    )
    return f"'{text}" if text.startswith(_FORMULA) else text
