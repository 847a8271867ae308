"""HTTP Basic (RFC 7617): the gateway gives the header field for the person, and the browser never sees it.

Two kinds of system: those that ask for it themselves, and pages whose script puts the field together, with the dummy
for a password. Either way the value goes to the system's own origin and into no body; it is kept sealed between
requests, and in the clear it exists while one request is being sent.
"""

import base64
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NoReturn

from sqlalchemy import Column, Integer, Row, String, Table, delete, select

from connectors.errors import ConnectorError
from connectors.gateway.parts import GatewayParts
from connectors.gateway.refusals import Refusals
from connectors.gateway.session.fills import DUMMY_PREFIX, Fill, Fills
from connectors.gateway.session.secrets import VisitSecrets
from connectors.gateway.session.sessions import FRESH_SECONDS, GatewaySession
from connectors.gateway.swap.knowledge import LoginKnowledge
from connectors.gateway.wire.headers import basic_credential
from connectors.login_requests import LoginRequest
from connectors.registration import WayInKind
from connectors.systems import System
from core.database import Bytes, Connection, UtcDateTime, insert_if_absent, metadata
from core.expiry import forgotten
from core.identifiers import new_id
from core.integrity import guarded
from vault.items import Item
from vault.keys.sealing import Binding
from vault.keys.suites import wipe

# One release serves a while of requests: each page of such a system needs the header again.
LIFETIME = timedelta(minutes=15)

basic_table = Table(
    "connectors_gateway_basic",
    metadata,
    Column("visit_id", String(26), primary_key=True),
    Column("id", String(26), nullable=False),
    Column("item_id", String(26), nullable=False),
    # What the header was made of: an Item that was replaced, frozen or removed since is released anew, or refused.
    Column("item_version", Integer, nullable=False),
    Column("sealed", Bytes, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    info=forgotten("expires_at")
    | guarded(
        by="the envelope, whose associated data names the person, the system, the Item, its version and this row"
    ),
)


@dataclass(frozen=True)
class Authorization:
    """The header field's value, and whose account it is. `is_first`: it was released for this very request, so that its
    answer tells whether it was right."""

    value: str = field(repr=False)
    item_id: str
    is_first: bool
    fill: Fill | None = None


class BasicAuthorization:
    def __init__(
        self, parts: GatewayParts, fills: Fills, knowledge: LoginKnowledge, secrets: VisitSecrets, refused: Refusals
    ) -> None:
        self._parts = parts
        self._fills = fills
        self._knowledge = knowledge
        self._secrets = secrets
        self._refused = refused

    async def of_system(self, who: GatewaySession, system: System) -> Authorization | None:
        """For a system that asks for Basic itself. Raises ERR-ITEM where the person has no account, ERR-ITEM_FROZEN."""
        return await self._given(who, system) if system.way_in.kind is WayInKind.BASIC else None

    async def of_page(self, who: GatewaySession, system: System, sent: str, where: str) -> Authorization | None:
        """For the header field that a page's script has sent; None where it holds no dummy of this visit. `where` is
        the method and the path.

        Raises ERR-FILL for a dummy that is spent, or where the system's login request is another one.
        """
        credential = basic_credential(sent)
        if DUMMY_PREFIX not in credential:
            return None
        async with self._parts.database.read() as connection:
            fill = await self._fill_of(connection, credential, await self._fills.known(connection, who.id))
        if fill is None or fill.item_id is None:
            return None
        if (again := await self._kept_for(who, system, fill.item_id)) is not None:
            return again
        taught = await self._lesson(who, system, fill, where)
        async with self._parts.database.write() as connection:
            consumed = await self._fills.consume(connection, fill, known_id=None, taught=taught)
        if not consumed:
            why = f"{where}: the page was used before, or stood open too long"
            await self._refuse(who, system, fill, "ERR-FILL", why)
        return await self._given(who, system, item_id=fill.item_id, fill=fill)

    async def forget(self, connection: Connection, who: GatewaySession) -> None:
        await connection.execute(delete(basic_table).where(basic_table.c.visit_id == who.id))

    async def _lesson(self, who: GatewaySession, system: System, fill: Fill, where: str) -> LoginRequest | None:
        knowledge = await self._knowledge.of(system, who.session.user.id, None)
        if any(known.request.kind == "basic" for known in knowledge.requests):
            return None
        if not (fill.supervised and knowledge.may_learn):
            why = f"{where}: the page signs in by a header field, which is not known"
            await self._refuse(who, system, fill, "ERR-LOGIN_CHANGED", why)
        return LoginRequest(origin=str(system.origin), method="POST", path="/", kind="basic", passwords={})

    async def _refuse(self, who: GatewaySession, system: System, fill: Fill, code: str, why: str) -> NoReturn:
        await self._refused.dummy(who, system, fill, code=code, why=why, place="basic")
        raise ConnectorError(code, why, status=400)

    async def _kept_for(self, who: GatewaySession, system: System, item_id: str) -> Authorization | None:
        """The value of an earlier request of this visit, while the Item stands as it stood."""
        async with self._parts.database.read() as connection:
            item = await self._parts.launcher.item_for(connection, who.session.user, system, item_id=item_id)
            return await self._opened(connection, who, system, item) if item is not None else None

    async def _given(
        self, who: GatewaySession, system: System, *, item_id: str | None = None, fill: Fill | None = None
    ) -> Authorization:
        parts = self._parts
        async with parts.database.read() as connection:
            item = await parts.launcher.item_for(connection, who.session.user, system, item_id=item_id)
            if item is None:
                raise ConnectorError("ERR-ITEM", f"{who.session.user.id} has no account at {system.slug}", status=409)
            if (kept := await self._opened(connection, who, system, item)) is not None:
                return kept
            login = await parts.items.login_name(connection, item.id)
        opened = await parts.launcher.release(
            session=who.session, system=system, item=item, recipe_hash="", purpose="basic"
        )
        with opened as secret:
            await self._secrets.keep(who, [secret], waits=0.0 if who.is_read_anew else FRESH_SECONDS)
            # RFC 7617 §2.1: UTF-8
            value = bytearray(b"Basic ") + base64.b64encode(login.encode() + b":" + bytes(secret))
        try:
            async with parts.database.write() as connection:
                await self._keep(connection, who, system, item, value)
            return Authorization(value.decode(), item.id, is_first=True, fill=fill)
        finally:
            wipe(value)

    async def _fill_of(self, connection: Connection, credential: str, fills: list[Fill]) -> Fill | None:
        """The fill whose account's name and dummy are exactly what was sent."""
        for fill in fills:
            if fill.item_id is not None and credential.endswith(f":{fill.dummy}"):
                login = await self._parts.items.login_name(connection, fill.item_id)
                return fill if credential == f"{login}:{fill.dummy}" else None
        return None

    async def _opened(
        self, connection: Connection, who: GatewaySession, system: System, item: Item
    ) -> Authorization | None:
        row = await self._row(connection, who, system, item)
        if row is None:
            return None
        binding = _binding(who, system, row.id, item)
        with await self._parts.sealer.open(connection, binding, row.sealed) as value:
            return Authorization(value.decode(), item.id, is_first=False)

    async def _row(self, connection: Connection, who: GatewaySession, system: System, item: Item) -> Row[Any] | None:
        """The sealed value of an earlier request, when it was made of this very Item as it stands now, and the Item may
        be used at the system as that stands now."""
        if item.state != "active" or item.destination != system.destination:
            return None
        query = select(basic_table).where(
            basic_table.c.visit_id == who.id,
            basic_table.c.item_id == item.id,
            basic_table.c.item_version == item.version,
            basic_table.c.expires_at > self._parts.clock.now(),
        )
        return (await connection.execute(query)).one_or_none()

    async def _keep(
        self, connection: Connection, who: GatewaySession, system: System, item: Item, value: bytearray
    ) -> None:
        await self.forget(connection, who)
        identifier = new_id()
        # Where another request of the page was first, its value serves as well.
        await insert_if_absent(
            connection,
            basic_table,
            visit_id=who.id,
            id=identifier,
            item_id=item.id,
            item_version=item.version,
            sealed=await self._parts.sealer.seal(connection, _binding(who, system, identifier, item), value),
            expires_at=self._parts.clock.now() + LIFETIME,
        )


def _binding(who: GatewaySession, system: System, identifier: str, item: Item) -> Binding:
    place = f"{system.id} {system.origin} {item.id} {item.version}"
    return Binding(f"user:{who.session.user.id}", place, identifier, 1, "basic/2")
