"""Sign-ins that went out in a message of a socket, until the system's message says how they went.

An answer is known by the number that the page gave the message (Socket.IO's acknowledgement, DDP, JSON-RPC, SignalR);
where it has none, by a name that is the login's own or speaks of signing in. Of this process: where another one takes
the answer over long polling, it stays unknown how the sign-in went, and nothing is pressed for the person again.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from connectors.gateway.answers.packets import asked_by, messages_in
from connectors.gateway.answers.results import Results
from connectors.gateway.session.sessions import GatewaySession
from connectors.gateway.swap.attempts import Answered
from connectors.gateway.swap.swap import Swapped
from connectors.legacy.outcome.judge import Outcome, judge_message
from connectors.legacy.outcome.message import SystemMessage
from connectors.legacy.recipe.recipe import Recipe
from connectors.login_requests.channel import Framing
from connectors.login_requests.request import SIGN_IN
from connectors.systems import System
from core.errors import YimenError

# A system that says nothing for so long says nothing.
_PATIENCE_SECONDS = 60.0
# What a second press over long polling is told: its message has been taken.
_TAKEN = Answered(200, (("content-type", "text/html"),), b"ok")
_UNANSWERED = Outcome("unknown", "no message answered it")


@dataclass(frozen=True)
class Line:
    """Where an answer comes back: one socket, or one session of Engine.IO, of a visit."""

    visit_id: str
    name: str
    framing: Framing


@dataclass(frozen=True)
class _Waiting:
    who: GatewaySession
    system: System
    recipe: Recipe | None
    swapped: Swapped
    asked: SystemMessage
    until: float


class Replies:
    def __init__(self, results: Results) -> None:
        self._results = results
        self._waiting: dict[Line, _Waiting] = {}

    async def expect(
        self, line: Line, who: GatewaySession, system: System, recipe: Recipe | None, swapped: Swapped
    ) -> None:
        """Until the answer is there, it is unknown how the sign-in went."""
        await self.end(line, *[old for old, one in self._waiting.items() if one.until < time.monotonic()])
        until = time.monotonic() + _PATIENCE_SECONDS
        self._waiting[line] = _Waiting(who, system, recipe, swapped, asked_by(swapped.sent), until)
        await self._results.note_sent(swapped.fill)

    async def end(self, *lines: Line) -> None:
        """A socket has ended, or no answer came in time; whoever waits for the same sign-in is told."""
        for line in lines:
            if (one := self._waiting.pop(line, None)) is not None:
                one.swapped.attempt.failed(YimenError("ERR-UPSTREAM", "no answer came", status=502))
                await self._results.note_message(one.who, one.system, one.swapped.fill, _UNANSWERED)

    async def hear(self, line: Line, text: str) -> None:
        """Before the browser gets it: when the page knows, the outcome is on disk."""
        waiting = self._waiting.get(line)
        if waiting is None:
            return
        outcome = _told(waiting, messages_in(line.framing, text))
        if outcome is None:
            return
        del self._waiting[line]
        await self._results.note_message(waiting.who, waiting.system, waiting.swapped.fill, outcome)
        waiting.swapped.attempt.answered(_TAKEN)


def _told(waiting: _Waiting, messages: Iterable[SystemMessage]) -> Outcome | None:
    """How it went; None while that is still to be heard. What has the number of the question is the whole answer,
    unless it only says that the question has come."""
    url = f"{waiting.swapped.request.origin}{waiting.swapped.request.path}"
    for message in messages:
        is_numbered = bool(message.number) and message.number == waiting.asked.number
        if not is_numbered and not _is_about_it(message, waiting.asked):
            continue
        outcome = judge_message(waiting.recipe, message, url)
        if outcome.result != "unknown" or (is_numbered and message.says_something):
            return outcome
    return None


def _is_about_it(message: SystemMessage, asked: SystemMessage) -> bool:
    """A numbered message answers its own question. One without a name counts where the login had no number."""
    if message.number:
        return False
    if not message.name:
        return not asked.number
    is_same = bool(asked.name) and asked.name.lower() in message.name.lower()
    return is_same or SIGN_IN.search(message.name) is not None
