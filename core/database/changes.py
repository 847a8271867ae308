"""What other processes change in rows that are remembered here, so that none is believed for longer than a second.

A process that follows the database hears of each change a moment after its commit, and asks several times a second
whether it has heard of everything. As long as it has, what it remembers is as good as just read. When the database does
not answer, nothing more is heard: what is remembered lasts a second, as if there were nobody to tell.
"""

from collections import Counter

from sqlalchemy import text

from core.database.connection import Connection

CHANNEL = "yimen_changes"
# How often a follower asks. Twice that is well below the second that is promised.
ASK_SECONDS = 0.4

# A text, not a SELECT: it changes something, so it waits for the commit.
_NOTIFY = text("SELECT pg_notify(:channel, :table)")


class Changes:
    """How often each table was changed, and up to when that is all there was."""

    def __init__(self) -> None:
        self._of: Counter[str] = Counter()
        self._all = 0
        self._heard_until = float("-inf")

    @property
    def heard_until(self) -> float:
        """Everything that was committed before this instant (`time.monotonic`) was heard."""
        return self._heard_until

    def version(self, table: str) -> int:
        return self._all + self._of[table]

    def note(self, table: str) -> None:
        self._of[table] += 1

    def note_all(self) -> None:
        """Something was changed, nobody knows what."""
        self._all += 1

    def hear(self, asked_at: float) -> None:
        self._heard_until = asked_at


async def announce(connection: Connection, table: str) -> None:
    """Tells the processes that follow that the table was changed, when this unit of work is committed. On SQLite they
    see it by themselves. For tables that seldom change: PostgreSQL commits such units one after the other."""
    if connection.dialect == "postgresql":
        await connection.execute(_NOTIFY, {"channel": CHANNEL, "table": table})
