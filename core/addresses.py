"""Network addresses, as programs write them."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network

_DIGITS_OF_A_PORT = 5
# The longest that an address, in brackets and with a port, can be; a zone is no longer than the name of an interface.
_MOST_CHARACTERS = 80
# A county's callers are few: each asks again and again.
_parsed = lru_cache(maxsize=4096)(ip_address)


def unmapped(address: IpAddress) -> IpAddress:
    """An IPv4-mapped IPv6 address as the IPv4 address it stands for, so that rules see one form."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def is_inside(address: IpAddress, networks: Sequence[IpNetwork]) -> bool:
    plain = unmapped(address)
    return any(plain.version == network.version and plain in network for network in networks)


def read_address(text: str) -> IpAddress | None:
    """The address in `192.0.2.1`, `192.0.2.1:50001`, `2001:db8::7`, `[2001:db8::7]:4433` or `fe80::1%eth0`; None where
    it is none of these."""
    written = text.strip()
    if len(written) > _MOST_CHARACTERS:
        return None
    if written.startswith("["):
        written, bracket, after = written[1:].partition("]")
        if not bracket or not (after == "" or _is_port(after)):
            return None
    elif written.count(":") == 1:
        written, colon, port = written.partition(":")
        if not _is_port(colon + port):
            return None
    try:
        return unmapped(_parsed(written.partition("%")[0]))
    except ValueError:
        return None


def _is_port(text: str) -> bool:
    """RFC 7239 §6: digits, or a name that hides them."""
    port = text.removeprefix(":")
    is_number = port.isascii() and port.isdecimal() and len(port) <= _DIGITS_OF_A_PORT
    return port != text and (is_number or (port.startswith("_") and len(port) > 1))
