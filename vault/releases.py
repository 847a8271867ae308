"""The one way to a password: by leave for one use, with the ledger's row durable before it leaves (DESIGN §4.12).

It takes one read and one write. The read is a look that holds nothing still (`vault.looks`). The write uses the ticket
up and tells the ledger, in one statement that does neither unless the head still is the one that was looked at. So what
leaves is what stood there when the ledger was told.

Whatever that way does not let through goes the careful way, which holds the owner's head while it reads and writes: it
finds out whether there is something to refuse, and says what.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, bindparam, or_, select, update

from core.clock import Clock
from core.database import Connection, Database, Prepared, Together, Values
from vault.errors import VaultError
from vault.heads import TAMPERED, Heads, head_table, item_row, item_table, tampering
from vault.item_content import open_secret
from vault.keys.sealing import Opened, Sealer
from vault.ledger import Event, Ledger
from vault.ledger.events import event_table
from vault.looks import WANTED, Found, Looks, look
from vault.tickets import IS_GOOD, USING_UP, Leave, Tickets, Use, ticket_table

# How exactly an item says when it was used last: where many share an account, they do not wait for one another.
_NOTED_EVERY = timedelta(minutes=1)

_STANDS = select(head_table.c.counter).where(
    head_table.c.owner == bindparam("of_owner"), head_table.c.counter == bindparam("proved")
)
_USED = (
    update(item_table)
    .where(
        item_table.c.id == bindparam("used"),
        or_(
            item_table.c.last_used_at.is_(None),
            item_table.c.last_used_at <= item_table.c.updated_at,
            item_table.c.last_used_at <= bindparam("noted_before"),
        ),
    )
    .values(last_used_at=bindparam("now"))
)
_NOTING_USE = Prepared(_USED)


@dataclass(frozen=True)
class _Way:
    look: Prepared
    write: Together


_BY_TICKET = _Way(
    look(ticket_table.join(WANTED, WANTED.c.id == ticket_table.c.item_id), *IS_GOOD, beside=ticket_table.c),
    Together(event_table, guard=USING_UP.where(_STANDS.exists()), noting=[_USED]),
)
_AT_ONCE = _Way(look(WANTED, WANTED.c.id == bindparam("wanted")), Together(event_table, guard=_STANDS, noting=[_USED]))


class Releases:
    def __init__(
        self, database: Database, clock: Clock, sealer: Sealer, ledger: Ledger, heads: Heads, tickets: Tickets
    ) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer
        self._ledger = ledger
        self._heads = heads
        self._tickets = tickets
        self._looks = Looks(ledger, heads)

    async def by_ticket(self, token: str, use: Use) -> Opened:
        """See `Items.redeem`."""
        return await self._opened(
            _BY_TICKET,
            self._tickets.asked(token, use),
            use,
            lambda found: self._tickets.leave_of(found[0].row()),
            lambda connection: self._tickets.redeem(connection, token, use),
        )

    async def at_once(self, leave: Leave, use: Use) -> Opened:
        """See `Items.release`."""

        async def given(_: Connection) -> Leave:
            return leave

        asked = {"wanted": leave.item_id, "now": self._clock.now()}
        return await self._opened(_AT_ONCE, asked, use, lambda _: leave, given)

    async def _opened(
        self,
        way: _Way,
        asked: Values,
        use: Use,
        leave_of: Callable[[Found], Leave | None],
        taking_leave: Callable[[Connection], Awaitable[Leave]],
    ) -> Opened:
        try:
            opened = await self._by_look(way, asked, use, leave_of)
            return await self._by_holding(use, taking_leave) if opened is None else opened
        except VaultError as error:
            raise await self._refused(error, use) from None

    async def _by_look(
        self, way: _Way, asked: Values, use: Use, leave_of: Callable[[Found], Leave | None]
    ) -> Opened | None:
        """None where that way does not let through."""
        async with self._database.read() as connection:
            found: Sequence[Found] = (await connection.execute(way.look, asked)).all()
            leave = leave_of(found[0]) if found else None
            proved = self._looks.proved(found) if leave is not None else None
            if leave is None or proved is None:
                return None
            item = proved.items[leave.item_id]
            try:
                opened = await self._open(connection, item, leave, use)
            except VaultError:
                return None
        with _wiped_if_raised(opened):
            told = self._ledger.row_of(_released(item, leave, use))
            stood = {"of_owner": item.owner, "proved": proved.head.counter}
            async with self._database.write() as connection:
                is_told = await way.write.write(connection, [told], {**asked, **stood, **self._use_of(item)})
        if not is_told:
            opened.wipe()
        return opened if is_told else None

    async def _by_holding(self, use: Use, taking_leave: Callable[[Connection], Awaitable[Leave]]) -> Opened:
        async with self._database.write() as connection:
            leave = await taking_leave(connection)
            await self._heads.verify(connection, (await item_row(connection, leave.item_id)).owner)
            item = await item_row(connection, leave.item_id)
            opened = await self._open(connection, item, leave, use)
            with _wiped_if_raised(opened):
                await connection.execute(_NOTING_USE, self._use_of(item))
                await self._ledger.record(connection, _released(item, leave, use))
        return opened

    async def _open(self, connection: Connection, item: Row[Any], leave: Leave, use: Use) -> Opened:
        if leave.owner not in (None, item.owner):
            raise VaultError("ERR-ITEM_TAMPERED", f"item {item.id} was shown as one of {leave.owner}", status=409)
        if item.state == "frozen" and leave.purpose != "reveal":
            raise VaultError("ERR-ITEM_FROZEN", f"item {item.id} is frozen", status=409)
        destination = _destination(item, leave, use)
        if destination is None or destination != item.destination:
            raise VaultError("ERR-ITEM_DESTINATION", f"item {item.id} was sealed for another destination", status=409)
        return await open_secret(self._sealer, connection, item, destination)

    def _use_of(self, item: Row[Any]) -> Mapping[str, Any]:
        now = self._clock.now()
        return {"used": item.id, "now": now, "noted_before": now - _NOTED_EVERY}

    async def _refused(self, error: VaultError, use: Use) -> VaultError:
        subject = f"destination:{use.destination or 'none'}"[:255]
        if error.code in TAMPERED:
            await self._ledger.append(tampering(error, use.holder, subject))
            return VaultError("ERR-ITEM_TAMPERED", error.detail, status=409)
        await self._ledger.append(
            Event(
                action="vault.release",
                result="refused",
                actor=use.holder,
                subject=subject,
                reason=error.code,
                detail={"detail": error.detail},
            )
        )
        return error


def _destination(item: Row[Any], leave: Leave, use: Use) -> str | None:
    """Where the password is about to go. Its owner may look at any."""
    destination: str | None = item.destination if leave.purpose == "reveal" else use.destination
    return destination


def _released(item: Row[Any], leave: Leave, use: Use) -> Event:
    return Event(
        action="vault.reveal" if leave.purpose == "reveal" else "vault.release",
        result="success",
        actor=leave.actor,
        subject=f"item:{item.id}",
        system=item.system,
        session=use.holder.removeprefix("session:"),
        detail={
            "purpose": leave.purpose,
            "destination": item.destination,
            "version": item.version,
            "owner": item.owner,
            **({"recipe": use.recipe_hash} if use.recipe_hash else {}),
            **({"reason": leave.reason} if leave.reason else {}),
        },
    )


@contextmanager
def _wiped_if_raised(opened: Opened) -> Iterator[None]:
    try:
        yield
    except BaseException:
        opened.wipe()
        raise
