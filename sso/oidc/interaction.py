"""An interaction: an authorization request that waits while the person signs in or consents, in the same browser."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Boolean, Column, String, Table, delete, select

from core.clock import Clock
from core.database import Bytes, Connection, Json, UtcDateTime, metadata
from core.expiry import forgotten
from core.identifiers import new_token, token_digest
from core.integrity import mac_column, signed
from sso.errors import SsoError
from vault.rows import SignedRows

LIFETIME = timedelta(minutes=30)
# The browser of a request that came without the browser's cookies.
UNBOUND = ""

interaction_table = Table(
    "sso_interaction",
    metadata,
    Column("digest", Bytes, primary_key=True),
    Column("browser", Bytes, nullable=False),
    Column("client_id", String(255), nullable=False),
    Column("parameters", Json, nullable=False),
    # What was decided, and by whom: of two people at one computer neither decides for the other (CVE-2025-12390).
    Column("allowed", Boolean),
    Column("decided_by", String(26)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    mac_column(),
    info=signed() | forgotten("expires_at"),
)


@dataclass(frozen=True)
class Interaction:
    token: str
    client_id: str
    parameters: Mapping[str, str]
    created_at: datetime
    allowed: bool | None
    decided_by: str | None

    def decision_of(self, user_id: str) -> bool | None:
        """What this person decided in this very interaction; None when they have not been asked."""
        return self.allowed if self.decided_by == user_id else None


class Interactions:
    def __init__(self, clock: Clock, rows: SignedRows) -> None:
        self._clock = clock
        self._rows = rows

    async def begin(self, connection: Connection, client_id: str, parameters: Mapping[str, str], browser: str) -> str:
        """Keeps the request; gives the token that names it in the addresses of the pages."""
        token, now = new_token(), self._clock.now()
        await self._rows.insert(
            connection,
            interaction_table,
            digest=token_digest(token),
            browser=token_digest(browser),
            client_id=client_id,
            parameters=dict(parameters),
            created_at=now,
            expires_at=now + LIFETIME,
        )
        return token

    async def adopt(self, connection: Connection, token: str, browser: str) -> None:
        """Binds an interaction that began with UNBOUND to the browser that comes back for it."""
        unbound = interaction_table.c.browser == token_digest(UNBOUND)
        await self._rows.change(
            connection,
            interaction_table,
            {"digest": token_digest(token)},
            unbound,
            browser=token_digest(browser),
        )

    async def find(self, connection: Connection, token: str, browser: str) -> Interaction:
        """Raises ERR-INTERACTION when it is unknown, over, or belongs to another browser."""
        query = select(interaction_table).where(
            interaction_table.c.digest == token_digest(token),
            interaction_table.c.browser == token_digest(browser),
            interaction_table.c.expires_at > self._clock.now(),
        )
        row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise SsoError("ERR-INTERACTION", "unknown, over, or of another browser")
        self._rows.require(interaction_table, row)
        return Interaction(token, row.client_id, row.parameters, row.created_at, row.allowed, row.decided_by)

    async def decide(self, connection: Connection, interaction: Interaction, user_id: str, *, allowed: bool) -> None:
        digest = token_digest(interaction.token)
        await self._rows.change(connection, interaction_table, {"digest": digest}, allowed=allowed, decided_by=user_id)

    async def end(self, connection: Connection, interaction: Interaction) -> bool:
        """Consumes it; of two parallel continuations one gets a code."""
        ended = await connection.execute(
            delete(interaction_table).where(interaction_table.c.digest == token_digest(interaction.token))
        )
        return ended.rowcount == 1
