"""The watch over signed rows: what was changed, planted, put back or deleted is found by Yimen itself.

A row is refused where it is read. The watch reads them all, so that what nobody uses is found too, and so is what
cannot be seen in the row: one that is gone, and a flag that was cleared.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, Table, func, literal, select

from core.database import Connection, Database, StatementError
from core.errors import UnreadableError
from core.integrity import ANCHOR_COLUMN, Anchor, Flag, Signed, anchor_of, integrity_of
from vault.anchors import key_column
from vault.ledger.events import event_table
from vault.ledger.ledger import Ledger
from vault.row_form import readable_key
from vault.row_tables import batches, enclosed_rows, enclosed_tables, enclosing, signed_tables
from vault.rows import TAMPERED_ROW, SignedRows, form_of

_BATCH = 500
_MOST_NAMED = 100
# What reading a row raises that is none, whatever stands there.
UNREADABLE = (StatementError, UnreadableError, ValueError, TypeError)
_event = event_table.c


class RowWatch:
    def __init__(self, database: Database, ledger: Ledger, rows: SignedRows) -> None:
        self._database = database
        self._ledger = ledger
        self._rows = rows

    async def run(self) -> None:
        """Reads every row, and records what is wrong (`vault.tamper`), once."""
        for subject, why in (await self.findings()).items():
            await self._ledger.tell(subject, why, reason=TAMPERED_ROW)

    async def findings(self) -> dict[str, str]:
        """What is wrong, by `row:<table>:<key>`. Each table is read in a unit of work of its own.

        What is found is looked at again: a row that was being written while its neighbours were read is right by then.
        """
        first = await self._look()
        return {} if not first else {subject: why for subject, why in (await self._look()).items() if subject in first}

    async def _look(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for table in signed_tables():
            found.update(await self._read(table, self._signed))
            if anchor := anchor_of(table):
                found.update(await self._read(table, self._gone, anchor))
            declared = integrity_of(table)
            if isinstance(declared, Signed) and declared.flag is not None:
                found.update(await self._read(table, self._cleared, declared.flag))
        for table, _ in enclosed_tables():
            found.update(await self._read(table, self._enclosed))
        return found

    async def _read(self, table: Table, look: Any, *more: Any) -> dict[str, str]:
        try:
            async with self._database.scan() as connection:
                found: dict[str, str] = await look(connection, table, *more)
        except UNREADABLE as error:
            return {f"row:{table.name}": f"{table.name}: a row cannot be read: {type(error).__name__}"}
        return {_subject(table, key): f"{table.name} {key}: {why}" for key, why in found.items()}

    async def _signed(self, connection: Connection, table: Table) -> dict[str, str]:
        found: dict[str, str] = {}
        form = form_of(table)
        async for rows in batches(connection, table):
            for row in rows:
                if problem := self._rows.problem(table, row):
                    found[form.key_of(row)] = problem
            if form.is_anchored:
                found = await self._without_event(connection, rows, form.key_of) | found
        return found

    async def _without_event(self, connection: Connection, rows: Any, key_of: Any) -> dict[str, str]:
        """Rows whose own event is gone from the ledger: they may be what the newest version was made of."""
        anchors = {row._mapping[ANCHOR_COLUMN]: row for row in rows if row._mapping[ANCHOR_COLUMN]}
        there = set(await connection.scalars(select(_event.id).where(_event.id.in_(list(anchors)))))
        return {key_of(row): "the ledger's event about it is gone" for at, row in anchors.items() if at not in there}

    async def _gone(self, connection: Connection, table: Table, anchor: Anchor) -> dict[str, str]:
        """Rows that the ledger tells of and that are not there."""
        key = func.substr(_event.subject, len(anchor.subject) + 1)
        query = (
            select(event_table)
            .where(
                _event.action.in_(anchor.actions),
                _event.subject.startswith(anchor.subject, autoescape=True),
                ~select(literal(1)).where(key_column(table) == key).correlate(event_table).exists(),
            )
            .limit(_MOST_NAMED)
        )
        told = [row for row in await connection.execute(query) if self._ledger.is_genuine(row)]
        return {row.subject.removeprefix(anchor.subject): "the row was deleted" for row in told}

    async def _cleared(self, connection: Connection, table: Table, flag: Flag) -> dict[str, str]:
        """Rows whose flag is not set though the ledger tells that it was."""
        query = (
            select(event_table)
            .join(table, (_event.subject == literal(flag.subject) + table.c[flag.of]) & self._names(table))
            .where(table.c[flag.column].is_(None), _event.action.in_(flag.actions))
            .limit(_MOST_NAMED)
        )
        told = [row for row in await connection.execute(query) if self._ledger.is_genuine(row)]
        return {str(row.session): f"{flag.column} was cleared: the ledger tells that it was set" for row in told}

    @staticmethod
    def _names(table: Table) -> ColumnElement[bool]:
        return _event.session == key_column(table)

    async def _enclosed(self, connection: Connection, table: Table) -> dict[str, str]:
        what = dict(enclosed_tables())[table]
        parent, column = enclosing(what)
        key = key_column(parent)
        found: dict[str, str] = {}
        last = ""
        while True:
            query: Select[Any] = select(key.label("key"), parent.c[column].label("digest"))
            parents = (await connection.execute(query.where(key > last).order_by(key).limit(_BATCH))).all()
            held = await enclosed_rows(connection, table, what, [row.key for row in parents])
            for row in parents:
                if problem := self._rows.problem_enclosed(table, held.get(row.key, []), row.digest):
                    found[readable_key([row.key])] = problem
            if len(parents) < _BATCH:
                return found
            last = parents[-1].key


def _subject(table: Table, key: str) -> str:
    return f"row:{table.name}:{key}"
