"""The secrets that were put in for a person at a system, so that no answer to that person shows them.

They stand sealed in the row of the visit that put them in, bound to the person and the system, and count for every
visit of that person there: a legacy session may outlive the visit, and be shown on the next.
"""

import asyncio
import base64
import time
from collections.abc import Sequence

from connectors.gateway.session.sessions import FRESH_SECONDS, GatewaySession, GatewaySessions
from core.database import Database
from vault.keys.sealing import Binding, Sealer
from vault.keys.suites import wipe

# Sign-ins of one person at one system whose values are hidden; the oldest is forgotten first.
_MOST_KEPT = 12
# Hex digits that tell the same secrets again, so that they are kept once.
_MARK = 16
_MOST_REMEMBERED = 10_000


class VisitSecrets:
    def __init__(self, database: Database, sealer: Sealer, sessions: GatewaySessions) -> None:
        self._database = database
        self._sealer = sealer
        self._sessions = sessions
        self._seen: dict[tuple[str, str], tuple[tuple[str, ...], float]] = {}

    async def keep(self, who: GatewaySession, secrets: Sequence[bytearray], *, waits: float) -> None:
        """From now on no answer to this person shows these. It is on disk when this returns, and no process remembers
        what was hidden before: `waits` is how many seconds one still might."""
        packed = _packed(secrets)
        try:
            mark = self._sealer.mac("gateway-echo", f"{' '.join(_place(who))}:".encode() + packed).hex()[:_MARK]
            async with self._database.write() as connection:
                sealed = base64.b64encode(await self._sealer.seal(connection, _binding(who), packed)).decode()
                await self._sessions.keep_echo(connection, who.id, mark, sealed, most=_MOST_KEPT)
        finally:
            wipe(packed)
        self._seen.pop(_place(who), None)
        if waits > 0:
            await asyncio.sleep(waits)

    async def sealed(self, who: GatewaySession) -> tuple[str, ...]:
        """All that is hidden from this person by now: at most a second old, and new while a page may be sending one."""
        place = _place(who)
        known = self._seen.get(place)
        if known is not None and time.monotonic() - known[1] < FRESH_SECONDS:
            return known[0]
        began = time.monotonic()
        async with self._database.read() as connection:
            kept, is_filling = await self._sessions.echoes_of(connection, who)
        kept = kept[-_MOST_KEPT:]
        if not is_filling:
            if len(self._seen) >= _MOST_REMEMBERED:
                self._seen.clear()
            self._seen[place] = (kept, began)
        return kept

    async def opened(self, who: GatewaySession, sealed: Sequence[str]) -> list[bytearray]:
        """All of them in the clear; the caller wipes them."""
        secrets: list[bytearray] = []
        async with self._database.read() as connection:
            for kept in sealed:
                envelope = base64.b64decode(kept.partition(".")[2])
                with await self._sealer.open(connection, _binding(who), envelope) as plain:
                    secrets += _unpacked(plain)
        return secrets


def _place(who: GatewaySession) -> tuple[str, str]:
    return who.session.user.id, who.system_id


def _binding(who: GatewaySession) -> Binding:
    return Binding(f"user:{who.session.user.id}", who.system_id, "echoes", 1, "echo/3")


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
