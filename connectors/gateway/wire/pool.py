"""Connections to the systems: guarded, checked, kept for the next request of the same person, and bounded."""

import asyncio
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

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
# One slow system must not take the connections of all others.
_PER_SYSTEM, _TOGETHER = 128, 1000


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
        self._slots: dict[ExactOrigin, asyncio.Semaphore] = {}
        self._together = asyncio.Semaphore(_TOGETHER)
        self._sweep: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def slot(self, origin: ExactOrigin) -> AsyncIterator[None]:
        """The right to one connection. Raises ERR-UPSTREAM_BUSY when none becomes free in time."""
        own = self._slots.setdefault(origin, asyncio.Semaphore(_PER_SYSTEM))
        try:
            async with asyncio.timeout(_CONNECT_SECONDS if own.locked() else None):
                await own.acquire()
        except TimeoutError:
            raise ConnectorError("ERR-UPSTREAM_BUSY", f"{origin}: too many at once", status=503) from None
        try:
            async with self._together:
                yield
        finally:
            own.release()

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
            addresses = await self._outbound.addresses(destination.origin.host, destination.origin.port)
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
