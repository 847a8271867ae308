"""What a system sends over a socket, taken apart as its channel frames it: messages that may be answers.

What cannot be read is no answer; the browser gets it as it is all the same.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from connectors.gateway.swap.body import ParsedBody
from connectors.gateway.swap.body.message import MessageBody
from connectors.legacy.outcome.message import SystemMessage, name_of, number_of
from connectors.login_requests.channel import Framing

# Engine.IO parts the packets of one answer so, and SignalR the records of one message.
_PART = "\x1e"
# Socket.IO's EVENT and ACK, perhaps of a namespace, perhaps with a number.
_PACKET = re.compile(r"4([23])(?:/[^,\[]{1,100},)?([0-9]{0,15})(?=\[)")
_OPEN = "0{"
_SOCKJS = "a["
_ACKNOWLEDGES = "3"
# No answer to a sign-in is longer.
_LONGEST = 64 * 1024
_MOST = 20


def messages_in(framing: Framing, text: str) -> Iterator[SystemMessage]:
    if len(text) > _LONGEST:
        return
    for part in text.split(_PART)[:_MOST] if framing != "sockjs" else _unwrapped(text):
        if framing == "engine.io":
            yield from _of_socket_io(part)
        elif (document := _read(part)) is not None:
            yield SystemMessage(document, number_of(document), name_of(document))


def asked_by(body: ParsedBody) -> SystemMessage:
    """The same of the message that a page has sent: by what its answer is known."""
    if not isinstance(body, MessageBody):
        return SystemMessage(None)
    document = body.content.document
    if body.kind != "socket.io":
        members = {pointer[1:]: value for pointer, value in body.leaves if pointer.rfind("/") == 0}
        return SystemMessage(document, number_of(members), name_of(document))
    return SystemMessage(document, body.answer, document[0], is_event=True)


def engine_session_in(text: str) -> str:
    """The session that Engine.IO's first packet opens; empty in any other."""
    first = text.partition(_PART)[0]
    opened = _read(first[1:]) if first.startswith(_OPEN) else None
    session = opened.get("sid") if isinstance(opened, dict) else None
    return session if isinstance(session, str) else ""


def _of_socket_io(packet: str) -> Iterator[SystemMessage]:
    """An event has a name, and its data behind it; the answer to one has the number that was asked for."""
    found = _PACKET.match(packet)
    document = _read(packet[found.end() :]) if found is not None else None
    if found is None or not isinstance(document, list):
        return
    if found[1] == _ACKNOWLEDGES:
        yield SystemMessage(document, found[2])
    elif document and isinstance(document[0], str):
        yield SystemMessage(document, name=document[0], is_event=True)


def _unwrapped(text: str) -> list[str]:
    frame = _read(text[1:]) if text.startswith(_SOCKJS) else None
    return [one for one in frame if isinstance(one, str)][:_MOST] if isinstance(frame, list) else []


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
