"""A TCP load balancer before the processes: https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt"""

import asyncio
import contextlib
import json
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.stories.conftest import free_port
from tests.web.processes.conftest import Served, open_served, read_answer
from tests.web.processes.test_serving import own_certificate
from web.processes.proxy_protocol import Client, ProxyHeaderError, read_proxy_header

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
BALANCER, ELSEWHERE = "127.0.0.2", "127.0.0.3"


def version_1(source: str, port: int = 50001) -> bytes:
    family = "TCP6" if ":" in source else "TCP4"
    return f"PROXY {family} {source} {source} {port} 443\r\n".encode()


def version_2(source: str, port: int = 50001, *, command: int = 0x21, extra: bytes = b"") -> bytes:
    packed = ip_address(source).packed
    told = packed + packed + struct.pack("!HH", port, 443) + extra
    family = 0x11 if len(packed) == 4 else 0x21
    return SIGNATURE + struct.pack("!BBH", command, family, len(told)) + told


def read(sent: bytes, left: bytes = b"") -> Client | None:
    """What is read of `sent`; `left` is what must still be there after it."""

    async def run() -> Client | None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            theirs.sendall(sent + left)
            theirs.shutdown(socket.SHUT_WR)
            client = await read_proxy_header(ours)
            assert ours.recv(1024) == left
            return client

    return asyncio.run(run())


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)), st.integers(0, 65535), st.binary(max_size=200))
def test_the_client_is_read_and_nothing_after_it(address: IPv4Address | IPv6Address, port: int, after: bytes) -> None:
    for write in (version_1, version_2):
        assert read(write(str(address), port), after) == (str(address), port)


@pytest.mark.parametrize(
    "header",
    [
        b"PROXY UNKNOWN\r\n",
        b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n",
        version_2("10.1.1.1", command=0x20),
        SIGNATURE + b"\x20\x00\x00\x00",
        SIGNATURE + b"\x21\x00\x00\x00",
    ],
)
def test_a_balancer_may_speak_for_itself(header: bytes) -> None:
    assert read(header, b"GET / HTTP/1.1\r\n") is None


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"PROXY TCP4 10.1.1.1\r\n",
        b"PROXY TCP4 10.1.1.256 10.1.1.1 1 2\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::8 1 2\r\n",
        b"PROXY TCP9 10.1.1.1 10.1.1.1 1 2\r\n",
        b"PROXY TCP4 " + b"1" * 200,
        SIGNATURE + b"\x31\x11\x00\x0c" + bytes(12),
        SIGNATURE + b"\x21\x11\x00\x04" + bytes(4),
        SIGNATURE + b"\x21\x11\xff\xff" + bytes(65535),
    ],
)
def test_what_is_no_header_is_refused(sent: bytes) -> None:
    with pytest.raises(ProxyHeaderError):
        read(sent)


@given(st.binary(max_size=300))
def test_nothing_that_a_balancer_sends_raises_anything_else(sent: bytes) -> None:
    for begin in (b"", b"PROXY ", b"PROXY TCP4 ", SIGNATURE, SIGNATURE + b"\x21\x11"):
        with contextlib.suppress(ProxyHeaderError, OSError, AssertionError):
            read(begin + sent)


@pytest.mark.parametrize("with_tls", [False, True])
async def test_both_processes_believe_a_trusted_balancer_alone(
    tmp_path: Path, database_url: str, with_tls: bool
) -> None:
    port, log = free_port(), tmp_path / "log"
    settings = {
        "trusted_proxies": BALANCER + "/32",
        "proxy_protocol": "true",
        "log_level": "INFO",
        "database_url": database_url,
    }
    tls = None
    if with_tls:
        certificate, key = own_certificate(tmp_path)
        tls = ssl.create_default_context(cafile=str(certificate))
        tls.check_hostname = False
        settings |= {"issuer": f"https://localhost:{port}", "tls_cert": str(certificate), "tls_key": str(key)}
    async with open_served(tmp_path / "data", port, settings, tls=tls, log=log) as served:
        for at in (served.port, served.gateway_port):
            ask = _asking(served, at, tls)
            assert await ask("first", version_1("10.1.1.1"), BALANCER) == 421
            assert await ask("second", version_2("2001:db8::7", extra=b"\x04\x00\x01x"), BALANCER) == 421
            assert await ask("third", b"PROXY UNKNOWN\r\n", BALANCER) == 421
            assert await ask("fourth", b"", ELSEWHERE) == 421
            assert await ask("fifth", b"", BALANCER) == 0
            assert await ask("sixth", version_1("10.1.1.1"), ELSEWHERE) in (0, 400)
    requests = [line for line in map(json.loads, log.read_text().splitlines()) if line.get("event") == "request"]
    told = [(line["path"], line["address"]) for line in requests if line["path"] != "/readyz"]
    once = [("/first", "10.1.1.1"), ("/second", "2001:db8::7"), ("/third", BALANCER), ("/fourth", ELSEWHERE)]
    assert told == once * 2


def _asking(served: Served, at: int, tls: ssl.SSLContext | None) -> Callable[[str, bytes, str], Awaitable[int]]:
    """Asks a host that nobody has for a path, behind a header, from an address of this machine; gives the status."""

    async def ask(path: str, header: bytes, source: str) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", at, local_addr=(source, 0))
        try:
            writer.write(header)
            if tls is not None:
                await writer.start_tls(tls)
            writer.write(f"GET /{path} HTTP/1.1\r\nHost: elsewhere\r\nConnection: close\r\n\r\n".encode())
            return (await read_answer(reader)).status
        except OSError:
            return 0
        finally:
            writer.transport.abort()

    return ask
