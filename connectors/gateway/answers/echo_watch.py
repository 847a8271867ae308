"""After a sign-in some systems show again what was typed, on the pages that follow: for a minute it is looked for
there.

The password stands sealed in the fill's row meanwhile, bound to the person, the system and the fill. Which fill is
looked for, a cookie says that no script of the page can read or write.
"""

from datetime import timedelta

from sqlalchemy import select, update

from connectors.gateway.pages.fills import Fill, fill_table
from connectors.gateway.parts import GatewayParts
from connectors.gateway.session.sessions import GatewaySession
from connectors.gateway.wire.headers import ECHO_COOKIE, Header
from connectors.systems import System
from vault.keys.sealing import Binding

SECONDS = 60


class EchoWatch:
    def __init__(self, parts: GatewayParts) -> None:
        self._parts = parts

    async def begin(self, who: GatewaySession, system: System, fill: Fill, secret: bytearray) -> Header:
        """The header field that makes the browser say so on its next requests."""
        async with self._parts.database.write() as connection:
            sealed = await self._parts.sealer.seal(connection, _binding(who, system, fill.id), secret)
            await connection.execute(update(fill_table).where(fill_table.c.id == fill.id).values(sealed_echo=sealed))
        secure = "; Secure" if self._parts.settings.secure else ""
        return "set-cookie", f"{ECHO_COOKIE}={fill.id}; Path=/; Max-Age={SECONDS}; HttpOnly; SameSite=Lax{secure}"

    async def password(self, who: GatewaySession, system: System, fill_id: str) -> bytearray | None:
        """The password that must not be shown, which the caller wipes; None when it is looked for no longer."""
        async with self._parts.database.read() as connection:
            query = select(fill_table.c.sealed_echo).where(
                fill_table.c.id == fill_id,
                fill_table.c.gateway_session_id == who.id,
                fill_table.c.sealed_echo.is_not(None),
                fill_table.c.used_at > self._parts.clock.now() - timedelta(seconds=SECONDS),
            )
            sealed = await connection.scalar(query)
            if sealed is None:
                return None
            with await self._parts.sealer.open(connection, _binding(who, system, fill_id), sealed) as plain:
                return bytearray(plain)


def _binding(who: GatewaySession, system: System, fill_id: str) -> Binding:
    return Binding(f"user:{who.session.user.id}", system.id, fill_id, 1, "echo/1")
