"""Rows that give power are signed: whoever writes to the database without the root key gains nothing but noise.

A table declares `info=signed()` and has a column `mac_column()` (`core.integrity`). Its rows are then written and read
through `SignedRows`, and in no other way:

    session_table = Table(
        "sso_session", metadata,
        Column("id", String(64), primary_key=True),
        Column("user_id", String(26), nullable=False),
        Column("last_seen_at", UtcDateTime),
        mac_column(),
        info=signed(left_out={"last_seen_at": "harmless, because it ends nothing before `expires_at` does"}),
    )

    await rows.insert(connection, session_table, id=…, user_id=…, last_seen_at=now)      # one statement
    if not await rows.insert_if_absent(connection, consent_table, …): …                   # one statement
    await rows.change(connection, session_table, {"id": session_id}, user_id=other)      # reads, checks, signs again

    row = (await connection.execute(select(session_table).where(…))).one_or_none()
    rows.require(session_table, row)                     # raises ERR-ROW_TAMPERED
    if not rows.is_genuine(session_table, row): …        # the same, without raising: in lists, leave the row out

    select(*columns_of(session_table, "session_"), *columns_of(user_table, "user_")) …   # in a join, under a prefix
    rows.require(session_table, row, "session_")

A column that is left out may be written by any statement, so flags that only take power away (`used_at`, `ended_at`,
`revoked_at`) are: they stay one conditional statement. A `delete … returning(*table.c)` is checked like a read.

The MAC stops rows that Yimen never wrote. It does not stop an old row that is put back with its old MAC; where that
must not be, the table has an `Anchor` and is written by `vault.anchors`.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import insert_if_absent
from core.integrity import MAC_COLUMN
from vault.errors import VaultError
from vault.keys.row_keys import RowKeys
from vault.ledger import Ledger
from vault.row_form import RowForm

CODE = "ERR-ROW_TAMPERED"
_MOST_REMEMBERED = 4096


def columns_of(table: Table, prefix: str) -> tuple[ColumnElement[Any], ...]:
    """Every column of the table for a join, each labelled with the prefix."""
    return tuple(column.label(prefix + column.name) for column in table.c)


@cache
def form_of(table: Table, prefix: str = "") -> RowForm:
    return RowForm(table, prefix)


class SignedRows:
    """Signs rows where they are written and checks them where they are read."""

    def __init__(self, keys: RowKeys, ledger: Ledger) -> None:
        self._keys = keys
        self._ledger = ledger
        # Rows that were checked a moment ago, by table and key, as they stood then: the same row costs no MAC again.
        self._checked: dict[tuple[str, object], tuple[Any, ...]] = {}
        self._told: set[tuple[str, str]] = set()

    # Writing

    def signed(self, table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
        """All values of a new row, its MAC among them; for a statement that the caller builds."""
        form = form_of(table)
        return {**values, MAC_COLUMN: self._keys.mac(form.bytes_of(form.values_of(values)))}

    async def insert(self, connection: AsyncConnection, table: Table, **values: Any) -> None:
        await connection.execute(_insert(table), self.signed(table, values))

    async def insert_all(self, connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            await connection.execute(_insert(table), [self.signed(table, values) for values in rows])

    async def insert_if_absent(self, connection: AsyncConnection, table: Table, **values: Any) -> bool:
        """True when the row was written, False when one with its key is there already."""
        return await insert_if_absent(connection, table, **self.signed(table, values))

    async def change(
        self, connection: AsyncConnection, table: Table, key: Mapping[str, Any], *where: ColumnElement[bool], **to: Any
    ) -> Row[Any] | None:
        """Changes columns of one row and signs it again; gives the row as it was before, or None when there is none
        that `where` allows.

        The row is checked first (ERR-ROW_TAMPERED): nothing that somebody else wrote is ever signed. The MAC that was
        checked is a condition of the write, so of two changes at the same time neither covers up the other.
        """
        same = [table.c[name] == value for name, value in key.items()]
        row = (await connection.execute(select(table).where(*same, *where).with_for_update())).one_or_none()
        if row is None:
            return None
        self.require(table, row)
        values = self.signed(table, {**row._mapping, **to})
        written = await connection.execute(
            update(table)
            .where(*same, *where, table.c[MAC_COLUMN] == row._mapping[MAC_COLUMN])
            .values({**to, MAC_COLUMN: values[MAC_COLUMN]})
        )
        return row if written.rowcount == 1 else None

    # Reading

    def require(self, table: Table, row: Any, prefix: str = "") -> None:
        """Raises ERR-ROW_TAMPERED unless Yimen wrote this row as it stands."""
        if not self.is_genuine(table, row, prefix):
            raise VaultError(CODE, f"{table.name} {form_of(table, prefix).key_of(row)}", status=409)

    def is_genuine(self, table: Table, row: Any, prefix: str = "") -> bool:
        """False for a row that somebody else wrote or changed; that is told to the ledger, once."""
        problem = self.problem(table, row, prefix)
        if problem:
            self.tell(table, form_of(table, prefix).key_of(row), problem)
        return not problem

    def problem(self, table: Table, row: Any, prefix: str = "") -> str:
        """What is wrong with the row; "" when nothing is."""
        form = form_of(table, prefix)
        try:
            *values, mac = content = form.split(row)
            place = (table.name, form.key(row))
            if self._checked.get(place) == content:
                return ""
            message = form.bytes_of(values)
        except (TypeError, ValueError, OverflowError):
            return "a value is none that the column can have"
        if mac is None:
            return "the row is not signed: Yimen did not write it"
        if not self._keys.holds(message, mac):
            return "the row was changed, or Yimen did not write it"
        if len(self._checked) >= _MOST_REMEMBERED:
            self._checked.clear()
        self._checked[place] = content
        return ""

    def tell(self, table: Table, key: str, problem: str) -> None:
        """Has the ledger tell of it (`vault.tamper`); once, however often the row is met."""
        about = (f"row:{table.name}:{key}", problem)
        if about in self._told:
            return
        if len(self._told) >= _MOST_REMEMBERED:
            self._told.clear()
        self._told.add(about)
        self._ledger.tell_soon(*about, reason=CODE)


@cache
def _insert(table: Table) -> Any:
    return insert(table)
