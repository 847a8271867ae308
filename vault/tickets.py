"""A Ticket: single-use leave to use one Item once - who, from where, at which exact origin, by which recipe, ≤ 30 s."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Column, Row, String, Table, bindparam, update

from core.clock import Clock
from core.database import Bytes, Connection, Prepared, UtcDateTime, metadata, new_row
from core.expiry import forgotten
from core.identifiers import new_token, token_digest
from core.integrity import mac_column, signed
from vault.errors import VaultError
from vault.rows import SignedRows

LIFETIME = timedelta(seconds=30)

ticket_table = Table(
    "vault_ticket",
    metadata,
    Column("digest", Bytes, primary_key=True),
    Column("item_id", String(26), nullable=False),
    Column("actor", String(255), nullable=False),
    Column("holder", String(255), nullable=False),
    Column("destination", String(1500)),
    Column("recipe_hash", String(64), nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("reason", String(200), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("used_at", UtcDateTime),
    mac_column(),
    info=forgotten("expires_at")
    | signed(
        left_out={
            "used_at": "setting it uses the ticket up; clearing it gives half a minute to whoever holds its token"
        }
    ),
)

# What makes a ticket good for a use; `Tickets.asked` gives the values.
IS_GOOD = (
    ticket_table.c.digest == bindparam("token"),
    ticket_table.c.used_at.is_(None),
    ticket_table.c.expires_at > bindparam("now"),
    ticket_table.c.holder == bindparam("for_holder"),
    ticket_table.c.destination.is_not_distinct_from(bindparam("for_destination")),
    ticket_table.c.recipe_hash == bindparam("for_recipe"),
)
# Of two attempts one succeeds: the condition and the mark are one statement.
USING_UP = update(ticket_table).where(*IS_GOOD).values(used_at=bindparam("now"))
_REDEEMING = Prepared(USING_UP.returning(*ticket_table.c))


@dataclass(frozen=True)
class Use:
    """What a Ticket is bound to. All of it must be the same when it is redeemed.

    `destination` is where the secret is about to go; the Item must have been sealed for it. It is None for a use that
    sends the secret nowhere: its owner looks at it.
    """

    holder: str
    destination: str | None
    recipe_hash: str


@dataclass(frozen=True)
class Leave:
    """What a redeemed Ticket allows: one use of one Item. With `owner`, only while the Item is that owner's."""

    item_id: str
    actor: str
    purpose: str
    reason: str = ""
    owner: str | None = None


class Tickets:
    def __init__(self, clock: Clock, rows: SignedRows) -> None:
        self._clock = clock
        self._rows = rows

    async def issue(
        self, connection: Connection, item_id: str, use: Use, *, actor: str, purpose: str, reason: str = ""
    ) -> str:
        """A new ticket's token. Only its digest is kept. The unit of work's last write."""
        token = new_token()
        ticket = {
            "digest": token_digest(token),
            "item_id": item_id,
            "actor": actor,
            "holder": use.holder,
            "destination": use.destination,
            "recipe_hash": use.recipe_hash,
            "purpose": purpose,
            "reason": reason,
            "expires_at": self._clock.now() + LIFETIME,
        }
        await connection.execute(new_row(ticket_table), self._rows.signed(ticket_table, ticket), last=True)
        return token

    def asked(self, token: str, use: Use) -> dict[str, Any]:
        """The values of `IS_GOOD` and `USING_UP`."""
        return {
            "token": token_digest(token),
            "now": self._clock.now(),
            "for_holder": use.holder,
            "for_destination": use.destination,
            "for_recipe": use.recipe_hash,
        }

    def leave_of(self, row: Row[Any]) -> Leave | None:
        """What a ticket of `IS_GOOD` allows; None where somebody else wrote it."""
        if self._rows.problem(ticket_table, row):
            return None
        return _leave(row)

    async def redeem(self, connection: Connection, token: str, use: Use) -> Leave:
        """Consumes the ticket by one conditional statement: of two attempts one succeeds. Raises ERR-TICKET."""
        row = (await connection.execute(_REDEEMING, self.asked(token, use))).one_or_none()
        if row is None:
            raise VaultError("ERR-TICKET", "the ticket is unknown, used, expired or for another use", status=403)
        self._rows.require(ticket_table, row)
        return _leave(row)


def _leave(row: Row[Any]) -> Leave:
    """Only its owner may look at an item (DESIGN §4.14)."""
    owner = row.actor if row.purpose == "reveal" else None
    return Leave(row.item_id, row.actor, row.purpose, row.reason, owner)
