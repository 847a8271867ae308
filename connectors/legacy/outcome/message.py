"""A message that a system sends over a socket: what it is the answer to, and what it says of a sign-in.

Protocols wrap an answer in members of their own - numbers, kinds, `result` and `error` (DDP, JSON-RPC 2.0 §5, SignalR's
completion) - which say nothing of the sign-in, so they are taken off before the ordinary rules for JSON are asked.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from connectors.legacy.outcome.answer import Answer, Outcome, Result, SignInResponse
from connectors.legacy.outcome.conventions import json_said, json_shown
from connectors.legacy.outcome.json_answer import JsonAnswer
from connectors.legacy.page.words import identifier
from connectors.legacy.patterns import Pattern

_CONTENT_TYPE = ("content-type", "application/json")
# Members that join an answer to its question, and members that say what a message is: the first that is there.
_NUMBERS = ("id", "invocationId", "requestId", "request_id", "reqId", "msgId", "messageId", "callId", "seq", "ref")
_NAMES = ("type", "event", "msg", "method", "action", "cmd", "command", "op", "target", "kind", "topic", "name")
# Words of a message's name, such as `auth:failed`, `loginSuccess`, `account_locked`.
_SAYS: tuple[tuple[Result, Pattern], ...] = (
    ("locked", Pattern(r"\b(locked|blocked|banned)\b")),
    ("failure", Pattern(r"\b(fail\w*|error|denied|invalid|incorrect|wrong|rejected|refused|unauthori[sz]ed)\b")),
    ("success", Pattern(r"\b(success|succeeded|successful|ok|authenticated|authorized|granted|accepted|logged ?in)\b")),
)
_NEGATES = Pattern(r"\b(not|needs?|requires?|required)\b")
_NOTHING = Outcome("unknown", "a message that tells nothing")


@dataclass(frozen=True)
class SystemMessage:
    """`number` joins it to the message that it answers; `name` says what it is; `document` is the whole of it, of which
    an event's name is the first element."""

    document: Any = field(repr=False)
    number: str = ""
    name: str = ""
    is_event: bool = False

    def answer(self, url: str, *, bare: bool = False) -> Answer:
        body = json.dumps(self.bare if bare else self.document, ensure_ascii=False).encode("utf-8", "surrogatepass")
        return Answer(SignInResponse(200, [_CONTENT_TYPE], url, body))

    @property
    def says_something(self) -> bool:
        """An acknowledgement may be empty, and an event say the rest."""
        return not isinstance(self.document, list) or any(one is not None for one in self.document)

    @cached_property
    def bare(self) -> Any:
        """What it says, without what the protocol says around it."""
        document = self.document
        if isinstance(document, list):
            said = [one for one in document[self.is_event :] if one is not None]
            return _worded(said[0]) if len(said) == 1 else {"data": said}
        if not isinstance(document, Mapping):
            return _worded(document)
        if self.number and (error := document.get("error")):
            return {"errors": [_worded(error)]}
        if self.number and "result" in document:
            return _worded(document["result"])
        return {name: value for name, value in document.items() if name not in (*_NUMBERS, *_NAMES)}


def _worded(value: Any) -> Any:
    """A value alone, as the ordinary rules know it: a flag, or what is said."""
    if isinstance(value, bool):
        return {"success": value}
    return {"message": value} if isinstance(value, str) else value


def number_of(document: Any) -> str:
    """By which name and with which value a message asks for its answer; empty where it does not."""
    if not isinstance(document, Mapping):
        return ""
    found = ((name, document[name]) for name in _NUMBERS if name in document)
    return next((f"{name}={one}" for name, one in found if isinstance(one, str | int) and str(one)), "")


def name_of(document: Any) -> str:
    """What a message says that it is; empty where it does not."""
    if not isinstance(document, Mapping):
        return ""
    return next((one for name in _NAMES if isinstance(one := document.get(name), str) and one), "")


def message_by_convention(message: SystemMessage, url: str) -> Outcome:
    """Words first, for they say why; then the name; then flags and codes."""
    told = JsonAnswer(message.bare)
    return json_said(told) or _named(message.name) or json_shown(message.answer(url, bare=True), told) or _NOTHING


def _named(name: str) -> Outcome | None:
    words = identifier(name)
    if _NEGATES.search(words):
        return None
    for result, pattern in _SAYS:
        if match := pattern.search(words):
            return Outcome(result, f"the message is called {match[0]!r}")
    return None
