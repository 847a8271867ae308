"""A WebSocket through the gateway, message by message, in the order of the sub-packages: `session` says who is there,
`swap` puts a password in, `wire` sends and receives, `answers` judges and scrubs."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from starlette.websockets import WebSocket

from connectors.errors import ConnectorError
from connectors.gateway.answers.echoes import Echoes
from connectors.gateway.answers.packets import engine_session_in
from connectors.gateway.answers.replies import Line, Replies
from connectors.gateway.session.sessions import GatewaySession
from connectors.gateway.session.supervision import ENGINE_SESSION
from connectors.gateway.swap.attempts import Attempt
from connectors.gateway.swap.outgoing import Outgoing
from connectors.gateway.swap.sent import SentMessage
from connectors.gateway.wire.headers import cookies_of
from connectors.gateway.wire.message import Message
from connectors.legacy.recipe.recipe import Recipe
from connectors.login_requests.channel import Channel
from connectors.systems import System
from core.clock import Clock
from core.identifiers import new_id
from core.offload import off_loop
from vault.keys.suites import wipe

Look = Callable[[], Awaitable[GatewaySession | None]]
Allowed = Callable[[], Awaitable[bool]]


class Conversation:
    """`look` gives the visit as it is now, `opened` was the visit when the socket was opened; `is_allowed` looks past
    every cache."""

    def __init__(
        self,
        clock: Clock,
        outgoing: Outgoing,
        replies: Replies,
        echoes: Echoes,
        system: System,
        recipe: Recipe | None,
        channel: Channel,
        opened: GatewaySession,
        browser: WebSocket,
        look: Look,
        is_allowed: Allowed,
    ) -> None:
        self._clock = clock
        self._outgoing = outgoing
        self._replies = replies
        self._echoes = echoes
        self._system = system
        self._recipe = recipe
        self._channel = channel
        self._cookies = cookies_of(browser.headers.items())
        self._look = look
        self._is_allowed = is_allowed
        # Only what is opened in the supervised sign-in has no cookie of other days behind it.
        self._opened_at = clock.now() if opened.supervision is not None else None
        self._line = Line(opened.id, channel.session or new_id(), channel.framing)
        self._has_begun = channel.framing != "engine.io"

    async def outgoing(self, message: Message) -> Message | None:
        """The password is put in where the message is the login; a second press of one under way goes nowhere."""
        who, data = await self._who(), bytes(message.data)
        if not message.is_text:
            where = f"WEBSOCKET {self._channel.path}"
            await self._outgoing.refuse_dummies(who, self._system, where, [data.decode("latin-1")])
            return message
        sent = SentMessage.over(self._channel, data, self._cookies, self._fresh_from(who))
        swapped = await self._outgoing.message(who, self._system, self._recipe, sent)
        if isinstance(swapped, Attempt):
            return None
        if swapped is None:
            return message
        for secret in swapped.secrets:
            wipe(secret)
        await self._replies.expect(self._line, who, self._system, self._recipe, swapped)
        return Message(is_text=True, data=swapped.body)

    async def incoming(self, message: Message) -> Message:
        """Without the secrets of the visit as it is now. Raises ERR-SESSION when it is over."""
        if message.is_text:
            text = message.data.decode("utf-8", "replace")
            self._note_beginning(text)
            await self._replies.hear(self._line, text)
        scrubber = await self._echoes.scrubber(await self._who())
        if scrubber is None:
            return message
        return Message(message.is_text, await off_loop(len(message.data), scrubber.scrub, bytes(message.data)))

    async def still_allowed(self) -> bool:
        return await self._is_allowed()

    async def end(self) -> None:
        await self._replies.end(self._line)

    def _note_beginning(self, text: str) -> None:
        """Engine.IO's first packet: the system speaks it, and the session is this socket's own."""
        if not self._has_begun:
            self._has_begun = True
            if session := engine_session_in(text):
                self._line = Line(self._line.visit_id, session, self._line.framing)
            else:
                self._opened_at = None

    def _fresh_from(self, who: GatewaySession) -> datetime | None:
        """A session of Engine.IO that was begun before this socket is known from there; any other is the socket's."""
        if self._channel.session:
            supervision = who.supervision
            is_fresh = supervision is not None and supervision.has_given(ENGINE_SESSION, self._channel.session)
            return self._clock.now() if is_fresh else None
        return self._opened_at if self._has_begun else None

    async def _who(self) -> GatewaySession:
        who = await self._look()
        if who is None:
            raise ConnectorError("ERR-SESSION", "the visit has ended", status=401)
        return who
