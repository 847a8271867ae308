"""How many events of each result fell into each span of time: the timeline costs the same in a ledger of any size.

Kept beside the ledger: placed events are counted, each once, a moment after they were placed.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, Row, String, Table, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from core.database import Connection, Database, insert_if_absent, metadata
from core.integrity import harmless
from vault.ledger.events import event_table, place_table
from vault.ledger.tree import TREE_SIZE

_ONLY_SHOWN = "the numbers of a picture; the events themselves are read and proven without them"
count_table = Table(
    "vault_ledger_count",
    metadata,
    # "" for every event, else the column and the value that it has there.
    Column("kind", String(80), primary_key=True),
    Column("seconds", Integer, primary_key=True),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    Column("result", String(8), primary_key=True),
    Column("number", BigInteger, nullable=False),
    info=harmless(because=_ONLY_SHOWN),
)
counted_table = Table(
    "vault_ledger_counted",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("size", BigInteger, nullable=False),
    info=harmless(because=_ONLY_SHOWN),
)

EVERYTHING = ""
MINUTE, QUARTER, DAY = 60, 900, 86_400
# Spans of a minute for everything only: of one system or action they would be as many as its events.
SPANS = {EVERYTHING: (DAY, QUARTER, MINUTE), "system": (DAY, QUARTER), "action": (DAY, QUARTER)}
COUNTED = select(counted_table.c.size).where(counted_table.c.name == "events")
_BATCH = 5000

_Key = tuple[str, int, int, str]


def kind_of(column: str, value: str) -> str:
    return f"{column}:{value}"


class Counts:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self) -> None:
        """Counts what was placed since the last time. N processes may do so: each stretch is counted by one."""
        while await self._stretch():
            pass

    async def _stretch(self) -> bool:
        """False when there is nothing more."""
        async with self._database.scan() as connection:
            start, size = await connection.scalar(COUNTED), await connection.scalar(TREE_SIZE) or 0
            end = min((start or 0) + _BATCH, size)
            rows = (await connection.execute(_placed(start or 0, end))).all() if start is not None else []
        if start is None:
            async with self._database.write() as connection:
                await insert_if_absent(connection, counted_table, name="events", size=0)
            return True
        if start >= size:
            return False
        counted = Counter(key for row in rows for key in _keys(row))
        async with self._database.write() as connection:
            mine = update(counted_table).where(counted_table.c.name == "events", counted_table.c.size == start)
            if (await connection.execute(mine.values(size=end))).rowcount == 1 and counted:
                await _add(connection, counted)
        return True


def _placed(start: int, end: int) -> Any:
    columns = [event_table.c[name] for name in ("recorded_at", "result", "system", "action")]
    place = place_table.c.position
    joined = select(*columns).join(place_table, place_table.c.event_id == event_table.c.id)
    return joined.where(place >= start, place < end)


def _keys(row: Row[Any]) -> Iterator[_Key]:
    at = seconds_of(row.recorded_at)
    for column, spans in SPANS.items():
        value = getattr(row, column) if column else ""
        if value is not None:
            kind = kind_of(column, value) if column else EVERYTHING
            for seconds in spans:
                yield kind[:80], seconds, at - at % seconds, row.result


def seconds_of(at: datetime) -> int:
    return int(at.timestamp())


async def _add(connection: Connection, counted: "Counter[_Key]") -> None:
    insert = sqlite_insert if connection.dialect == "sqlite" else postgresql_insert
    new = insert(count_table)
    key = list(count_table.primary_key)
    added = new.on_conflict_do_update(index_elements=key, set_={"number": count_table.c.number + new.excluded.number})
    names = [str(column.name) for column in count_table.c]
    rows: Sequence[dict[str, object]] = [
        dict(zip(names, (*key_of, number), strict=True)) for key_of, number in sorted(counted.items())
    ]
    await connection.execute(added, rows)
