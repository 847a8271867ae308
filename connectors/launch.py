"""Opening a system: policy, way in, and - where the vault signs the person in - leave to use one Item once.

DESIGN §3.2. A launch of a gateway system leaves a one-time *intent* behind: it tells the gateway that the person
has just asked to be signed in, so that the login page may submit itself once; it ends when a password is sent.
A login page met in any other way is filled but waits for the person.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlencode

from sqlalchemy import Boolean, Column, Index, String, Table, delete

from connectors.errors import ConnectorError
from connectors.registration import SystemStatus, WayInKind
from connectors.systems import System, Systems
from core.clock import Clock
from core.database import Connection, Database, UtcDateTime, metadata
from core.expiry import forgotten
from core.identifiers import new_id
from core.integrity import mac_column, signed
from core.settings import Settings
from sso.access import permits
from sso.authentication.sessions import Session
from sso.directory.users import User
from vault.items import Item, Items
from vault.keys.sealing import Opened
from vault.ledger import Event, Ledger
from vault.rows import SignedRows
from vault.tickets import Leave, Use

INTENT_LIFETIME = timedelta(seconds=60)

Purpose = Literal["fill", "basic", "test"]

launch_intent_table = Table(
    "connectors_launch_intent",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("session_id", String(64), nullable=False),
    Column("system_id", String(26), nullable=False),
    Column("item_id", String(26)),
    # The page that asks for the user name has used it; it is good for the page that asks for the password.
    Column("stepped", Boolean, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    mac_column(),
    Index("ix_connectors_launch_intent_session", "session_id", "system_id"),
    Index("ix_connectors_launch_intent_expires", "expires_at"),
    info=signed() | forgotten("expires_at"),
)


@dataclass(frozen=True)
class Intent:
    """The person asked, a moment ago, to be signed in; `item_id` is the account they chose, if they chose one."""

    item_id: str | None
    expires_at: datetime
    stepped: bool = False


def owners_for(user: User) -> list[str]:
    """Whose Items a person may use: their own, and those in the custody of organisations where they hold a post."""
    return [f"user:{user.id}", *(f"organisation:{post.organisation_id}" for post in user.posts)]


class Launcher:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        systems: Systems,
        items: Items,
        ledger: Ledger,
        rows: SignedRows,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._systems = systems
        self._items = items
        self._ledger = ledger
        self._rows = rows

    async def launch(self, session: Session, slug: str, *, item_id: str | None = None) -> str:
        """The address to send the person's browser to. Raises ERR-SYSTEM, ERR-ACCESS or ERR-NO_WAY_IN."""
        async with self._database.write() as connection:
            system = await self._systems.find_by_slug(connection, slug)
            if system is None:
                raise ConnectorError("ERR-SYSTEM", f"no system {slug!r}", status=404)
            refusal = refusal_of(session.user, system)
            if refusal is None:
                address = await self._address(connection, session, system, item_id)
            await self._record(connection, session, system, refusal)
        if refusal is not None:
            raise refusal
        return address

    async def item_for(
        self, connection: Connection, user: User, system: System, *, item_id: str | None = None
    ) -> Item | None:
        """The account the gateway would use: the chosen one, else the person's own, else one in custody."""
        owners = owners_for(user)
        usable = await self._items.list(connection, owners=owners, system=system.id)
        if item_id is not None:
            usable = [item for item in usable if item.id == item_id]
        usable.sort(key=lambda item: (item.state != "active", owners.index(item.owner), item.id))
        return usable[0] if usable else None

    async def consume_intent(self, connection: Connection, session_id: str, system_id: str) -> Intent | None:
        """Takes the intent of a launch, once; None when there is none or it is too old."""
        taken = await connection.execute(
            delete(launch_intent_table)
            .where(
                launch_intent_table.c.session_id == session_id,
                launch_intent_table.c.system_id == system_id,
                launch_intent_table.c.expires_at > self._clock.now(),
            )
            .returning(*launch_intent_table.c)
        )
        # One that somebody else wrote is taken away and counts for nothing.
        rows = [row for row in taken if self._rows.is_genuine(launch_intent_table, row)]
        return Intent(rows[-1].item_id, rows[-1].expires_at, rows[-1].stepped) if rows else None

    async def keep_intent(self, connection: Connection, session_id: str, system_id: str, intent: Intent) -> None:
        await self._rows.insert(
            connection,
            launch_intent_table,
            id=new_id(),
            session_id=session_id,
            system_id=system_id,
            item_id=intent.item_id,
            stepped=intent.stepped,
            expires_at=intent.expires_at,
        )

    async def release(
        self, *, session: Session, system: System, item: Item, recipe_hash: str, purpose: Purpose
    ) -> Opened:
        """Opens the Item for one use at the system's destination.

        Policy is asked again, and the ledger event is durable when this returns. A ticket carries leave from where it
        is given to where it is used, and proves there who gave it, to whom and for what. Here both are this one call:
        it opens the item once, for the session that was just asked about, and no token exists that somebody could take
        elsewhere or use again. So there is nothing to carry, and none is written.

        Raises ERR-ACCESS when the person may no longer, and the vault's errors (ERR-ITEM_FROZEN, ERR-ITEM_DESTINATION,
        ERR-ITEM_TAMPERED).
        """
        refusal = refusal_of(session.user, system)
        if refusal is None and item.owner not in owners_for(session.user):
            refusal = ConnectorError("ERR-ACCESS", "the account belongs to somebody else", status=403)
        if refusal is not None:
            raise refusal
        use = Use(holder=f"session:{session.id}", destination=system.destination, recipe_hash=recipe_hash)
        leave = Leave(item.id, f"user:{session.user.id}", purpose, owner=item.owner)
        return await self._items.release(leave, use)

    async def _address(self, connection: Connection, session: Session, system: System, item_id: str | None) -> str:
        registration = system.registration
        if system.way_in.kind is WayInKind.OIDC and registration.initiate_login_uri:
            return _third_party_login(registration.initiate_login_uri, self._settings.issuer)
        if system.way_in.kind is WayInKind.LINK:
            return registration.link or f"{system.origin}{registration.login_path}"
        intent = Intent(item_id, self._clock.now() + INTENT_LIFETIME)
        await self.keep_intent(connection, session.id, system.id, intent)
        return f"{self._settings.gateway_origin(system.slug)}/.yimen/open"

    async def _record(
        self, connection: Connection, session: Session, system: System, refusal: ConnectorError | None
    ) -> None:
        await self._ledger.record(
            connection,
            Event(
                action="launch",
                result="success" if refusal is None else "refused",
                actor=f"user:{session.user.id}",
                system=system.id,
                session=session.id,
                address=session.address,
                reason=refusal.code if refusal else None,
                detail={"slug": system.slug, "way_in": system.way_in.kind.value},
            ),
        )


def _third_party_login(address: str, issuer: str) -> str:
    """OIDC Core §4: the client is told at whom to sign in, and starts an ordinary request of its own. Who the person
    is, it learns there, as far as they allow."""
    return f"{address}{'&' if '?' in address else '?'}{urlencode({'iss': issuer})}"


def may_use(user: User, system: System) -> bool:
    """The system's access rule; the three administrators have no use of business systems (三员分立)."""
    return not user.is_administrator and permits(user, system.access)


def refusal_of(user: User, system: System) -> ConnectorError | None:
    """Why this person may not open this system now, or None."""
    if system.status is not SystemStatus.LIVE:
        return ConnectorError("ERR-SYSTEM_CLOSED", f"{system.slug} is {system.status}", status=403)
    if not may_use(user, system):
        return ConnectorError("ERR-ACCESS", f"{user.id} may not open {system.slug}", status=403)
    if system.way_in.kind is WayInKind.NONE:
        return ConnectorError("ERR-NO_WAY_IN", system.way_in.reason, status=409)
    return None
