"""What the ledger tells of failed sign-ins, for when somebody cleared the counter that stands beside it.

A counter's row is signed, but whoever can delete it gives a person new guesses. The failures of known people stand in
the ledger too. Between two resets a counter lets at most two windows' worth of failures into one window, so more than
that means that it was cleared.
"""

from datetime import datetime

from sqlalchemy import Text, bindparam, cast, func, literal, select

from core.database import Connection, Prepared
from vault.ledger.events import event_table

STEPS = ("sign_in.password", "sign_in.totp", "sign_in.step_up")
UNLOCK = "sign_in.unlock"
# In the detail of an event after which the counter starts again.
PROVED = "proved"

_event = event_table.c
_reset = event_table.alias()
_newest_reset = (
    select(func.max(_reset.c.id))
    .where(
        _reset.c.subject == bindparam("subject"),
        _reset.c.action.in_((*STEPS, UNLOCK)),
        _reset.c.result == "success",
        cast(_reset.c.detail, Text).contains(f'"{PROVED}"'),
    )
    .scalar_subquery()
)
_COUNT = Prepared(
    select(func.count()).where(
        _event.subject == bindparam("subject"),
        _event.action.in_(STEPS),
        _event.result == literal("failure"),
        _event.recorded_at > bindparam("since"),
        _event.id > func.coalesce(_newest_reset, ""),
    )
)


async def failures_told(connection: Connection, user_id: str, since: datetime) -> int:
    """How many failures of the person the ledger tells of since then, and since the counter last started again."""
    return await connection.scalar(_COUNT, {"subject": f"user:{user_id}", "since": since}) or 0
