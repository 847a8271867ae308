"""Statuses of systems that no standard knows (RFC 9110 §15: any of three digits may come, and browsers show them)."""

from uvicorn.protocols.http import httptools_impl

_UNKNOWN = range(600, 1000)


def serve_every_status() -> None:
    """The server keeps a status line for each status it can send, and breaks the connection for any other."""
    for status in _UNKNOWN:
        httptools_impl.STATUS_LINE.setdefault(status, b"HTTP/1.1 %d \r\n" % status)
