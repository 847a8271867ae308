"""The ledger as a file that proves itself, far from any database.

JSON lines. The first names the log, its signed checkpoint and what was asked for. Each event carries its place in the
tree and its proof of inclusion under that checkpoint, and names the event before it in the file. The last line
carries a signature over all lines before it. So a change, removal, insertion or exchange shows, and where.
"""

import base64
import csv
import hashlib
import io
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from core.database import Database
from vault.ledger.events import RecordedEvent, canonical, event_of_row, event_table, leaf_content
from vault.ledger.ledger import Ledger
from vault.ledger.queries import LedgerQuery, conditions_of

FORMAT = "yimen-audit/1"
PURPOSE = "export"
_BATCH = 256
_COLUMNS = ("position", "recorded_at", "action", "result", "actor", "subject", "system", "client", "session", "address")
_MORE_COLUMNS = ("request_id", "reason", "detail", "id")
# A cell that begins so is a formula to a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class AuditFile:
    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger

    async def export(self, query: LedgerQuery | None = None) -> AsyncIterator[bytes]:
        """The file, line by line, oldest event first; memory stays the same however long it is.

        Raises ERR-LEDGER_TAMPERED when the tree is not the one that was signed. An event that was changed shows in the
        file, and is recorded (`vault.tamper`).
        """
        await self._ledger.sequence()
        async with self._database.scan() as connection:
            size = await self._ledger.size(connection)
            note = await self._ledger.checkpoint(connection)
        digest = hashlib.sha256()
        count, previous = 0, -1
        wanted = query or LedgerQuery()
        head = _line({"format": FORMAT, "complete": wanted.is_everything, "size": size, "checkpoint": note})
        digest.update(head)
        yield head
        async for batch in self._batches(wanted, size):
            for line, position in await self._lines(batch, size, previous):
                digest.update(line)
                yield line
                count, previous = count + 1, position
        signature = self._ledger.signer.named(PURPOSE).sign(count, digest.digest())
        yield _line({"end": signature})

    async def export_csv(self, query: LedgerQuery | None = None) -> AsyncIterator[bytes]:
        """For people and their spreadsheets; it proves nothing. UTF-8 with the mark that spreadsheets want."""
        await self._ledger.sequence()
        async with self._database.scan() as connection:
            size = await self._ledger.size(connection)
        yield b"\xef\xbb\xbf" + _csv_row([*_COLUMNS, *_MORE_COLUMNS])
        async for batch in self._batches(query or LedgerQuery(), size):
            for event in batch:
                yield _csv_row([_cell(event, name) for name in (*_COLUMNS, *_MORE_COLUMNS)])

    async def _batches(self, query: LedgerQuery, size: int) -> AsyncIterator[Sequence[RecordedEvent]]:
        conditions = conditions_of(replace(query, cursor=None))
        last = -1
        while True:
            place = event_table.c.position
            statement = select(event_table).where(*conditions, place > last, place < size).order_by(place).limit(_BATCH)
            async with self._database.scan() as connection:
                rows = (await connection.execute(statement)).all()
            if not rows:
                return
            batch = [event_of_row(row) for row in rows]
            for row in rows:
                if row.quarantined or not self._ledger.is_genuine(row):
                    await self._ledger.tell(f"event:{row.id}", f"event {row.id} was changed after it was placed")
            yield batch
            last = _position(batch[-1])

    async def _lines(self, batch: Sequence[RecordedEvent], size: int, previous: int) -> list[tuple[bytes, int]]:
        positions = [_position(event) for event in batch]
        async with self._database.scan() as connection:
            proofs = await self._ledger.inclusion_proofs(connection, positions, size)
        lines: list[tuple[bytes, int]] = []
        for event, position, proof in zip(batch, positions, proofs, strict=True):
            content = {
                "position": position,
                "after": previous,
                "event": leaf_content(event),
                "proof": [base64.b64encode(node).decode() for node in proof],
            }
            lines.append((_line(content), position))
            previous = position
        return lines


def _position(event: RecordedEvent) -> int:
    assert event.position is not None
    return event.position


def _line(content: dict[str, Any]) -> bytes:
    return canonical(content) + b"\n"


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
