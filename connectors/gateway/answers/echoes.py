"""What comes back must not show what was put in: the scrubbers of the visits that have secrets.

Every answer of such a visit goes through one, for as long as the visit lives. The secrets are in this process in the
clear while answers are scrubbed, and for a minute after the last.
"""

import time

from connectors.gateway.answers.scrub import Scrubber
from connectors.gateway.session.secrets import VisitSecrets
from connectors.gateway.session.sessions import GatewaySession
from vault.keys.suites import wipe

_KEPT_SECONDS = 60.0


class Echoes:
    def __init__(self, secrets: VisitSecrets) -> None:
        self._secrets = secrets
        self._scrubbers: dict[tuple[tuple[str, ...], str], tuple[Scrubber, float]] = {}

    async def scrubber(self, who: GatewaySession, charset: str | None = None) -> Scrubber | None:
        """What takes the visit's secrets out of an answer in that charset; None where there are none."""
        if not who.sealed_echoes:
            return None
        self._forget_idle()
        key = (who.sealed_echoes, (charset or "").lower())
        known = self._scrubbers.get(key)
        scrubber = known[0] if known is not None else await self._made(who, charset)
        self._scrubbers[key] = (scrubber, time.monotonic())
        return scrubber

    def close(self) -> None:
        for scrubber, _ in self._scrubbers.values():
            scrubber.wipe()
        self._scrubbers.clear()

    async def _made(self, who: GatewaySession, charset: str | None) -> Scrubber:
        secrets = await self._secrets.opened(who)
        try:
            return Scrubber(secrets, [charset] if charset else [])
        finally:
            for secret in secrets:
                wipe(secret)

    def _forget_idle(self) -> None:
        old = time.monotonic() - _KEPT_SECONDS
        for key in [key for key, (_, used) in self._scrubbers.items() if used < old]:
            self._scrubbers.pop(key)[0].wipe()
