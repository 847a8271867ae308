"""The upgrade to signed rows: what stands in the tables is trusted once, signed, and never again.

The ledger's event `vault.rows_signed` tells that it was done. Every start looks for it. Where it is missing, the whole
ledger is checked first: whoever deleted that event, to have rows of his own signed, left a hole in the tree, and
nothing is signed. The first start of an empty database records the event at once.

A table that was signed before it had an anchor (`Anchor.later`) has an event of its own, `vault.rows_anchored`: in the
same way its rows get an anchor once. From then on a row without one is refused, so nobody puts back what was deleted
before the upgrade.

So has the generation of a system's login, `vault.logins_bound`: every account that was sealed for the address of its
system alone is sealed again, once, for the generation too.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, select, update

from core.database import Connection, Database, wait_turn
from core.identifiers import new_id
from core.integrity import ANCHOR_COLUMN, MAC_COLUMN, anchor_of, covered_columns
from core.logs import logger
from vault.errors import VaultError
from vault.heads import TAMPERED, item_table
from vault.items import Items
from vault.ledger import Event, Ledger
from vault.ledger.watch import LedgerWatch
from vault.row_tables import anchored_later, batches, enclosed_rows, enclosed_tables, enclosing, signed_tables
from vault.rows import SignedRows

SIGNED = "vault.rows_signed"
ANCHORED = "vault.rows_anchored"
BOUND = "vault.logins_bound"
# Gives every system the first generation of its login; then where accounts go, by system and destination of before.
BeginLogins = Callable[[Connection], Awaitable[Mapping[tuple[str, str], str]]]
_SUBJECT = "rows"
# An arbitrary constant shared by all processes: PostgreSQL's advisory lock number for this act.
_LOCK = 0x59494D4550
_log = logger("adoption")


class Adoption:
    def __init__(self, database: Database, ledger: Ledger, watch: LedgerWatch, rows: SignedRows, items: Items) -> None:
        self._database = database
        self._ledger = ledger
        self._watch = watch
        self._rows = rows
        self._items = items

    async def is_done(self) -> bool:
        async with self._database.read() as connection:
            signed, bound = await self._is_signed(connection), await self._is_bound(connection)
            return signed and bound and not await self._unanchored(connection)

    async def run(self, destinations: Mapping[str, str], begin_logins: BeginLogins) -> None:
        """Signs everything, gives anchors, and binds accounts to logins, once. `destinations` are where the systems
        took their passwords before, by system id.

        Raises ERR-LEDGER_TAMPERED when the ledger is not whole.
        """
        if damaged := await self._watch.findings():
            raise VaultError("ERR-LEDGER_TAMPERED", f"rows are not signed: {next(iter(damaged.values()))}")
        async with self._database.write() as connection:
            await wait_turn(connection, _LOCK)
            if not await self._is_signed(connection):
                await self._sign_all(connection, destinations)
            for table in await self._unanchored(connection):
                await self._give_anchors(connection, table)
            if not await self._is_bound(connection):
                await self._bind_to_logins(connection, await begin_logins(connection))
        await self._ledger.sequence()

    async def _is_signed(self, connection: Connection) -> bool:
        return await self._ledger.latest(connection, (SIGNED,), _SUBJECT) is not None

    async def _is_bound(self, connection: Connection) -> bool:
        return await self._ledger.latest(connection, (BOUND,), _SUBJECT) is not None

    async def _unanchored(self, connection: Connection) -> list[Table]:
        """The tables whose rows have not got their anchors yet."""
        return [
            table
            for table in anchored_later()
            if await self._ledger.latest(connection, (ANCHORED,), _subject(table)) is None
        ]

    async def _sign_all(self, connection: Connection, destinations: Mapping[str, str]) -> None:
        anchor = new_id()
        signed = await self._enclosing_rows(connection, anchor)
        for table in signed_tables():
            signed += await self._sign(connection, table, anchor)
        bound, left = await self._bind_items(connection, destinations)
        detail = {"rows": signed, "items": bound, "left": left}
        await self._ledger.record(
            connection, Event(SIGNED, "success", actor="system", subject=_SUBJECT, detail=detail), event_id=anchor
        )

    async def _give_anchors(self, connection: Connection, table: Table) -> None:
        """Rows that somebody else wrote stay as they are, refused."""
        anchor = new_id()
        given, left = 0, 0
        async for rows in batches(connection, table, table.c[ANCHOR_COLUMN].is_(None)):
            done = [await self._rows.give_anchor(connection, table, row, anchor) for row in rows]
            given, left = given + sum(done), left + len(done) - sum(done)
        detail = {"rows": given, "left": left}
        event = Event(ANCHORED, "success", actor="system", subject=_subject(table), detail=detail)
        await self._ledger.record(connection, event, event_id=anchor)

    async def _bind_to_logins(self, connection: Connection, moves: Mapping[tuple[str, str], str]) -> None:
        owners = (await connection.scalars(select(item_table.c.owner).distinct())).all()
        bound, left = await self._each(connection, owners, lambda owner: self._items.follow(connection, owner, moves))
        detail = {"items": bound, "left": left}
        await self._ledger.record(connection, Event(BOUND, "success", actor="system", subject=_SUBJECT, detail=detail))

    async def _enclosing_rows(self, connection: Connection, anchor: str) -> int:
        """Rows that hold nothing but digests of others were not there before: they are made."""
        made: dict[Table, dict[str, dict[str, Any]]] = {}
        for table, what in enclosed_tables():
            parent, column = enclosing(what)
            for key, rows in (await enclosed_rows(connection, table, what)).items():
                made.setdefault(parent, {}).setdefault(key, {})[column] = self._rows.digest_of(table, rows)
        for parent, values in made.items():
            (key_column,) = parent.primary_key
            only_digests = {*_digest_columns(parent), key_column.name, ANCHOR_COLUMN} == set(covered_columns(parent))
            for key, digests in values.items():
                if only_digests:
                    row = {key_column.name: key, ANCHOR_COLUMN: anchor, **digests}
                    await self._rows.insert_if_absent(connection, parent, **row)
                else:
                    await connection.execute(update(parent).where(key_column == key).values(digests))
        return sum(map(len, made.values()))

    async def _sign(self, connection: Connection, table: Table, anchor: str) -> int:
        count = 0
        key = list(table.primary_key)
        async for rows in batches(connection, table, table.c[MAC_COLUMN].is_(None)):
            for row in rows:
                values = {column.name: row._mapping[column.name] for column in table.c}
                if anchor_of(table) is not None:
                    values[ANCHOR_COLUMN] = anchor
                changed = {name: values[name] for name in (ANCHOR_COLUMN,) if name in values}
                changed[MAC_COLUMN] = self._rows.signed(table, values)[MAC_COLUMN]
                same = [column == values[column.name] for column in key]
                await connection.execute(update(table).where(*same).values(changed))
            count += len(rows)
        return count

    async def _bind_items(self, connection: Connection, destinations: Mapping[str, str]) -> tuple[int, int]:
        unbound = select(item_table.c.owner).where(item_table.c.destination.is_(None)).distinct()
        owners = (await connection.scalars(unbound)).all()
        return await self._each(connection, owners, lambda owner: self._items.adopt(connection, owner, destinations))

    async def _each(
        self, connection: Connection, owners: Sequence[str], seal_again: Callable[[str], Awaitable[int]]
    ) -> tuple[int, int]:
        """Seals the accounts of each owner again; those of a tampered head stay as they are, refused. Gives how many of
        the one, and how many owners of the other."""
        sealed, left = 0, 0
        for owner in owners:
            try:
                async with connection.begin_nested():
                    sealed += await seal_again(owner)
            except VaultError as error:
                if error.code not in TAMPERED:
                    raise
                left += 1
                _log.error("an owner's accounts were changed by somebody else", owner=owner, detail=error.detail)
        return sealed, left


def _subject(table: Table) -> str:
    return f"{_SUBJECT}:{table.name}"


def _digest_columns(parent: Table) -> set[str]:
    return {column for _, what in enclosed_tables() for table, column in (enclosing(what),) if table is parent}
