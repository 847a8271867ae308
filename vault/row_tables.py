"""All tables that declare signed or enclosed rows, and their rows, a batch at a time."""

from collections.abc import AsyncIterator, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, select, tuple_

from core.database import Connection, metadata
from core.integrity import Enclosed, Signed, anchor_of, integrity_of
from vault.rows import read

_BATCH = 500


def signed_tables() -> list[Table]:
    return [table for table in metadata.sorted_tables if isinstance(integrity_of(table), Signed)]


def anchored_later() -> list[Table]:
    """Those whose rows were signed before they had an anchor."""
    return [table for table in signed_tables() if (anchor := anchor_of(table)) is not None and anchor.later]


def enclosed_tables() -> list[tuple[Table, Enclosed]]:
    declared = ((table, integrity_of(table)) for table in metadata.sorted_tables)
    return [(table, what) for table, what in declared if isinstance(what, Enclosed)]


def enclosing(what: Enclosed) -> tuple[Table, str]:
    """The table and the column that keeps the digest."""
    table, column = what.by.split(".")
    return metadata.tables[table], column


async def batches(
    connection: Connection, table: Table, *where: ColumnElement[bool]
) -> AsyncIterator[Sequence[Row[Any]]]:
    """The rows of a signed table by key; memory stays the same however many there are."""
    key = list(table.primary_key)
    query = read(table).where(*where).order_by(*key).limit(_BATCH)
    last: tuple[Any, ...] | None = None
    while True:
        page = query if last is None else query.where(tuple_(*key) > last)
        rows = (await connection.execute(page)).all()
        if rows:
            yield rows
        if len(rows) < _BATCH:
            return
        last = tuple(rows[-1]._mapping[column.name] for column in key)


async def enclosed_rows(
    connection: Connection, table: Table, what: Enclosed, keys: Sequence[str] | None = None
) -> dict[str, list[Row[Any]]]:
    """The rows that count, by the key of the row that encloses them; those of some keys, or all."""
    owner = table.c[what.key]
    query = select(table).order_by(owner, *table.primary_key)
    if keys is not None:
        query = query.where(owner.in_(keys))
    if what.only is not None:
        query = query.where(table.c[what.only].is_(True))
    found = {
        key: list(rows) for key, rows in groupby(await connection.execute(query), lambda row: row._mapping[what.key])
    }
    return {key: rows[-1:] for key, rows in found.items()} if what.newest else found
