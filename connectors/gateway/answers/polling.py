"""Engine.IO over HTTP (its protocol, §HTTP long-polling): messages go in one request, and come back in another."""

from connectors.gateway.answers.packets import engine_session_in
from connectors.gateway.answers.replies import Line, Replies
from connectors.gateway.parts import GatewayParts
from connectors.gateway.session.sessions import GatewaySessions
from connectors.gateway.session.supervision import ENGINE_SESSION
from connectors.gateway.visit import Visit


class Polling:
    def __init__(self, parts: GatewayParts, sessions: GatewaySessions, replies: Replies) -> None:
        self._parts = parts
        self._sessions = sessions
        self._replies = replies

    async def expect(self, visit: Visit) -> None:
        """Where the password went into a message, its answer comes with another request."""
        if visit.is_message and visit.swapped is not None:
            await self._replies.expect(_line(visit), visit.who, visit.system, visit.recipe, visit.swapped)

    async def hear(self, visit: Visit, body: bytes) -> None:
        text = body.decode("utf-8", "replace")
        if visit.who.supervision is not None and (session := engine_session_in(text)):
            async with self._parts.database.write() as connection:
                await self._sessions.note_cookies(connection, visit.who.id, [f"{ENGINE_SESSION}={session}"])
        await self._replies.hear(_line(visit), text)


def _line(visit: Visit) -> Line:
    session = visit.polling.session if visit.polling is not None else ""
    return Line(visit.who.id, session, "engine.io")
