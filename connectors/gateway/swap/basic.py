"""Systems that ask for HTTP Basic authentication: the gateway answers for the person, and the browser never sees it."""

import base64
from datetime import timedelta
from typing import Any

from sqlalchemy import Column, Integer, Row, String, Table, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.errors import ConnectorError
from connectors.gateway.parts import GatewayParts
from connectors.gateway.session.sessions import GatewaySession
from connectors.gateway.wire.headers import Peer
from connectors.systems import System, WayInKind
from core.database import Bytes, UtcDateTime, insert_if_absent, metadata
from core.identifiers import new_id
from vault.items import Item
from vault.keys.sealing import Binding
from vault.keys.suites import wipe

# One release serves a while of requests: each page of such a system needs the header again.
LIFETIME = timedelta(minutes=15)

basic_table = Table(
    "connectors_gateway_basic",
    metadata,
    Column("gateway_session_id", String(26), primary_key=True),
    Column("id", String(26), nullable=False),
    Column("item_id", String(26), nullable=False),
    # What the header was made of: an Item that was replaced, frozen or removed since is released anew, or refused.
    Column("item_version", Integer, nullable=False),
    Column("sealed", Bytes, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)


class BasicAuthorization:
    """The header value is kept sealed between requests; in the clear it exists while one request is being sent."""

    def __init__(self, parts: GatewayParts) -> None:
        self._parts = parts

    async def peer(self, who: GatewaySession, system: System, address: str) -> tuple[Peer, str | None]:
        """What the legacy server is told of the caller, and the Item that speaks for them, if one does."""
        forwarded_for = address if system.registration.forwards_address else None
        if system.way_in.kind is not WayInKind.BASIC:
            return Peer(forwarded_for), None
        authorization, item_id = await self.header(who, system)
        return Peer(forwarded_for, authorization), item_id

    async def kept(self, who: GatewaySession, system: System, item_id: str) -> str | None:
        """The Authorization value of an earlier request of this session, while the Item stands as it stood."""
        parts = self._parts
        async with parts.database.read() as connection:
            item = await parts.launcher.item_for(connection, who.session.user, system, item_id=item_id)
            kept = await self._kept(connection, who, item) if item is not None else None
            if kept is None:
                return None
            with await parts.sealer.open(connection, _binding(who, system, kept.id), kept.sealed) as value:
                return value.decode()

    async def header(self, who: GatewaySession, system: System, *, item_id: str | None = None) -> tuple[str, str]:
        """The Authorization value and the Item's id. Raises ERR-ITEM where the person has none, or ERR-ITEM_FROZEN."""
        parts = self._parts
        async with parts.database.read() as connection:
            item = await parts.launcher.item_for(connection, who.session.user, system, item_id=item_id)
            if item is None:
                raise ConnectorError("ERR-ITEM", f"{who.session.user.id} has no account at {system.slug}", status=409)
            kept = await self._kept(connection, who, item)
            if kept is not None:
                with await parts.sealer.open(connection, _binding(who, system, kept.id), kept.sealed) as value:
                    return value.decode(), item.id
            login = await parts.items.login_name(connection, item.id)
        opened = await parts.launcher.release(
            session=who.session, system=system, item=item, recipe_hash="", purpose="basic"
        )
        with opened as secret:
            # RFC 7617 §2.1: UTF-8
            value = bytearray(b"Basic ") + base64.b64encode(login.encode() + b":" + bytes(secret))
        try:
            async with parts.database.write() as connection:
                await self._keep(connection, who, system, item, value)
            return value.decode(), item.id
        finally:
            wipe(value)

    async def forget(self, connection: AsyncConnection, who: GatewaySession) -> None:
        await connection.execute(delete(basic_table).where(basic_table.c.gateway_session_id == who.id))

    async def _kept(self, connection: AsyncConnection, who: GatewaySession, item: Item) -> Row[Any] | None:
        """The sealed value of an earlier request, when it was made of this very Item as it stands now."""
        query = select(basic_table).where(
            basic_table.c.gateway_session_id == who.id,
            basic_table.c.item_id == item.id,
            basic_table.c.item_version == item.version,
            basic_table.c.expires_at > self._parts.clock.now(),
        )
        return (await connection.execute(query)).one_or_none() if item.state == "active" else None

    async def _keep(
        self, connection: AsyncConnection, who: GatewaySession, system: System, item: Item, value: bytearray
    ) -> None:
        await self.forget(connection, who)
        identifier = new_id()
        # Where another request of the page was first, its value serves as well.
        await insert_if_absent(
            connection,
            basic_table,
            gateway_session_id=who.id,
            id=identifier,
            item_id=item.id,
            item_version=item.version,
            sealed=await self._parts.sealer.seal(connection, _binding(who, system, identifier), value),
            expires_at=self._parts.clock.now() + LIFETIME,
        )


def _binding(who: GatewaySession, system: System, identifier: str) -> Binding:
    return Binding(f"user:{who.session.user.id}", system.id, identifier, 1, "basic/1")
