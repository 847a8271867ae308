"""Bytes straight onto the gateway's socket, for requests that no client library would send."""

import asyncio
from urllib.parse import urlsplit

from tests.connectors.gateway.browser import Browser


async def exchange(browser: Browser, request_line: bytes, rest: bytes, body: bytes = b"") -> tuple[int, bytes]:
    """Status (0 when the gateway just hangs up) and everything that came back. `rest` is further header lines."""
    parts = urlsplit(browser.gateway)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    cookies = "; ".join(f"{name}={value}" for name, value in browser.jar["oa"].items())
    head = f"\r\nHost: {browser.authority('oa')}\r\nCookie: {cookies}\r\nConnection: close\r\n".encode()
    writer.write(request_line + head + rest + b"\r\n" + body)
    try:
        answer = await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        answer = b""
    finally:
        writer.close()
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else 0, answer
