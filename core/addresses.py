"""Network addresses: which are private, and who is really calling behind a proxy."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

# A county's callers are few: each asks again and again.
_parsed = lru_cache(maxsize=4096)(ip_address)

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network


def unmapped(address: IpAddress) -> IpAddress:
    """An IPv4-mapped IPv6 address as the IPv4 address it stands for, so that rules see one form."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def is_inside(address: IpAddress, networks: Sequence[IpNetwork]) -> bool:
    plain = unmapped(address)
    return any(plain.version == network.version and plain in network for network in networks)


def client_address(peer: str | None, forwarded_for: str | None, trusted: Sequence[IpNetwork]) -> str:
    """The address of the caller.

    `peer` is the socket's other end; `forwarded_for` the X-Forwarded-For header as received. The header counts
    only from a configured proxy, read from the right up to the first address that is not itself a proxy; a value
    that does not parse is ignored, never an error (CVE-2024-47070).
    """
    try:
        current = _parsed(peer or "")
    except ValueError:
        return "unknown"
    hops = [hop.strip() for hop in (forwarded_for or "").split(",") if hop.strip()]
    while hops and is_inside(current, trusted):
        try:
            current = _parsed(hops.pop())
        except ValueError:
            break
    return str(unmapped(current))
