"""What comes back must not show what was put in: the scrubbers of the people who have secrets at a system.

Every answer to them goes through one, also an answer that was asked for before the secret was put in. The secrets are
in this process in the clear while answers are scrubbed, and for a minute after the last.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from connectors.gateway.answers.scrub import Scrubber, Stream, further_charset
from connectors.gateway.session.secrets import VisitSecrets
from connectors.gateway.session.sessions import GatewaySession
from core.offload import INLINE_BYTES, off_loop
from vault.keys.suites import wipe

_KEPT_SECONDS = 60.0
_MOST_KEPT = 200
# Making one takes its time: it is not done on the loop.
_MUCH = INLINE_BYTES + 1


class Echoes:
    def __init__(self, secrets: VisitSecrets) -> None:
        self._secrets = secrets
        self._scrubbers: dict[tuple[tuple[str, ...], str], tuple[asyncio.Task[Scrubber], float]] = {}

    async def scrubber(self, who: GatewaySession, charset: str | None = None) -> Scrubber | None:
        """What takes the secrets out of what has come by now of an answer in that charset; None where there are none.
        The same for the same secrets."""
        sealed = await self._secrets.sealed(who)
        if not sealed:
            return None
        self._forget_idle()
        key = (sealed, further_charset(charset))
        known = self._scrubbers.pop(key, None)
        making = known[0] if known is not None else asyncio.create_task(self._made(who, *key))
        self._scrubbers[key] = (making, time.monotonic())
        try:
            return await asyncio.shield(making)
        except Exception:
            self._scrubbers.pop(key, None)
            raise

    async def hide(self, who: GatewaySession) -> bool:
        """Whether there is something to hide from that person."""
        return bool(await self._secrets.sealed(who))

    def close(self) -> None:
        for key in list(self._scrubbers):
            self._forget(key)

    async def _made(self, who: GatewaySession, sealed: tuple[str, ...], charset: str) -> Scrubber:
        secrets = await self._secrets.opened(who, sealed)
        try:
            return await off_loop(_MUCH, Scrubber, secrets, [charset] if charset else [])
        finally:
            for secret in secrets:
                wipe(secret)

    def _forget_idle(self) -> None:
        """The least used first: a page may ask for answers in many charsets."""
        old = time.monotonic() - _KEPT_SECONDS
        idle = [key for key, (_, used) in self._scrubbers.items() if used < old]
        for key in idle or list(self._scrubbers)[: len(self._scrubbers) - _MOST_KEPT + 1]:
            self._forget(key)

    def _forget(self, key: tuple[tuple[str, ...], str]) -> None:
        making, _ = self._scrubbers.pop(key)
        if making.done() and not making.cancelled() and making.exception() is None:
            making.result().wipe()
        else:
            making.cancel()


class EchoStream:
    """An answer that comes in pieces, each freed of what is hidden by then. `look` gives the scrubber of the moment."""

    def __init__(self, look: Callable[[], Awaitable[Scrubber | None]]) -> None:
        self._look = look
        self._scrubber: Scrubber | None = None
        self._stream: Stream | None = None

    async def feed(self, piece: bytes) -> bytes:
        piece = await self._turned() + piece
        return await off_loop(len(piece), self._stream.feed, piece) if self._stream is not None else piece

    async def finish(self) -> bytes:
        return self._stream.finish() if self._stream is not None else b""

    async def _turned(self) -> bytes:
        """Where another scrubber has come, what the last one held back."""
        scrubber = await self._look()
        if scrubber is self._scrubber or scrubber is None:
            return b""
        held = self._stream.finish() if self._stream is not None else b""
        self._scrubber, self._stream = scrubber, scrubber.stream()
        return held
