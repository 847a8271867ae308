"""Connections to the systems: guarded, checked, kept for the next request of the same person, and bounded."""

import asyncio
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from connectors.errors import ConnectorError
from connectors.gateway.wire.connection import Connection
from connectors.origin import ExactOrigin
from core.outbound import Outbound
from core.trust import Check, Trust, public_trust

_CONNECT_SECONDS = 10.0
_IDLE_SECONDS = 15.0
# A server may hang up on an idle connection at any moment; a request that is not sent twice takes no such risk.
_FRESH_SECONDS = 1.0
_IDLE_CONNECTIONS = 500
# No person may take a system from all others, and no slow system the gateway from all others. Sockets and event
# streams last as long as their page is open, so there must be room for many.
_PER_PERSON, _PER_SYSTEM, _TOGETHER = 64, 500, 2000


@dataclass(frozen=True)
class Destination:
    """`person` keeps one person's connections from another's: some systems (NTLM) sign the connection in."""

    origin: ExactOrigin
    trust: Trust = field(default_factory=public_trust)
    person: str = ""


class Pool:
    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self._idle: dict[Destination, deque[tuple[float, Connection]]] = {}
        self._idle_count = 0
        # A semaphore lives as long as somebody holds it or waits for it.
        self._slots: WeakValueDictionary[object, asyncio.Semaphore] = WeakValueDictionary()
        self._together = asyncio.Semaphore(_TOGETHER)
        self._lookups: dict[tuple[str, int], asyncio.Task[list[str]]] = {}
        self._sweep: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def slot(self, destination: Destination) -> AsyncIterator[None]:
        """The right to one connection. Raises ERR-UPSTREAM_BUSY when none becomes free in time."""
        bounds = [
            self._slots.setdefault(destination, asyncio.Semaphore(_PER_PERSON)),
            self._slots.setdefault(destination.origin, asyncio.Semaphore(_PER_SYSTEM)),
            self._together,
        ]
        if not destination.person:
            del bounds[0]
        async with AsyncExitStack() as held:
            try:
                waits = any(bound.locked() for bound in bounds)
                async with asyncio.timeout(_CONNECT_SECONDS if waits else None):
                    for bound in bounds:
                        await held.enter_async_context(bound)
            except TimeoutError:
                busy = f"{destination.origin}: too many at once"
                raise ConnectorError("ERR-UPSTREAM_BUSY", busy, status=503, retry_after=1) from None
            yield

    def take(self, destination: Destination, *, repeatable: bool) -> Connection | None:
        """One that was kept, when there is one that is still good for this request."""
        kept = self._idle.get(destination)
        oldest = time.monotonic() - (_IDLE_SECONDS if repeatable else _FRESH_SECONDS)
        while kept:
            since, connection = kept.pop()
            self._idle_count -= 1
            if since >= oldest and connection.is_idle and not connection.is_lost:
                return connection
            connection.close()
        return None

    async def dial(self, destination: Destination) -> Connection:
        """A new one. Raises OSError, TimeoutError, OutboundError, or ssl.SSLError for a certificate not believed."""
        async with asyncio.timeout(_CONNECT_SECONDS):
            addresses = await self._addresses(destination.origin)
            if destination.origin.scheme == "http":
                return await self._connect(addresses, destination.origin, None)
            return await self._connect_securely(addresses, destination)

    def keep(self, destination: Destination, connection: Connection) -> None:
        if not connection.is_idle or connection.is_lost or self._idle_count >= _IDLE_CONNECTIONS:
            connection.close()
            return
        self._idle.setdefault(destination, deque()).append((time.monotonic(), connection))
        self._idle_count += 1
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(_IDLE_SECONDS, self._close_old)

    def close(self) -> None:
        if self._sweep is not None:
            self._sweep.cancel()
        for kept in self._idle.values():
            for _, connection in kept:
                connection.close()
        self._idle.clear()

    async def _addresses(self, origin: ExactOrigin) -> list[str]:
        """One look-up at a time for a name: names that take long must not take every thread that looks names up."""
        key = (origin.host, origin.port)
        if key not in self._lookups:
            task = asyncio.create_task(self._outbound.addresses(*key))
            task.add_done_callback(lambda done: self._forget_lookup(key, done))
            self._lookups[key] = task
        return await asyncio.shield(self._lookups[key])

    def _forget_lookup(self, key: tuple[str, int], done: asyncio.Task[list[str]]) -> None:
        del self._lookups[key]
        if not done.cancelled():
            # Whoever waited for it has it; when all have given up, nobody asks.
            done.exception()

    async def _connect_securely(self, addresses: list[str], destination: Destination) -> Connection:
        refused: ssl.SSLError | None = None
        for check in destination.trust.checks:
            try:
                connection = await self._connect(addresses, destination.origin, check)
            except ssl.SSLCertVerificationError as error:
                refused = refused or error
                continue
            if check.accepts(connection.certificate):
                return connection
            connection.close()
        raise refused or ssl.SSLCertVerificationError("the certificate is not the one that was named")

    async def _connect(self, addresses: list[str], origin: ExactOrigin, check: Check | None) -> Connection:
        failed: OSError = ConnectionRefusedError(f"{origin.host} has no address")
        for address in addresses:
            try:
                async with asyncio.timeout(_CONNECT_SECONDS / len(addresses)):
                    _, connection = await asyncio.get_running_loop().create_connection(
                        Connection,
                        address,
                        origin.port,
                        ssl=check.context if check is not None else None,
                        server_hostname=origin.host if check is not None else None,
                    )
            except ssl.SSLError:
                raise
            except OSError as error:
                failed = error
            else:
                return connection
        raise failed

    def _close_old(self) -> None:
        self._sweep = None
        oldest = time.monotonic() - _IDLE_SECONDS
        for destination, kept in list(self._idle.items()):
            while kept and (kept[0][0] < oldest or not kept[0][1].is_idle):
                kept.popleft()[1].close()
                self._idle_count -= 1
            if not kept:
                del self._idle[destination]
        if self._idle:
            self._sweep = asyncio.get_running_loop().call_later(_IDLE_SECONDS, self._close_old)
