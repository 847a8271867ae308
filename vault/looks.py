"""One look at an owner's items: a single statement gives head, items and the newest event that tells of a head, as they
stood at one moment. What was proved of them is not proved again for as long as all of it stands the same.

A look holds nothing still, and only ever says yes. Where it proves nothing - something is missing or does not fit, the
newest event is none of Yimen's, a look at a newer head was quicker - `Heads.verify` decides, which holds the head.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import LABEL_STYLE_NONE, ColumnElement, FromClause, Row, literal_column, select

from core.database import Part, Prepared
from vault.anchors import constant
from vault.errors import VaultError
from vault.heads import COVERED, HEAD_ACTIONS, Head, Heads, digest_of, head_table, item_table
from vault.ledger import Ledger
from vault.ledger.events import event_of_row, event_table

# Items of all owners together: a few megabytes.
_MOST_REMEMBERED = 4096

# The item that is asked for; the look gives all items of its owner, and it is one of them.
WANTED = item_table.alias("wanted")
_NEWEST = event_table.alias("newest")
_ITEM = [item_table.c[name] for name in ("owner", *COVERED, "sealed_login", "sealed_secret")]

# What was asked for beside, the head, the newest event, and one item.
Found = tuple[Part, Part, Part, Part]


def look(source: FromClause, *conditions: ColumnElement[bool], beside: Iterable[ColumnElement[Any]] = ()) -> Prepared:
    """The statement of a look: `WANTED` stands in `source`, and `beside` are further columns of it."""
    told, owner = event_table.alias("told"), WANTED.c.owner
    newest = (
        select(told.c.id)
        .where(told.c.subject == owner, told.c.action.in_([constant(action) for action in HEAD_ACTIONS]))
        .order_by(told.c.id.desc())
        .limit(literal_column("1"))
        .correlate(WANTED)
        .scalar_subquery()
    )
    joined = (
        source.join(head_table, head_table.c.owner == owner)
        .join(_NEWEST, _NEWEST.c.id == newest)
        .join(item_table, item_table.c.owner == owner)
    )
    parts = ([*beside], [*head_table.c], [*_NEWEST.c], _ITEM)
    query = select(*(column for part in parts for column in part)).select_from(joined).where(*conditions)
    # A part has its columns to itself, so they are called as in their tables.
    named = query.order_by(item_table.c.id).set_label_style(LABEL_STYLE_NONE)
    return Prepared(named, [len(part) for part in parts])


@dataclass(frozen=True)
class Proved:
    """An owner's head and items, by id, that tell the same story as the ledger; and what was read of them."""

    head: Head
    items: Mapping[str, Row[Any]]
    raw: tuple[Any, ...]


class Looks:
    def __init__(self, ledger: Ledger, heads: Heads) -> None:
        self._ledger = ledger
        self._heads = heads
        self._known: dict[str, Proved] = {}
        self._size = 0

    def proved(self, found: Sequence[Found]) -> Proved | None:
        """What a look found, if that proves itself."""
        _, head, event, _ = found[0]
        items = [item for *_, item in found]
        raw = (head.raw, event.raw, [item.raw for item in items])
        owner = head.raw[0]
        known = self._known.get(owner)
        if known is None or known.raw != raw:
            known = self._prove(head.row(), event.row(), [item.row() for item in items], raw)
            if known is None:
                return None
            self._keep(known)
        if self._heads.is_old(known.head):
            return None
        self._heads.saw(known.head)
        return known

    def _prove(self, head: Row[Any], event: Row[Any], items: Sequence[Row[Any]], raw: tuple[Any, ...]) -> Proved | None:
        if not self._ledger.is_genuine(event):
            return None
        try:
            agreed = self._heads.agreed(head, digest_of(items), event_of_row(event))
        except VaultError:
            return None
        return Proved(agreed, {item.id: item for item in items}, raw)

    def _keep(self, known: Proved) -> None:
        before = self._known.pop(known.head.owner, None)
        self._size += len(known.items) - (len(before.items) if before is not None else 0)
        if self._size > _MOST_REMEMBERED:
            self._known.clear()
            self._size = len(known.items)
        self._known[known.head.owner] = known
