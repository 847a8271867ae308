"""An interaction: an authorization request that waits while the person signs in or consents, in the same browser."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Boolean, Column, LargeBinary, String, Table, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock
from core.database import Json, UtcDateTime, metadata
from core.identifiers import new_token, token_digest
from sso.errors import SsoError

LIFETIME = timedelta(minutes=30)

interaction_table = Table(
    "sso_interaction",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("browser", LargeBinary, nullable=False),
    Column("client_id", String(255), nullable=False),
    Column("parameters", Json, nullable=False),
    Column("consented", Boolean, nullable=False),
    Column("denied", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)


@dataclass(frozen=True)
class Interaction:
    """`consented` and `denied` tell what the person decided in this very interaction."""

    token: str
    client_id: str
    parameters: Mapping[str, str]
    created_at: datetime
    consented: bool
    denied: bool


class Interactions:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def begin(
        self, connection: AsyncConnection, client_id: str, parameters: Mapping[str, str], browser: str
    ) -> str:
        """Keeps the request; gives the token that names it in the addresses of the pages."""
        token, now = new_token(), self._clock.now()
        await connection.execute(
            insert(interaction_table).values(
                digest=token_digest(token),
                browser=token_digest(browser),
                client_id=client_id,
                parameters=dict(parameters),
                consented=False,
                denied=False,
                created_at=now,
                expires_at=now + LIFETIME,
            )
        )
        return token

    async def find(self, connection: AsyncConnection, token: str, browser: str) -> Interaction:
        """Raises ERR-INTERACTION when it is unknown, over, or belongs to another browser."""
        query = select(interaction_table).where(
            interaction_table.c.digest == token_digest(token),
            interaction_table.c.browser == token_digest(browser),
            interaction_table.c.expires_at > self._clock.now(),
        )
        row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise SsoError("ERR-INTERACTION", "unknown, over, or of another browser")
        return Interaction(token, row.client_id, row.parameters, row.created_at, row.consented, row.denied)

    async def decide(self, connection: AsyncConnection, interaction: Interaction, *, allowed: bool) -> None:
        await connection.execute(
            update(interaction_table)
            .where(interaction_table.c.digest == token_digest(interaction.token))
            .values(consented=allowed, denied=not allowed)
        )

    async def end(self, connection: AsyncConnection, interaction: Interaction) -> bool:
        """Consumes it; of two parallel continuations one gets a code."""
        ended = await connection.execute(
            delete(interaction_table).where(interaction_table.c.digest == token_digest(interaction.token))
        )
        return ended.rowcount == 1

    async def forget_expired(self, connection: AsyncConnection) -> None:
        await connection.execute(delete(interaction_table).where(interaction_table.c.expires_at <= self._clock.now()))
