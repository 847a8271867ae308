"""Who is calling, where proxies stand between: X-Forwarded-For, and Forwarded (RFC 7239).

What enters: the other end of the connection, and the header fields as received. What leaves: an address and, where the
proxies' word could not be read, why not. What is promised: a field counts only from a trusted proxy; it is read from
the right up to the first address that is no trusted proxy, so nothing that a caller puts in front of it counts; and an
address that cannot be read is `UNKNOWN`, never that of a proxy, which would be everybody's.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from core.addresses import IpAddress, IpNetwork, is_inside, read_address

UNKNOWN = "unknown"

# Which field the trusted proxies write; the other one then comes from the caller. `either`: X-Forwarded-For, or
# Forwarded where there is none.
ForwardedField = Literal["either", "x-forwarded-for", "forwarded"]
# `unreadable`: what a proxy wrote is no address. `missing`: a proxy wrote nothing.
Fault = Literal["unreadable", "missing"]


@dataclass(frozen=True)
class CallerAddress:
    """`text` is for records. `unread` is what could not be read."""

    text: str
    fault: Fault | None = None
    unread: str = ""


class Proxies:
    """The trusted proxies, and what they say."""

    def __init__(self, trusted: Sequence[IpNetwork], field: ForwardedField = "either") -> None:
        self._trusted = trusted
        self._field = field
        # A county's callers are few: each asks again and again.
        self._direct = lru_cache(maxsize=4096)(self._read_direct)

    def are_at(self, address: IpAddress) -> bool:
        return is_inside(address, self._trusted)

    def caller(self, peer: str | None, headers: Iterable[tuple[bytes, bytes]]) -> CallerAddress:
        """`peer` is the connection's other end, None for a local socket; the names in `headers` are in lower case."""
        found = self._direct(peer or "")
        return found if isinstance(found, CallerAddress) else self._behind(found, headers)

    def _read_direct(self, peer: str) -> CallerAddress | IpAddress:
        """The caller that is at the other end itself; the address of a trusted proxy."""
        address = read_address(peer)
        if address is None:
            return CallerAddress(UNKNOWN)
        return address if self.are_at(address) else CallerAddress(str(address))

    def _behind(self, proxy: IpAddress, headers: Iterable[tuple[bytes, bytes]]) -> CallerAddress:
        nearest = proxy
        hops = list(self._hops(headers))
        for hop in hops:
            address = read_address(hop)
            if address is None:
                return CallerAddress(UNKNOWN, "unreadable", hop)
            nearest = address
            if not self.are_at(address):
                break
        return CallerAddress(str(nearest), None if hops else "missing")

    def _hops(self, headers: Iterable[tuple[bytes, bytes]]) -> Iterator[str]:
        """What the proxies wrote, the nearest first. A field that comes in several lines is one list, in their order
        (RFC 9110 §5.3)."""
        lines: dict[str, list[str]] = {"x-forwarded-for": [], "forwarded": []}
        for name, value in headers:
            if (own := lines.get(name.decode("latin-1"))) is not None:
                own.append(value.decode("latin-1"))
        for_field, forwarded = (",".join(each) for each in lines.values())
        if self._field != "forwarded" and for_field:
            yield from filter(None, (hop.strip() for hop in reversed(for_field.split(","))))
        elif self._field != "x-forwarded-for" and forwarded:
            yield from (_said_for(element) for element in _from_the_right(forwarded, ",") if element.strip())


def _said_for(element: str) -> str:
    """The `for` of one element of Forwarded, without quotes; the element itself where it has not exactly one."""
    pairs = [pair.partition("=") for pair in _from_the_right(element, ";")]
    said = [value.strip() for name, _, value in pairs if name.strip().lower() == "for"]
    if len(said) != 1:
        return element
    return said[0][1:-1] if len(said[0]) > 1 and said[0][0] == said[0][-1] == '"' else said[0]


def _from_the_right(text: str, separator: str) -> Iterator[str]:
    """The parts of a list, the last one first. A separator within quotes is none (RFC 9110 §5.6.4). From the right,
    for an open quotation of a caller's must not swallow what a proxy wrote behind it."""
    end, is_quoted = len(text), False
    for place in range(len(text) - 1, -1, -1):
        character = text[place]
        if character == '"':
            is_within = is_quoted and text[place - 1 : place] == "\\"  # an escaped one
            is_quoted = is_within or not is_quoted
        elif character == separator and not is_quoted:
            yield text[place + 1 : end]
            end = place
    yield text[:end]
