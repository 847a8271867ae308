"""One way to the database: SQLite (WAL) out of the box, PostgreSQL by URL.

What enters: SQLAlchemy's statements, over tables that every package declares on `metadata`. What leaves: typed rows.
What is promised:

- A unit of work is opened at the edge with `read()`, `scan()` or `write()` and passed down as a connection, so whoever
  reads the code sees where it commits. `write()` ends when what it wrote is on disk, or raises and leaves nothing.
- A statement is executed on the driver's own connection. One of a hot path is `Prepared`: put together once.
- A database that is away, full or broken is ERR-DATABASE (503), whatever the driver raises.
"""

from core.database.changes import Changes, announce
from core.database.columns import Bytes, Day, Json, UtcDateTime, metadata
from core.database.connection import Connection, Result, insert_if_absent, wait_turn
from core.database.database import Database
from core.database.errors import IntegrityError, StatementError
from core.database.now import database_now
from core.database.statements import Part, Prepared, Values, new_row
from core.database.together import Together

__all__ = [
    "Bytes",
    "Changes",
    "Connection",
    "Database",
    "Day",
    "IntegrityError",
    "Json",
    "Part",
    "Prepared",
    "Result",
    "StatementError",
    "Together",
    "UtcDateTime",
    "Values",
    "announce",
    "database_now",
    "insert_if_absent",
    "metadata",
    "new_row",
    "wait_turn",
]
