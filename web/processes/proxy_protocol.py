"""The header of the PROXY protocol, versions 1 and 2, by which a TCP load balancer says whose connection it passes on.

https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt. The header comes before anything else, also before TLS. It
is read to its last byte and not further.
"""

import asyncio
import socket
import struct
from ipaddress import IPv4Address, IPv6Address

Client = tuple[str, int]

_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
_MOST_OF_A_LINE = 107
# Addresses and what a load balancer adds to them; AWS adds some ten bytes, a certificate's name some hundred.
_MOST_OF_VERSION_2 = 4096
_LOCAL, _PROXY = 0x20, 0x21
_TCP4, _TCP6 = 0x11, 0x21


class ProxyHeaderError(Exception):
    """What came is no PROXY header. Says what is wrong with it, never what it holds."""


async def read_proxy_header(accepted: socket.socket) -> Client | None:
    """The client that the load balancer names; None where it speaks for itself, to see whether we live, say.

    Raises ProxyHeaderError, or OSError of the connection.
    """
    begin = await _exactly(accepted, len(_SIGNATURE))
    if begin == _SIGNATURE:
        return await _version_2(accepted)
    if begin.startswith(b"PROXY "):
        return _version_1(await _rest_of_line(accepted, begin))
    raise ProxyHeaderError("a trusted proxy began a connection without a PROXY header")


def _version_1(line: bytes) -> Client | None:
    words = line.decode("latin-1").split(" ")
    if words[1] == "UNKNOWN":
        return None
    try:
        _, family, source, _, port, _ = words
        address = {"TCP4": IPv4Address, "TCP6": IPv6Address}[family](source)
        return str(address), int(port)
    except (ValueError, KeyError):
        raise ProxyHeaderError("a PROXY header of version 1 has not the form of one") from None


async def _version_2(accepted: socket.socket) -> Client | None:
    command, family, length = struct.unpack("!BBH", await _exactly(accepted, 4))
    if length > _MOST_OF_VERSION_2:
        raise ProxyHeaderError("a PROXY header of version 2 is too long")
    told = await _exactly(accepted, length)
    if command == _LOCAL:
        return None
    if command != _PROXY:
        raise ProxyHeaderError("a PROXY header has an unknown version or command")
    try:
        if family == _TCP4:
            source, _, port, _ = struct.unpack_from("!4s4sHH", told)
            return str(IPv4Address(source)), port
        if family == _TCP6:
            source, _, port, _ = struct.unpack_from("!16s16sHH", told)
            return str(IPv6Address(source)), port
    except struct.error:
        raise ProxyHeaderError("a PROXY header of version 2 is too short for its addresses") from None
    return None


async def _rest_of_line(accepted: socket.socket, line: bytes) -> bytes:
    """Byte by byte: what follows the line belongs to TLS or HTTP."""
    while not line.endswith(b"\r\n"):
        if len(line) >= _MOST_OF_A_LINE:
            raise ProxyHeaderError("a PROXY header of version 1 does not end")
        line += await _exactly(accepted, 1)
    return line.removesuffix(b"\r\n")


async def _exactly(accepted: socket.socket, count: int) -> bytes:
    loop = asyncio.get_running_loop()
    read = b""
    while len(read) < count:
        piece = await loop.sock_recv(accepted, count - len(read))
        if not piece:
            raise ConnectionResetError("the connection ended within its PROXY header")
        read += piece
    return read
