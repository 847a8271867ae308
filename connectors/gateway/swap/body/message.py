"""A message of a socket, read strictly: one JSON document, alone or framed as its channel frames messages.

What leaves is the document written anew, in the frame as it was: Socket.IO's number of the answer, SignalR's mark.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connectors.gateway.swap.body.json_text import JsonBody, escaped, parse_json
from connectors.gateway.swap.body.place import AmbiguousBodyError, Place
from connectors.login_requests.channel import Framing
from connectors.login_requests.request import MessageKind
from vault.keys.suites import wipe

# As browsers send it over HTTP where there is no WebSocket (Engine.IO protocol, §HTTP long-polling).
CONTENT_TYPE = "text/plain;charset=UTF-8"
# No sign-in is longer.
MAX_MESSAGE_BYTES = 64 * 1024
# Engine.IO's `message` and Socket.IO's EVENT, perhaps a namespace, perhaps the number that its answer will have.
_EVENT = re.compile(r"42(?:(/[A-Za-z0-9_./-]{1,100}),)?([0-9]{0,15})(?=\[)")
# SignalR ends each record so (its hub protocol, §JSON encoding).
_END = "\x1e"


@dataclass(frozen=True)
class MessageBody:
    """`before` and `after` are the frame, `answer` the number that the answer to a Socket.IO event will have."""

    kind: MessageKind
    content: JsonBody = field(repr=False)
    before: str = ""
    after: str = ""
    answer: str = ""

    @property
    def places(self) -> Sequence[Place]:
        return self.content.places

    @property
    def leaves(self) -> Sequence[tuple[str, str | None]]:
        return self.content.leaves

    def written(self, values: Mapping[str, bytearray]) -> tuple[bytearray, str]:
        text, _ = self.content.written(values)
        if self.kind == "sockjs":
            quoted = escaped(text)
            wipe(text)
            text = quoted
        whole = bytearray(self.before.encode()) + text + self.after.encode()
        wipe(text)
        return whole, CONTENT_TYPE


def namespace_of(framing: Framing, text: str) -> str:
    """The Socket.IO namespace that an event goes to; empty for the usual one, and for what is no event."""
    event = _EVENT.match(text) if framing == "engine.io" else None
    return (event[1] or "") if event is not None else ""


def parse_message(framing: Framing, message: bytes) -> MessageBody:
    """Raises AmbiguousBodyError for everything that is not exactly one JSON document in the framing of its channel."""
    try:
        text = message.decode("utf-8")
    except UnicodeDecodeError:
        raise AmbiguousBodyError("a message that is not UTF-8") from None
    if len(message) > MAX_MESSAGE_BYTES:
        raise AmbiguousBodyError("a message that is longer than any sign-in")
    if framing == "engine.io":
        return _socket_io(text)
    if framing == "sockjs":
        return _sockjs(text)
    if framing == "json":
        return _alone(text)
    raise AmbiguousBodyError("a socket whose address is read in two ways")


def _socket_io(text: str) -> MessageBody:
    event = _EVENT.match(text)
    if event is None:
        raise AmbiguousBodyError("it is no event of Socket.IO")
    content = _document(text[event.end() :])
    if not isinstance(content.document[0] if content.document else None, str):
        raise AmbiguousBodyError("an event without a name")
    return MessageBody("socket.io", content, before=event[0], answer=event[2])


def _sockjs(text: str) -> MessageBody:
    outer = _document(text).document
    if not isinstance(outer, list) or len(outer) != 1 or not isinstance(outer[0], str):
        raise AmbiguousBodyError("it is not one message of SockJS")
    return MessageBody("sockjs", _document(outer[0]), before='["', after='"]')


def _alone(text: str) -> MessageBody:
    if text.endswith(_END):
        return MessageBody("signalr", _document(text.removesuffix(_END)), after=_END)
    return MessageBody("message", _document(text))


def _document(text: str) -> JsonBody:
    return parse_json(text.encode("utf-8", "surrogatepass"), "")
