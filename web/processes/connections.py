"""The connections of one process: how many there may be, and how long each may keep us waiting.

A connection that waits for its client costs the client nothing, so it is the first to go. Where the process or an
address has too many, the one is closed whose client has kept us waiting longest, and the new one is let in: whoever
opens thousands closes his own. Only where every connection of an address is being answered is a new one turned away.
"""

import resource
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv4Network, ip_address, ip_network
from itertools import islice

from core.addresses import IpNetwork, is_inside, unmapped

# File descriptors for the database, upstream connections and files.
_DESCRIPTORS_KEPT = 256
_MOST_CONNECTIONS = 4096


class Phase(IntEnum):
    """What a connection waits for: its client, but for the last."""

    IDLE = 0  # a request
    HEAD = 1  # the rest of a request's header, or of the TLS handshake
    UNREAD = 2  # the client to read what was written
    BODY = 3  # the rest of a request's body
    ANSWER = 4  # us


# Seconds in a phase until the connection is closed. A body begins its time again with every stretch that has come.
LONGEST = {Phase.IDLE: 30.0, Phase.HEAD: 10.0, Phase.UNREAD: 120.0, Phase.BODY: 30.0}


class Connection:
    """One connection, in its phase since an instant. `late` is called when its time is over, `drop` to make room.
    `client` is whose it is, where that is another than the socket's other end."""

    __slots__ = ("address", "client", "drop", "late", "phase", "since")

    def __init__(self, address: str) -> None:
        self.address = address
        self.phase = Phase.HEAD
        self.since = 0.0
        self.client: tuple[str, int] | None = None
        self.drop: Callable[[], None] = _nothing
        self.late: Callable[[], None] = _nothing


@dataclass(frozen=True)
class Limits:
    """`trusted` are the proxies, whose connections carry many people's requests."""

    per_address: int
    in_all: int
    trusted: Sequence[IpNetwork] = ()


class Connections:
    def __init__(self, limits: Limits, now: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._now = now
        # By phase, in the order in which they entered it.
        self._waiting: dict[Phase, dict[Connection, None]] = {phase: {} for phase in Phase}
        self._by_address: dict[str, dict[Connection, None]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def admit(self, peer: str) -> Connection | None:
        """A place for a new connection, or None when there is none."""
        address = self._bounded(peer)
        own = self._by_address.get(address, {})
        if address and len(own) >= self._limits.per_address and not self._drop_one(own):
            return None
        if self._count >= self._limits.in_all and not self._drop_one(self._first_of_each_phase()):
            return None
        connection = Connection(address)
        connection.since = self._now()
        self._waiting[connection.phase][connection] = None
        self._by_address.setdefault(address, {})[connection] = None
        self._count += 1
        return connection

    def enter(self, connection: Connection, phase: Phase) -> None:
        """The connection is in this phase from now on; also anew, where it is in it already."""
        if self._waiting[connection.phase].pop(connection, _ABSENT) is _ABSENT:
            return  # it has left
        connection.phase, connection.since = phase, self._now()
        self._waiting[phase][connection] = None

    def leave(self, connection: Connection) -> None:
        if self._waiting[connection.phase].pop(connection, _ABSENT) is _ABSENT:
            return
        own = self._by_address[connection.address]
        del own[connection]
        if not own:
            del self._by_address[connection.address]
        self._count -= 1

    def sweep(self) -> None:
        """Tells each whose time is over. Oldest first, so the rest of a phase is not looked at."""
        now = self._now()
        for phase, longest in LONGEST.items():
            late = []
            for connection in self._waiting[phase]:
                if now - connection.since < longest:
                    break
                late.append(connection)
            for connection in late:
                connection.late()

    def _drop_one(self, among: Iterable[Connection]) -> bool:
        """Whatever the client owes us: a slow body must not outlive the connections of those who come after it."""
        waiting = (each for each in among if each.phase is not Phase.ANSWER)
        longest = min(waiting, key=lambda each: each.since, default=None)
        if longest is None:
            return False
        self.leave(longest)
        longest.drop()
        return True

    def _first_of_each_phase(self) -> Iterator[Connection]:
        for waiting in self._waiting.values():
            yield from islice(waiting, 1)

    def _bounded(self, peer: str) -> str:
        """The address that is counted: of IPv6 the network of one customer; none for a proxy or a local socket."""
        try:
            address = unmapped(ip_address(peer.partition("%")[0]))
        except ValueError:
            return ""
        if is_inside(address, self._limits.trusted):
            return ""
        if isinstance(address, IPv4Address):
            return str(IPv4Network(address))
        return str(ip_network(f"{address}/64", strict=False))


def most_connections() -> int:
    """How many a process may hold. Its limit of open files is raised first, as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard == resource.RLIM_INFINITY:
        return _MOST_CONNECTIONS
    # A connection of the gateway has one of its own behind it.
    return max(min((hard - _DESCRIPTORS_KEPT) // 2, _MOST_CONNECTIONS), 64)


def _nothing() -> None:
    """Before the connection has a protocol there is nothing to close."""


_ABSENT = object()
