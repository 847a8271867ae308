"""Somebody who has the database and the code, and not the root key; and what Yimen says of what they wrote."""

from collections.abc import Awaitable
from typing import Any

import pytest
from sqlalchemy import Table, delete, insert, select, text, update

from core.errors import YimenError
from vault.ledger.events import event_table
from web.composition import House

Row = dict[str, Any]


class Writer:
    """Somebody who writes to the database past Yimen."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def rows(self, table: Table, **of: Any) -> list[Row]:
        query = select(table).where(*(table.c[name] == value for name, value in of.items()))
        async with self.house.database.read() as connection:
            return [dict(row._mapping) for row in await connection.execute(query)]

    async def row(self, table: Table, **of: Any) -> Row:
        (row,) = await self.rows(table, **of)
        return row

    async def change(self, table: Table, of: Row, **to: Any) -> None:
        same = [table.c[column.name] == of[column.name] for column in table.primary_key]
        await self._write(update(table).where(*same).values(to))

    async def remove(self, table: Table, **of: Any) -> None:
        await self._write(delete(table).where(*(table.c[name] == value for name, value in of.items())))

    async def put(self, table: Table, row: Row) -> None:
        await self._write(insert(table).values(row))

    async def put_back(self, table: Table, rows: list[Row], **of: Any) -> None:
        await self.remove(table, **of)
        for row in rows:
            await self.put(table, row)

    async def forget_events(self, *where: Any) -> None:
        """Takes events out of the ledger, as its triggers would not allow."""
        if self.house.database.dialect == "sqlite":
            await self._write(text("DROP TRIGGER IF EXISTS vault_ledger_event_no_delete"))
        else:
            await self._write(text("DROP TRIGGER IF EXISTS vault_ledger_event_append_only ON vault_ledger_event"))
        await self._write(delete(event_table).where(*where))

    async def allow_changed_events(self) -> None:
        if self.house.database.dialect == "sqlite":
            await self._write(text("DROP TRIGGER vault_ledger_event_no_update"))

    async def _write(self, statement: Any) -> None:
        async with self.house.database.write() as connection:
            await connection.execute(statement)


@pytest.fixture
def writer(house: House) -> Writer:
    return Writer(house)


async def named(house: House) -> set[str]:
    """What `yimen vault check` names."""
    return set(await house.recovery.check())


async def told(house: House) -> set[str]:
    """What the ledger tells of it."""
    await house.ledger.told()
    async with house.database.read() as connection:
        query = select(event_table.c.subject).where(event_table.c.action == "vault.tamper")
        return set(await connection.scalars(query))


async def refused(act: Awaitable[Any], code: str = "ERR-ROW_TAMPERED") -> None:
    with pytest.raises(YimenError) as caught:
        await act
    assert caught.value.code == code
