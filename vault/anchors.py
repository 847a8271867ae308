"""Old versions of a row that must never come back, and how they are told from the newest one.

A MAC proves that Yimen wrote a row, not that it is the row's newest version. So each version names, under its MAC, the
ledger's event that tells of it (`anchor`). A row about which the ledger has a newer event is an old one that was put
back. That question is part of the very statement that reads the row, and asks an index.

Whoever deletes the newer event as well leaves a hole in the tree, which the watch finds; and every process remembers
the newest anchor that it has seen, and refuses an older one at once.
"""

import re
import time

from sqlalchemy import ColumnElement, Label, String, Table, func, literal_column, or_, select

from core.integrity import ANCHOR_COLUMN, Anchor, anchor_of
from vault.ledger.events import event_table

SUPERSEDED = "superseded"
OLDER = "an older version was put back: the ledger tells of a newer one"
UNANCHORED = "the row names no event of the ledger: it is of before the upgrade, and was put back"
_CONSTANT = re.compile(r"[a-z_.:]*")
_MOST_REMEMBERED = 10_000
# No unit of work lasts longer. What this process wrote counts as seen only afterwards: it may be undone before.
_SETTLED_SECONDS = 60.0


def superseded(table: Table, prefix: str = "") -> Label[bool]:
    """True for a row about which the ledger has a newer event."""
    return newer_event(table).label(prefix + SUPERSEDED)


def newer_event(table: Table) -> ColumnElement[bool]:
    anchor = require_anchor(table)
    newer = event_table.alias()
    return (
        select(newer.c.id)
        .where(
            newer.c.subject == constant(anchor.subject) + key_column(table),
            or_(*(newer.c.action == constant(action) for action in anchor.actions)),
            newer.c.id > func.coalesce(table.c[ANCHOR_COLUMN], constant("")),
            # What somebody planted and `sequence` turned away; a genuine event so marked is found by the watch.
            newer.c.quarantined.is_(False),
        )
        .correlate(table)
        .exists()
    )


def constant(text: str) -> ColumnElement[str]:
    """A text of ours in the statement itself: hot statements are put together once, and a parameter costs each time."""
    if not _CONSTANT.fullmatch(text):
        raise ValueError(f"{text!r} is not a constant of ours")
    return literal_column(f"'{text}'", String)


def require_anchor(table: Table) -> Anchor:
    anchor = anchor_of(table)
    if anchor is None:
        raise TypeError(f"{table.name} declares no anchor")
    return anchor


def key_column(table: Table) -> ColumnElement[str]:
    """An anchored table has one key, a text: the end of its events' subject."""
    (column,) = table.primary_key
    return column


class NewestSeen:
    """The newest anchor of each row that this process has seen: what the database cannot roll back."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], str] = {}
        self._written: dict[str, float] = {}

    def problem(self, table: Table, key: str, anchor: str | None) -> str:
        """What is wrong with the anchor of a row; "" when nothing is."""
        if anchor is None:
            return UNANCHORED
        return OLDER if self._is_older(table, key, anchor) else ""

    def _is_older(self, table: Table, key: str, anchor: str) -> bool:
        """True for an anchor older than one that was seen; else it is remembered. Ids ascend from write to write."""
        place = (table.name, key)
        seen = self._seen.get(place, "")
        if anchor < seen:
            return True
        if anchor > seen and not self._may_be_undone(anchor):
            if len(self._seen) >= _MOST_REMEMBERED:
                self._seen.clear()
            self._seen[place] = anchor
        return False

    def wrote(self, anchor: str) -> None:
        """A version that this process has just written."""
        now = time.monotonic()
        if len(self._written) >= _MOST_REMEMBERED:
            self._written = {one: at for one, at in self._written.items() if now - at < _SETTLED_SECONDS}
        self._written[anchor] = now

    def _may_be_undone(self, anchor: str) -> bool:
        at = self._written.get(anchor)
        if at is None:
            return False
        if time.monotonic() - at < _SETTLED_SECONDS:
            return True
        del self._written[anchor]
        return False
