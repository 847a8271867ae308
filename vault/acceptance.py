"""A row that somebody else wrote, accepted by an operator who has looked at it: it is signed as it stands.

For what cannot be put back from a backup. It is the operator's word that makes the row good, so the ledger keeps it.
"""

from typing import Any

from sqlalchemy import LargeBinary, Table, func, select, update

from core.database import Connection, Database
from core.identifiers import new_id
from core.integrity import ANCHOR_COLUMN, MAC_COLUMN, Anchor, Enclosed, anchor_of
from vault.anchors import key_column
from vault.errors import VaultError
from vault.ledger import Event, Ledger
from vault.ledger.events import event_table
from vault.row_tables import enclosed_rows, enclosed_tables, enclosing, signed_tables
from vault.rows import SignedRows

ACCEPTED = "vault.row_accepted"


class Acceptance:
    def __init__(self, database: Database, ledger: Ledger, rows: SignedRows) -> None:
        self._database = database
        self._ledger = ledger
        self._rows = rows

    async def accept(self, table_name: str, key: str, *, actor: str, reason: str) -> None:
        """`table_name` and `key` as the check prints them. Raises ERR-ROW when there is no such row."""
        async with self._database.write() as connection:
            for table, what in enclosed_tables():
                if table.name == table_name:
                    return await self._enclosed(connection, table, what, key, actor, reason)
            for table in signed_tables():
                if table.name == table_name:
                    return await self._signed(connection, table, key, actor, reason)
        raise VaultError("ERR-ROW", f"{table_name} has no signed rows", status=404)

    async def _signed(self, connection: Connection, table: Table, key: str, actor: str, reason: str) -> None:
        same = _same(table, key)
        row = (await connection.execute(select(table).where(*same).with_for_update())).one_or_none()
        if row is None:
            raise VaultError("ERR-ROW", f"{table.name} has no row {key}", status=404)
        values: dict[str, Any] = {column.name: row._mapping[column.name] for column in table.c}
        anchor = anchor_of(table)
        subject = f"row:{table.name}:{key}"[:255]
        event = Event(ACCEPTED, "success", actor=actor, subject=subject, detail={"reason": reason[:200]})
        if anchor is not None:
            event = _event(anchor, key, actor, reason)
            values[ANCHOR_COLUMN] = new_id(await self._newest(connection, anchor, key))
        changed = {name: values[name] for name in (ANCHOR_COLUMN,) if name in values}
        try:
            changed[MAC_COLUMN] = self._rows.signed(table, values)[MAC_COLUMN]
        except (TypeError, ValueError) as error:
            raise VaultError("ERR-ROW", f"{table.name} {key}: {error}", status=409) from None
        await connection.execute(update(table).where(*same).values(changed))
        await self._ledger.record(connection, event, event_id=values.get(ANCHOR_COLUMN) or "")

    async def _enclosed(
        self, connection: Connection, table: Table, what: Enclosed, key: str, actor: str, reason: str
    ) -> None:
        parent, column = enclosing(what)
        anchor = anchor_of(parent)
        held = (await enclosed_rows(connection, table, what, [key])).get(key, [])
        if anchor is None:
            raise VaultError("ERR-ROW", f"{parent.name} declares no anchor", status=409)
        changed = await self._rows.change_told(
            connection,
            parent,
            {key_column(parent).name: key},
            _event(anchor, key, actor, reason),
            **{column: self._rows.digest_of(table, held)},
        )
        if changed is None:
            raise VaultError("ERR-ROW", f"{parent.name} has no row {key}", status=404)

    async def _newest(self, connection: Connection, anchor: Anchor, key: str) -> str:
        query = select(func.max(event_table.c.id)).where(
            event_table.c.subject == f"{anchor.subject}{key}", event_table.c.action.in_(anchor.actions)
        )
        return await connection.scalar(query) or ""


def _event(anchor: Anchor, key: str, actor: str, reason: str) -> Event:
    detail = {"changed": "accepted", "reason": reason[:200]}
    return Event(anchor.actions[0], "success", actor=actor, subject=f"{anchor.subject}{key}", detail=detail)


def _same(table: Table, key: str) -> list[Any]:
    columns = list(table.primary_key)
    parts = key.split(",") if len(columns) > 1 else [key]
    try:
        values = [
            bytes.fromhex(part) if isinstance(column.type, LargeBinary) else part
            for column, part in zip(columns, parts, strict=True)
        ]
    except ValueError:
        raise VaultError("ERR-ROW", f"{table.name} has no key {key}", status=404) from None
    return [column == value for column, value in zip(columns, values, strict=True)]
