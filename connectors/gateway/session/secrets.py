"""The secrets that were put in on a visit, so that no answer of it shows them.

They stand sealed in the visit's row, bound to the person, the system and the visit, for as long as it lives.
"""

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import replace

from connectors.gateway.session.sessions import GatewaySession, GatewaySessions
from core.database import Database
from vault.keys.sealing import Binding, Sealer
from vault.keys.suites import wipe

# Accounts that one person signs in with on one visit; the oldest is forgotten first.
_MOST_KEPT = 12
# Hex digits that tell the same secrets again, so that they are kept once.
_MARK = 16


class VisitSecrets:
    def __init__(self, database: Database, sealer: Sealer, sessions: GatewaySessions) -> None:
        self._database = database
        self._sealer = sealer
        self._sessions = sessions

    async def keep(self, who: GatewaySession, secrets: Sequence[bytearray], *, waits: float) -> GatewaySession:
        """From now on no answer of this visit shows these; gives the visit as it is then. It is on disk when this
        returns, and no process remembers the visit as it was before: `waits` is how many seconds one still might."""
        packed = _packed(secrets)
        try:
            mark = self._sealer.mac("gateway-echo", f"{who.id}:".encode() + packed).hex()[:_MARK]
            async with self._database.write() as connection:
                kept = await self._sessions.echoes_of(connection, who.id)
                if any(one.startswith(f"{mark}.") for one in kept):
                    return replace(who, sealed_echoes=kept)
                sealed = base64.b64encode(await self._sealer.seal(connection, _binding(who), packed)).decode()
                kept = (*kept, f"{mark}.{sealed}")[-_MOST_KEPT:]
                await self._sessions.keep_echoes(connection, who.id, kept)
        finally:
            wipe(packed)
        if waits > 0:
            await asyncio.sleep(waits)
        return replace(who, sealed_echoes=kept)

    async def opened(self, who: GatewaySession) -> list[bytearray]:
        """All of them in the clear; the caller wipes them."""
        secrets: list[bytearray] = []
        async with self._database.read() as connection:
            for kept in who.sealed_echoes:
                sealed = base64.b64decode(kept.partition(".")[2])
                with await self._sealer.open(connection, _binding(who), sealed) as plain:
                    secrets += _unpacked(plain)
        return secrets


def _binding(who: GatewaySession) -> Binding:
    return Binding(f"user:{who.session.user.id}", who.system_id, who.id, 1, "echo/2")


def _packed(secrets: Sequence[bytearray]) -> bytearray:
    """Each once, with its length before it."""
    packed, seen = bytearray(), set[bytes]()
    for secret in secrets:
        if bytes(secret) not in seen:
            seen.add(bytes(secret))
            packed += len(secret).to_bytes(4) + secret
    return packed


def _unpacked(packed: bytearray) -> list[bytearray]:
    secrets, at = [], 0
    while at < len(packed):
        length = int.from_bytes(packed[at : at + 4])
        secrets.append(packed[at + 4 : at + 4 + length])
        at += 4 + length
    return secrets
