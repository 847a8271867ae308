"""The HTTP server of one process: uvicorn on a listening socket of the supervisor's, with bounded connections."""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from core.addresses import IpNetwork, read_address
from core.forwarding import Proxies
from core.logs import Seldom, logger
from core.memory import give_back_memory, keep_one_heap
from web.processes.connections import LONGEST, Connection, Connections, Limits, Phase
from web.processes.http import LINGER_SECONDS, BoundedHttp
from web.processes.leash import Leash
from web.processes.listening import BACKLOG
from web.processes.proxy_protocol import ProxyHeaderError, read_proxy_header
from web.processes.tls import CertificateFiles, FollowedCertificate

_SWEEP_SECONDS = 1.0
_ACCEPT_PAUSE_SECONDS = 0.2
_log = logger("server")


@dataclass(frozen=True)
class Serving:
    """How a process serves. `grace` is what requests under way are given, in seconds. `balancers` begin each of their
    connections with a PROXY header."""

    limits: Limits
    grace: int
    certificate: CertificateFiles | None = None
    balancers: Sequence[IpNetwork] = ()


def serve(app: ASGIApp, listener: socket.socket | None, serving: Serving, leash: Leash) -> None:
    """Runs until SIGTERM. Without a listener only the application's lifespan runs, which is a worker's work."""
    keep_one_heap()
    config = uvicorn.Config(
        app,
        loop="uvloop",
        lifespan="on",
        # Forwarded headers are ours to judge (`core.forwarding`), not the server's.
        proxy_headers=False,
        server_header=False,
        date_header=True,
        access_log=False,
        log_config=None,
        timeout_keep_alive=int(LONGEST[Phase.IDLE]),
        timeout_graceful_shutdown=serving.grace,
    )
    _Server(config, serving, leash).run([listener] if listener is not None else [])


class _Server(uvicorn.Server):
    """Accepts connections itself: a bound that counts only those whose TLS handshake is over is none."""

    def __init__(self, config: uvicorn.Config, serving: Serving, leash: Leash) -> None:
        super().__init__(config)
        self._connections = Connections(serving.limits)
        self._leash = leash
        self._balancers = Proxies(serving.balancers)
        self._certificate = FollowedCertificate(serving.certificate) if serving.certificate is not None else None
        self._complaints = Seldom()
        self._opening: set[asyncio.Task[None]] = set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGTERM ends the server, as uvicorn's does, but is not raised anew at the end: the process ends well."""
        signal.signal(signal.SIGTERM, self.handle_exit)
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            raise SystemExit(1)
        # What was made to start with stays: no later search for garbage looks at it again.
        gc.collect()
        gc.freeze()
        give_back_memory()
        self.servers = []
        for listener in sockets or []:
            listener.setblocking(False)
            self._listen(listener)
        self.started = True

    async def main_loop(self) -> None:
        sweeping = asyncio.get_running_loop().create_task(self._sweep())
        with self._leash.held():
            await super().main_loop()
        sweeping.cancel()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Whoever the system has let in is let in here too: a proxy takes a reset for a request that may have been
        carried out, and does not send it to another server. Nobody else comes once the last process has closed."""
        for listener in sockets or []:
            asyncio.get_running_loop().remove_reader(listener)
            # As many as can wait; more are let in only by who comes faster than this loop.
            for _ in range(BACKLOG):
                if not self._accept(listener):
                    break
            listener.close()
        if self._opening:
            await asyncio.wait(self._opening, timeout=LINGER_SECONDS)
        for task in self._opening:
            task.cancel()
        await super().shutdown()

    def _listen(self, listener: socket.socket) -> None:
        if not self.should_exit:
            asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    def _accept(self, listener: socket.socket) -> bool:
        """Lets one connection in; False where none waits, for another process was quicker."""
        try:
            accepted, peer = listener.accept()
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            # No descriptor or memory is left, or the client went before it was let in.
            _log.warning("a connection was not accepted", error=error.strerror)
            loop = asyncio.get_running_loop()
            loop.remove_reader(listener)
            loop.call_later(_ACCEPT_PAUSE_SECONDS, self._listen, listener)
            return False
        accepted.setblocking(False)
        address = str(peer[0])
        connection = self._connections.admit(address)
        if connection is None:
            accepted.close()
        elif self._is_balancer(address):
            self._begin(self._open_for_another(accepted, connection, address))
        else:
            self._begin(self._open(accepted, connection))
        return True

    def _begin(self, opening: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(opening)
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    def _is_balancer(self, peer: str) -> bool:
        address = read_address(peer)
        return address is not None and self._balancers.are_at(address)

    async def _open_for_another(self, accepted: socket.socket, connection: Connection, peer: str) -> None:
        """Opens it in the place of the client that the balancer names: the bound is of the client's address."""
        connection.drop = asyncio.current_task().cancel  # type: ignore[union-attr,assignment]
        try:
            async with asyncio.timeout(LONGEST[Phase.HEAD]):
                client = await read_proxy_header(accepted)
        except (OSError, ProxyHeaderError) as error:
            self._complain(error)
            accepted.close()
            return
        except asyncio.CancelledError:
            accepted.close()
            raise
        finally:
            self._connections.leave(connection)
        own = self._connections.admit(client[0] if client else peer)
        if own is None:
            accepted.close()
            return
        own.client = client
        await self._open(accepted, own)

    def _complain(self, error: Exception) -> None:
        """Once a minute of what is no header: a balancer that is not set up for it sends one connection after the
        other. That a connection ends or is late is the network's affair."""
        if isinstance(error, ProxyHeaderError) and self._complaints.is_due():
            _log.warning("a connection was closed", error=str(error))

    async def _open(self, accepted: socket.socket, connection: Connection) -> None:
        """Gives the connection its protocol, after the TLS handshake where there is one."""
        loop = asyncio.get_running_loop()
        connection.drop = asyncio.current_task(loop).cancel  # type: ignore[union-attr,assignment]
        protocol = partial(
            BoundedHttp,
            self._connections,
            connection,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        context = self._certificate.context if self._certificate is not None else None
        handshake = LONGEST[Phase.HEAD] if context is not None else None
        try:
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.connect_accepted_socket(protocol, accepted, ssl=context, ssl_handshake_timeout=handshake)
        except OSError:  # of the network, of TLS, or late: the client's affair
            self._connections.leave(connection)
            accepted.close()
        except asyncio.CancelledError:
            self._connections.leave(connection)
            accepted.close()
            raise

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            self._connections.sweep()
            if self._certificate is not None:
                self._certificate.follow()
