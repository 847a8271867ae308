"""The kinds of process that a role runs, and where each listens."""

import socket
from collections.abc import Callable

from core.settings import Settings
from web.app import ProcessKind, YimenApp
from web.processes.connections import Limits, most_connections
from web.processes.leash import Leash
from web.processes.listening import listen
from web.processes.server import Serving, serve
from web.processes.supervisor import Kind
from web.processes.tls import certificate_of

# Of the grace time: to close what is open when the requests under way are over or given up.
_CLOSING_SECONDS = 2


def kinds_of(settings: Settings) -> list[Kind]:
    """Raises ERR-LISTEN. A worker listens only where it runs alone, for the probes of what runs it; else its heartbeat
    is enough."""
    role, host = settings.role, settings.host
    if role == "worker":
        return [_kind(settings, "worker", 1, listen(host, settings.port))]
    kinds = []
    if role in ("all", "identity"):
        kinds.append(_kind(settings, "identity", settings.workers, listen(host, settings.port)))
    if role in ("all", "gateway"):
        gateway = listen(host, settings.effective_gateway_port)
        kinds.append(_kind(settings, "gateway", settings.gateway_processes, gateway))
    if role == "all":
        kinds.append(_kind(settings, "worker", 1, None))
    return kinds


def _kind(settings: Settings, kind: ProcessKind, count: int, listener: socket.socket | None) -> Kind:
    return Kind(kind, count, _running(settings, kind, listener), listener)


def _running(settings: Settings, kind: ProcessKind, listener: socket.socket | None) -> Callable[[Leash], None]:
    def run(leash: Leash) -> None:
        limits = Limits(settings.connections_per_address, most_connections(), settings.trusted_proxies)
        grace = max(settings.grace_seconds - _CLOSING_SECONDS, 1)
        balancers = settings.trusted_proxies if settings.proxy_protocol else ()
        serving = Serving(limits, grace, certificate_of(settings, kind), balancers)
        serve(YimenApp(settings, kind), listener, serving, leash)

    return run
