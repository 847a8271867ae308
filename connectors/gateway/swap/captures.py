"""Captures: an account that a person has just typed at a legacy login, offered to be kept; kept only if they say so."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Boolean, Column, Row, String, Table, delete, false, insert, select, update

from connectors.errors import ConnectorError
from connectors.gateway.session.fills import Fill
from connectors.gateway.session.sessions import GatewaySession
from connectors.gateway.swap.body import AmbiguousBodyError, Place, parse_body
from connectors.gateway.swap.recognise import looks_made
from connectors.gateway.swap.sent import SentBody
from connectors.legacy.page.words import names_password, names_username
from connectors.legacy.recipe.recipe import Recipe
from connectors.systems import System, Systems
from core.clock import Clock
from core.database import Bytes, Connection, Database, UtcDateTime, metadata
from core.expiry import forgotten
from core.identifiers import new_id
from core.integrity import guarded
from sso.directory.users import User
from vault.items import Item, Items
from vault.keys.sealing import Binding, Sealer
from vault.keys.suites import wipe
from vault.ledger import Event, Ledger
from vault.masking import mask

LIFETIME = timedelta(minutes=5)

capture_table = Table(
    "connectors_capture",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("user_id", String(26), nullable=False),
    Column("visit_id", String(26), nullable=False, index=True),
    Column("system_id", String(26), nullable=False),
    Column("masked_login", String(200), nullable=False),
    Column("sealed_login", Bytes, nullable=False),
    Column("sealed_secret", Bytes, nullable=False),
    # Offered only after the legacy system has accepted it.
    Column("offered", Boolean, nullable=False, server_default=false()),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    info=forgotten("expires_at")
    | guarded(by="the envelopes, whose associated data names the person, the system and this row"),
)


@dataclass(frozen=True)
class Held:
    """What is held until the answer tells whether it was right."""

    id: str
    login_url: str


@dataclass(frozen=True)
class Capture:
    id: str
    system_id: str
    login: str


class Captures:
    def __init__(self, database: Database, clock: Clock, sealer: Sealer, items: Items, ledger: Ledger) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer
        self._items = items
        self._ledger = ledger

    async def hold(
        self, who: GatewaySession, system: System, recipe: Recipe | None, sent: SentBody, fills: Sequence[Fill]
    ) -> Held | None:
        """Holds, sealed, what the person typed into a login that Yimen has no account for.

        A page that hashes what is typed leaves nothing to keep: only its own values pass here.
        """
        open_pages = [fill for fill in fills if fill.item_id is None and not fill.is_spent]
        if not open_pages or (recipe is not None and recipe.transform != "plain"):
            return None
        try:
            body = parse_body(sent.content_type, sent.body, open_pages[0].charset)
        except AmbiguousBodyError:
            return None
        for fill in open_pages:
            typed = _typed_in(fill, body.places)
            if typed is not None and _is_as_typed(typed.password, sent.typed):
                secret = bytearray(typed.password.encode())
                return Held(await self._seal(who, system, typed.login, secret), fill.login_url)
        return None

    async def offer(self, capture_id: str) -> None:
        async with self._database.write() as connection:
            await connection.execute(update(capture_table).where(capture_table.c.id == capture_id).values(offered=True))

    async def offer_held(self, connection: Connection, visit_id: str) -> None:
        """The page that came after the sign-in shows that what is held was right."""
        mine = capture_table.c.visit_id == visit_id
        await connection.execute(update(capture_table).where(mine).values(offered=True))

    async def drop(self, capture_id: str) -> None:
        async with self._database.write() as connection:
            await connection.execute(delete(capture_table).where(capture_table.c.id == capture_id))

    async def is_held(self, connection: Connection, visit_id: str) -> bool:
        """True when something is held in this session that has not been offered."""
        query = select(capture_table.c.id).where(
            capture_table.c.visit_id == visit_id,
            capture_table.c.offered.is_(False),
            capture_table.c.expires_at > self._clock.now(),
        )
        return await connection.scalar(query) is not None

    async def offered_in(self, connection: Connection, visit_id: str) -> str | None:
        """The id of the capture to offer on this session's pages."""
        capture_id: str | None = await connection.scalar(
            select(capture_table.c.id).where(
                capture_table.c.visit_id == visit_id,
                capture_table.c.offered,
                capture_table.c.expires_at > self._clock.now(),
            )
        )
        return capture_id

    async def find(self, connection: Connection, capture_id: str, user: User) -> Capture:
        """Raises ERR-CAPTURE when it is over, or somebody else's."""
        row = await self._row(connection, capture_id, user)
        return Capture(row.id, row.system_id, row.masked_login)

    async def keep(self, connection: Connection, capture_id: str, user: User, systems: Systems) -> Item:
        """The person said yes: the capture becomes an Item of theirs. Raises ERR-CAPTURE, or ERR-SEAL where the system
        has another address than the one that the person typed the password for."""
        row = await self._row(connection, capture_id, user)
        system = await systems.find(connection, row.system_id)
        if system is None:
            raise ConnectorError("ERR-CAPTURE", "its system is gone", status=404)
        destination = system.destination
        await connection.execute(delete(capture_table).where(capture_table.c.id == row.id))
        with await self._sealer.open(connection, _binding(row, "login", destination), row.sealed_login) as login:
            name = login.decode()
        with await self._sealer.open(connection, _binding(row, "secret", destination), row.sealed_secret) as secret:
            item = await self._items.add(
                connection,
                owner=f"user:{user.id}",
                system=row.system_id,
                destination=destination,
                login=name,
                secret=secret,
                actor=f"user:{user.id}",
            )
        await self._record(connection, row, "success")
        return item

    async def discard(self, connection: Connection, capture_id: str, user: User) -> None:
        row = await self._row(connection, capture_id, user)
        await connection.execute(delete(capture_table).where(capture_table.c.id == row.id))
        await self._record(connection, row, "refused")

    async def _seal(self, who: GatewaySession, system: System, login: str, secret: bytearray) -> str:
        values = {"id": new_id(), "user_id": who.session.user.id, "system_id": system.id}
        destination = system.destination
        try:
            async with self._database.write() as connection:
                await connection.execute(delete(capture_table).where(capture_table.c.visit_id == who.id))
                await connection.execute(
                    insert(capture_table).values(
                        **values,
                        visit_id=who.id,
                        masked_login=mask(login)[:200],
                        sealed_login=await self._sealer.seal(
                            connection, _binding_of(values, "login", destination), login.encode()
                        ),
                        sealed_secret=await self._sealer.seal(
                            connection, _binding_of(values, "secret", destination), secret
                        ),
                        expires_at=self._clock.now() + LIFETIME,
                    )
                )
        finally:
            wipe(secret)
        return values["id"]

    async def _row(self, connection: Connection, capture_id: str, user: User) -> Row[Any]:
        query = select(capture_table).where(
            capture_table.c.id == capture_id,
            capture_table.c.user_id == user.id,
            capture_table.c.offered,
            capture_table.c.expires_at > self._clock.now(),
        )
        row: Row[Any] | None = (await connection.execute(query)).one_or_none()
        if row is None:
            raise ConnectorError("ERR-CAPTURE", "no such offer, or it is over", status=404)
        return row

    async def _record(self, connection: Connection, row: Row[Any], result: str) -> None:
        await self._ledger.record(
            connection,
            Event(
                action="gateway.capture",
                result="success" if result == "success" else "refused",
                actor=f"user:{row.user_id}",
                system=row.system_id,
            ),
        )


@dataclass(frozen=True)
class _Typed:
    login: str
    password: str = field(repr=False)


def _typed_in(fill: Fill, places: Sequence[Place]) -> _Typed | None:
    """The account in a request of the page that the fill was made for; None where not exactly one stands there."""
    named = [(one.name, one.name.rsplit("/", 1)[-1], one.value) for one in places if one.value]
    passwords = [value for name, last, value in named if last in fill.password_names or names_password(name)]
    logins = [value for name, last, value in named if last in fill.username_names or names_username(name)]
    return _Typed(logins[0], passwords[0]) if len(passwords) == 1 and logins else None


def _is_as_typed(value: str, typed: int | None) -> bool:
    """Whether the page has sent what the person typed, and not what it made of it. `typed` is how many characters that
    were, as far as our script could see (in UTF-16 units, as scripts count)."""
    units = len(value.encode("utf-16-le", "surrogatepass")) // 2
    return not looks_made(value) and typed in (None, units)


def _binding(row: Row[Any], what: str, destination: str) -> Binding:
    return _binding_of({"id": row.id, "user_id": row.user_id, "system_id": row.system_id}, what, destination)


def _binding_of(values: dict[str, str], what: str, destination: str) -> Binding:
    owner = f"user:{values['user_id']}"
    return Binding(owner, values["system_id"], values["id"], 1, f"capture-{what}/1", destination)
