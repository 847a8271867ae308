"""Listening sockets, opened once by the supervisor, so that no connection is lost while a process is replaced."""

import errno
import socket
import time

from core.errors import ConfigurationError

BACKLOG = 2048
_TRIES = 10
_PAUSE_SECONDS = 0.3


def listen(host: str, port: int) -> socket.socket:
    """Raises ERR-LISTEN when the address is not ours or is taken, and stays so: the processes of a supervisor that was
    killed leave it a moment after."""
    for tries_left in reversed(range(_TRIES)):
        try:
            return _listen_once(host, port)
        except OSError as error:
            if tries_left == 0 or error.errno != errno.EADDRINUSE:
                place = f"{host}:{port}"
                raise ConfigurationError("ERR-LISTEN", f"cannot listen on {place}: {error.strerror or error}") from None
        time.sleep(_PAUSE_SECONDS)
    raise AssertionError("the last try returns or raises")


def _listen_once(host: str, port: int) -> socket.socket:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
