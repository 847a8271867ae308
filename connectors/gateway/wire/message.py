"""One message of a WebSocket, in whole: neither side ever sees how the other had it framed or compressed."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Message:
    """`data` of a text is UTF-8. What is a bytearray holds a password, and is wiped when it has been sent."""

    is_text: bool
    data: bytes | bytearray = field(repr=False)
