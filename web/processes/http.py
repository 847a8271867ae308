"""uvicorn's HTTP protocol, on a connection that is bounded.

What uvicorn and httptools leave open: no time for a header to come, none for a first request, no bound on a header's
size, trailer fields that are added to the header of a request under way, and a target that names another host than the
Host field does.
"""

from functools import partial
from typing import Any, Literal

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from web.processes.connections import Connection, Connections, Phase

# Of bytes that have become neither a whole header nor a piece of a body. Browsers keep cookies far below, unless a page
# of a sister host fills them on purpose: a browser holds 180 cookies of 4 KiB for a domain, and sends them all.
_MOST_UNFINISHED = 64 * 1024
# A browser reads no answer before it has sent its whole header.
_MOST_PASSED_OVER = 2 * 1024 * 1024
_TOO_LARGE = (
    b'clear-site-data: "cookies"\r\ncontent-type: text/plain; charset=utf-8\r\n',
    b"ERR-COOKIES: this site's cookies were too large and have been cleared; open the page again\n",
)
# A body must bring as much in each stretch of its time: about 270 bytes a second, less than the worst line.
_LEAST_OF_A_BODY = 8 * 1024
# What is on its way to a process that ends has so long to arrive.
LINGER_SECONDS = 1.0


class BoundedHttp(HttpToolsProtocol):
    def __init__(
        self,
        connections: Connections,
        connection: Connection,
        *,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
    ) -> None:
        super().__init__(config, server_state, app_state)
        self._connections = connections
        self._connection = connection
        self._part: Literal["none", "head", "body"] = "none"
        self._unfinished = 0
        self._body_bytes = 0
        self._begun = False
        self._passed_over: int | None = None
        self._ends = False
        self.ws_protocol_class = partial(_BoundedWebSocket, connections, connection)  # type: ignore[assignment]

    # The connection

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.client = self._connection.client or self.client
        self._connection.drop, self._connection.late = transport.abort, self._too_late
        self._connections.enter(self._connection, Phase.IDLE)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.leave(self._connection)
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """As uvicorn's, but a request that is on its way is answered too: whoever sent it on a connection that is then
        reset does not know whether it was carried out."""
        self._ends = True
        if self._is_free():
            self.loop.call_later(LINGER_SECONDS, self._end)
        else:
            self.cycle.keep_alive = False

    def _end(self) -> None:
        if self._is_free():
            self.transport.close()

    def _is_free(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def handle_websocket_upgrade(self) -> None:
        self._connections.enter(self._connection, Phase.ANSWER)
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        if self._passed_over is not None:
            self._pass_over(len(data))
            return
        self._unfinished += len(data)
        super().data_received(data)
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            return
        if self._unfinished > _MOST_UNFINISHED:
            self._refuse(431)  # RFC 6585 §5
            return
        self._settle()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._settle()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._settle()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._settle()

    # The request, as the parser reads it

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._part, self._begun = "head", True

    def on_header(self, name: bytes, value: bytes) -> None:
        # A trailer field is no header field (RFC 9110 §6.5.1): it comes when the header was judged already.
        if self._part == "head":
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._part, self._unfinished, self._body_bytes = "body", 0, 0
        if not self.url.startswith(b"/"):
            self._name_the_targets_host()
        super().on_headers_complete()
        if self._ends and self.cycle is not None:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        self._unfinished = 0
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._part, self._unfinished = "none", 0
        super().on_message_complete()

    def _name_the_targets_host(self) -> None:
        """The host in an absolute target counts, not the Host field (RFC 9112 §3.2.2). Both must be the same, so where
        they are not, the request goes on with two and is refused as one that has two."""
        target = httptools.parse_url(self.url)
        authority = target.host or b""
        if target.port is not None:
            authority += b":%d" % target.port
        if authority.lower() not in {value.lower() for name, value in self.headers if name == b"host"}:
            self.headers.append((b"host", authority))

    # Waiting

    def _settle(self) -> None:
        phase = self._phase()
        if phase is not self._connection.phase or (phase is Phase.HEAD and self._begun):
            self._connections.enter(self._connection, phase)
        self._begun = False

    def _phase(self) -> Phase:
        if self.flow.write_paused:
            return Phase.UNREAD
        if self._part == "body":
            return Phase.BODY
        if not self._is_free():
            return Phase.ANSWER
        return Phase.HEAD if self._part == "head" else Phase.IDLE

    def _too_late(self) -> None:
        phase = self._connection.phase
        if self._passed_over is not None:
            self.transport.abort()
        elif phase is Phase.BODY and (self._body_bytes >= _LEAST_OF_A_BODY or self.flow.read_paused):
            # It comes, or it is we who do not read.
            self._body_bytes = 0
            self._connections.enter(self._connection, Phase.BODY)
        elif phase is Phase.HEAD or (phase is Phase.BODY and not self.cycle.response_started):
            self._refuse(408)  # RFC 9110 §15.5.9
        else:
            self.transport.abort()

    def _refuse(self, status: int) -> None:
        """Says why, and closes: what follows is not read."""
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            self.transport.abort()
        elif status == 431 and self._part == "head":
            self._refuse_large()
        else:
            self._write_refusal(status)
            self.transport.close()
            self._connections.leave(self._connection)

    def _refuse_large(self) -> None:
        """What made the header so large would do so again with every request, and shut the person out of all hosts of
        this domain: the browser is told to forget it."""
        self._write_refusal(431, *_TOO_LARGE)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._passed_over = 0
        self._connections.enter(self._connection, Phase.HEAD)

    def _pass_over(self, size: int) -> None:
        self._passed_over = (self._passed_over or 0) + size
        if self._passed_over > _MOST_PASSED_OVER:
            self.transport.abort()

    def _write_refusal(self, status: int, fields: bytes = b"", text: bytes = b"") -> None:
        framing = b"content-length: %d\r\nconnection: close\r\n\r\n" % len(text)
        self.transport.write(STATUS_LINE[status] + fields + framing + text)


class _BoundedWebSocket(WebSocketsSansIOProtocol):
    """An upgraded connection holds its place until it is lost; its messages have bounds of their own."""

    def __init__(self, connections: Connections, connection: Connection, **parts: Any) -> None:
        super().__init__(**parts)
        self._connections = connections
        self._connection = connection

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.client = self._connection.client or self.client
        self._connection.drop = self._connection.late = transport.abort

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.leave(self._connection)
        super().connection_lost(exc)
