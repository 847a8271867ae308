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

    row = (await connection.execute(read(session_table).where(…))).one_or_none()
    rows.require(session_table, row)                     # raises ERR-ROW_TAMPERED
    if not rows.is_genuine(session_table, row): …        # the same, without raising: in lists, leave the row out

    select(*columns_of(session_table, "session_"), *columns_of(user_table, "user_")) …   # in a join, under a prefix
    rows.require(session_table, row, "session_")

A column that is left out may be written by any statement, so flags that only take power away (`used_at`, `ended_at`,
`revoked_at`) are: they stay one conditional statement. A `delete … returning(*table.c)` is checked like a read.

The MAC stops rows that Yimen never wrote. It does not stop an old row that is put back with its old MAC. Where that
must not be, the table declares an `Anchor` and has `anchor_column()`, and each write carries the event that tells of
it:

    await rows.insert_told(connection, client_table, Event("client.change", subject=f"client:{id}", …), client_id=…, …)
    await rows.change_told(connection, client_table, {"client_id": id}, Event(…), status="disabled")

Such a row is never deleted. A deleted row that is inserted again would have no newer version to lose against, so a row
that is over gets a last version that counts for nothing.

Rows of an `enclosed` table have no MAC. `digest_of` makes the one value that a signed row keeps of them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NoReturn, TypeVar

from sqlalchemy import ColumnElement, Row, Select, Table, select, update

from core.database import Connection, announce, insert_if_absent, new_row
from core.identifiers import new_id
from core.integrity import ANCHOR_COLUMN, MAC_COLUMN, anchor_of, is_announced
from vault.anchors import OLDER, SUPERSEDED, NewestSeen, key_column, require_anchor, superseded
from vault.errors import VaultError
from vault.keys.sealing import Sealer
from vault.ledger import Event, Ledger
from vault.row_form import RowForm

T = TypeVar("T")

TAMPERED_ROW = "ERR-ROW_TAMPERED"
_MOST_REMEMBERED = 2048
_DIGEST_BYTES = 16


@cache
def columns_of(table: Table, prefix: str = "") -> tuple[ColumnElement[Any], ...]:
    """Every column of the table for a join, each labelled with the prefix, and what else its check needs."""
    columns = tuple(column.label(prefix + column.name) for column in table.c)
    return columns if anchor_of(table) is None else (*columns, superseded(table, prefix))


@cache
def read(table: Table) -> Select[Any]:
    """The statement that reads rows of a signed table."""
    return select(*columns_of(table))


@cache
def form_of(table: Table, prefix: str = "") -> RowForm:
    return RowForm(table, prefix)


class SignedRows:
    """Signs rows where they are written and checks them where they are read."""

    def __init__(self, sealer: Sealer, ledger: Ledger) -> None:
        self._sealer = sealer
        self._keys = sealer.row_keys
        self._ledger = ledger
        self._newest = NewestSeen()
        # Rows that were checked a moment ago, by table and key, as they stood then: the same row costs no MAC again.
        self._checked: dict[tuple[str, object], tuple[Any, ...]] = {}
        self._made: dict[tuple[str, object], tuple[object, Any]] = {}
        self._told: set[tuple[str, str]] = set()

    # Writing

    def signed(self, table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
        """All values of a new row, its MAC among them; for a statement that the caller builds."""
        form = form_of(table)
        return {**values, MAC_COLUMN: self._keys.mac(form.bytes_of(form.values_of(values)))}

    async def sign_again(self, connection: Connection, table: Table, row: Row[Any]) -> bool:
        """Signs a row of `read` under the key of today, unless it was changed since it was read; False, and as it was,
        where somebody else wrote it."""
        if self.problem(table, row):
            return False
        await self._rewrite(connection, table, row, {})
        return True

    async def give_anchor(self, connection: Connection, table: Table, row: Row[Any], anchor: str) -> bool:
        """Signs a row of before its table had an anchor with one; False, and as it was, where somebody else wrote it.
        For the upgrade alone."""
        form = form_of(table)
        return not self._problem(form, form.split(row)) and await self._rewrite(
            connection, table, row, {ANCHOR_COLUMN: anchor}
        )

    async def insert(self, connection: Connection, table: Table, **values: Any) -> None:
        await connection.execute(new_row(table), self.signed(table, values))
        if is_announced(table):
            await announce(connection, table.name)

    async def insert_all(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            await connection.execute(new_row(table), [self.signed(table, values) for values in rows])

    async def insert_if_absent(self, connection: Connection, table: Table, **values: Any) -> bool:
        """True when the row was written, False when one with its key is there already."""
        return await insert_if_absent(connection, table, **self.signed(table, values))

    async def change(
        self, connection: Connection, table: Table, key: Mapping[str, Any], *where: ColumnElement[bool], **to: Any
    ) -> Row[Any] | None:
        """Changes columns of one row and signs it again; gives the row as it was before, or None when there is none
        that `where` allows.

        The row is checked first (ERR-ROW_TAMPERED): nothing that somebody else wrote is ever signed. The MAC that was
        checked is a condition of the write, so of two changes at the same time neither covers up the other.
        """
        row = await self._locked(connection, table, key, where)
        return row if row is not None and await self._rewrite(connection, table, row, to) else None

    async def insert_told(self, connection: Connection, table: Table, event: Event, **values: Any) -> None:
        """A new row of an anchored table, and the event that tells of it."""
        values[ANCHOR_COLUMN] = new_id()
        await self.insert(connection, table, **values)
        await self._record(connection, table, event, values)

    async def change_told(
        self,
        connection: Connection,
        table: Table,
        key: Mapping[str, Any],
        event: Event,
        *where: ColumnElement[bool],
        **to: Any,
    ) -> Row[Any] | None:
        """As `change`, for a row of an anchored table; nothing is recorded where nothing was changed."""
        row = await self._locked(connection, table, key, where)
        if row is None:
            return None
        to[ANCHOR_COLUMN] = new_id(row._mapping[ANCHOR_COLUMN] or "")
        if not await self._rewrite(connection, table, row, to):
            return None
        await self._record(connection, table, event, {**_values(table, row), **to})
        return row

    async def _locked(
        self, connection: Connection, table: Table, key: Mapping[str, Any], where: Sequence[ColumnElement[bool]]
    ) -> Row[Any] | None:
        same = [table.c[name] == value for name, value in key.items()]
        query = read(table).where(*same, *where).with_for_update(of=table)
        row: Row[Any] | None = (await connection.execute(query)).one_or_none()
        if row is not None:
            self.require(table, row)
        return row

    async def _rewrite(self, connection: Connection, table: Table, row: Row[Any], to: Mapping[str, Any]) -> bool:
        before = _values(table, row)
        mac = self.signed(table, {**before, **to})[MAC_COLUMN]
        same = [column == before[column.name] for column in (*table.primary_key, table.c[MAC_COLUMN])]
        written = await connection.execute(update(table).where(*same).values({**to, MAC_COLUMN: mac}))
        if written.rowcount == 1 and is_announced(table):
            await announce(connection, table.name)
        return written.rowcount == 1

    async def _record(self, connection: Connection, table: Table, event: Event, values: Mapping[str, Any]) -> None:
        anchor, declared = values[ANCHOR_COLUMN], require_anchor(table)
        subject = declared.subject + values[key_column(table).key or ""]
        if event.subject != subject or event.action not in declared.actions:
            raise TypeError(f"{table.name}: {event.action} about {event.subject} does not anchor {subject}")
        self._newest.wrote(anchor)
        told = replace(event, detail={**event.detail, "row": self.digest(table, values).hex()})
        await self._ledger.record(connection, told, event_id=anchor)

    # Digests

    def digest(self, table: Table, values: Mapping[str, Any]) -> bytes:
        """A row's content in 16 bytes that tell nothing of it; the same whatever key signs."""
        form = form_of(table)
        return self._sealer.mac("row-digest", form.bytes_of(form.values_of(values)))[:_DIGEST_BYTES]

    def digest_of(self, table: Table, rows: Iterable[Any], prefix: str = "") -> bytes | None:
        """What a signed row keeps of the rows that it encloses, in any order; None for no rows.

        Raises TypeError or ValueError for a value that a column cannot have.
        """
        form = form_of(table, prefix)
        return self._joined(form.bytes_of(form.split(row)) for row in rows)

    def digest_of_new(self, table: Table, rows: Iterable[Mapping[str, Any]]) -> bytes | None:
        """As `digest_of`, for rows that are about to be written."""
        form = form_of(table)
        return self._joined(form.bytes_of(form.values_of(values)) for values in rows)

    def _joined(self, parts: Iterable[bytes]) -> bytes | None:
        ordered = sorted(parts)
        if not ordered:
            return None
        joined = b"".join(len(part).to_bytes(4, "big") + part for part in ordered)
        return self._sealer.mac("row-enclosure", joined)[:_DIGEST_BYTES]

    # Reading

    def require(self, table: Table, row: Any, prefix: str = "") -> None:
        """Raises ERR-ROW_TAMPERED unless Yimen wrote this row as it stands."""
        if problem := self.problem(table, row, prefix):
            self.refuse(table, row, prefix, problem)

    def refuse(self, table: Table, row: Any, prefix: str, problem: str) -> NoReturn:
        """Tells the ledger of a problem that the caller has seen, and raises ERR-ROW_TAMPERED."""
        key = form_of(table, prefix).key_of(row)
        self.tell(table, key, problem)
        raise VaultError(TAMPERED_ROW, f"{table.name} {key}: {problem}", status=409)

    def is_genuine(self, table: Table, row: Any, prefix: str = "") -> bool:
        """False for a row that somebody else wrote or changed, or put back; that is told to the ledger, once."""
        problem = self.problem(table, row, prefix)
        if problem:
            self.tell(table, form_of(table, prefix).key_of(row), problem)
        return not problem

    def problem(self, table: Table, row: Any, prefix: str = "") -> str:
        """What is wrong with the row; "" when nothing is."""
        form = form_of(table, prefix)
        content = form.split(row)
        place = (table.name, form.key(row))
        if form.is_anchored and getattr(row, prefix + SUPERSEDED):
            return OLDER
        if self._checked.get(place) == content:
            return ""
        if problem := self._problem(form, content):
            return problem
        if form.is_anchored:
            anchor = getattr(row, prefix + ANCHOR_COLUMN)
            if problem := self._newest.problem(table, str(place[1]), anchor):
                return problem
        if len(self._checked) >= _MOST_REMEMBERED:
            self._checked.clear()
        self._checked[place] = content
        return ""

    def _problem(self, form: RowForm, content: tuple[Any, ...]) -> str:
        *values, mac = content
        if mac is None:
            return "the row is not signed: Yimen did not write it"
        try:
            holds = self._keys.holds(form.bytes_of(values), mac)
        except (TypeError, ValueError, OverflowError):
            return "a value is none that the column can have"
        return "" if holds else "the row was changed, or Yimen did not write it"

    def require_enclosed(
        self, table: Table, rows: Sequence[Any], digest: bytes | None, whose: str, prefix: str = ""
    ) -> None:
        """Raises ERR-ROW_TAMPERED unless these are all the rows, as Yimen left them, that a signed row keeps `digest`
        of. `whose` is the key of that row."""
        form = form_of(table, prefix)
        content = (digest, *(form.split(row) for row in rows))
        place = (table.name, whose)
        if self._checked.get(place) == content:
            return
        if problem := self.problem_enclosed(table, rows, digest, prefix):
            self.tell(table, whose, problem)
            raise VaultError(TAMPERED_ROW, f"{table.name} of {whose}: {problem}", status=409)
        self._checked[place] = content

    def problem_enclosed(self, table: Table, rows: Sequence[Any], digest: bytes | None, prefix: str = "") -> str:
        try:
            made = self.digest_of(table, rows, prefix)
        except (TypeError, ValueError, OverflowError):
            return "a value is none that the column can have"
        return "" if made == digest else "rows were changed, added, taken away or put back"

    def once(self, place: tuple[str, object], raw: object, make: Callable[[], T]) -> T:
        """What `make`, which checks the rows of a joined statement, makes of them. It is made again only when they do
        not stand as they stood the last time (`raw`; see `core.database.Part`)."""
        known = self._made.get(place)
        if known is not None and known[0] == raw:
            made: T = known[1]
            return made
        made = make()
        if len(self._made) >= _MOST_REMEMBERED:
            self._made.clear()
        self._made[place] = (raw, made)
        return made

    def tell(self, table: Table, key: str, problem: str) -> None:
        """Has the ledger tell of it (`vault.tamper`); once, however often the row is met."""
        about = (f"row:{table.name}:{key}", problem)
        if about in self._told:
            return
        if len(self._told) >= _MOST_REMEMBERED:
            self._told.clear()
        self._told.add(about)
        self._ledger.tell_soon(*about, reason=TAMPERED_ROW)


def _values(table: Table, row: Row[Any]) -> dict[str, Any]:
    return {column.name: row._mapping[column.name] for column in table.c}
