"""What a table says about somebody who writes to it past Yimen: one declaration a table, in `Table.info`.

Floor 0 only keeps the words; `vault.rows` does what they say. A table is one of four:

- `signed(…)`: each row gives power, so each carries a MAC in its column `row_mac`. Every column is covered but those
  that are left out, each with the reason why that is harmless.
- `enclosed(by=…)`: what the rows say stands, as a digest, in a signed row of another table.
- `guarded(by=…)`: the rows give power, and something else covers them: a signed head, an authenticated envelope.
- `harmless(because=…)`: whoever writes there gains nothing.

A test refuses a table that declares none of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, String, Table

from core.database import Bytes

MAC_COLUMN = "row_mac"
ANCHOR_COLUMN = "anchor"
_INFO = "integrity"


@dataclass(frozen=True)
class Signed:
    """Rows under a MAC. `left_out` gives the columns that it does not cover, each with the reason.

    With `anchor`, the newest version of a row also stands in the ledger: see `Anchor`. With `flag`, the ledger tells
    that one of the columns left out was set: see `Flag`. With `announced`, processes that remember rows are told of
    each change (`core.database.changes`).
    """

    left_out: Mapping[str, str] = field(default_factory=dict)
    anchor: "Anchor | None" = None
    flag: "Flag | None" = None
    announced: bool = False


@dataclass(frozen=True)
class Flag:
    """A column that is set once and never cleared, outside of the MAC. Events of `actions` about `subject` followed by
    the row's column `of` tell that it was set; they name the row's key as their `session`."""

    column: str
    subject: str
    of: str
    actions: tuple[str, ...]


@dataclass(frozen=True)
class Anchor:
    """Rows whose older versions must never come back.

    Every change records an event of one of `actions` about `subject` followed by the row's key, and the row keeps that
    event's id in its column `anchor`, under its MAC. A row with a newer event is an old one that was put back. So that
    this holds of a row that is over, too, it is never deleted: its last version says so.

    `later`: rows were signed before the table had an anchor. The upgrade gives them one, once (`vault.adoption`).
    """

    subject: str
    actions: tuple[str, ...]
    later: bool = False


@dataclass(frozen=True)
class Enclosed:
    """Rows that a signed row of another table vouches for, all of them together: none can be added, taken away or
    changed. `by` is that table's column with their digest, `key` the column here that names its row.

    `only`: those where this column is true; `newest`: the one with the greatest key. Others count for nothing.
    """

    by: str
    key: str
    left_out: Mapping[str, str] = field(default_factory=dict)
    only: str | None = None
    newest: bool = False


@dataclass(frozen=True)
class Guarded:
    """Rows that something else than a MAC of their own covers."""

    by: str


@dataclass(frozen=True)
class Harmless:
    """Rows that give no power to whoever writes them."""

    because: str


Integrity = Signed | Enclosed | Guarded | Harmless


def signed(
    *,
    left_out: Mapping[str, str] | None = None,
    anchor: Anchor | None = None,
    flag: Flag | None = None,
    announced: bool = False,
) -> dict[str, Any]:
    """The `info` of a table whose rows are signed. The table needs `mac_column()` too, and `anchor_column()` with an
    anchor."""
    return {_INFO: Signed(left_out or {}, anchor, flag, announced)}


def enclosed(
    *, by: str, key: str, left_out: Mapping[str, str] | None = None, only: str | None = None, newest: bool = False
) -> dict[str, Any]:
    return {_INFO: Enclosed(by, key, left_out or {}, only, newest)}


def guarded(*, by: str) -> dict[str, Any]:
    return {_INFO: Guarded(by)}


def harmless(*, because: str) -> dict[str, Any]:
    return {_INFO: Harmless(because)}


def mac_column() -> Column[bytes]:
    """NULL only between an upgrade's migration and its signing; where it is read, NULL is refused."""
    return Column(MAC_COLUMN, Bytes)


def anchor_column() -> Column[str]:
    """The id of the ledger's event that tells of this version of the row."""
    return Column(ANCHOR_COLUMN, String(26))


def integrity_of(table: Table) -> Integrity | None:
    """What the table declares; None when it declares nothing."""
    declared: Integrity | None = table.info.get(_INFO)
    return declared


def covered_columns(table: Table) -> tuple[str, ...]:
    """The columns of a signed or enclosed table that its MAC or digest covers."""
    declared = integrity_of(table)
    if not isinstance(declared, Signed | Enclosed):
        raise TypeError(f"{table.name} does not declare signed rows")
    names = (column.name for column in table.c)
    return tuple(name for name in names if name != MAC_COLUMN and name not in declared.left_out)


def is_announced(table: Table) -> bool:
    declared = integrity_of(table)
    return isinstance(declared, Signed) and declared.announced


def anchor_of(table: Table) -> Anchor | None:
    declared = integrity_of(table)
    return declared.anchor if isinstance(declared, Signed) else None
