"""The gateway's rooms, built once: each stands on those before it."""

from functools import partial

from connectors.gateway.answers.echoes import Echoes
from connectors.gateway.answers.polling import Polling
from connectors.gateway.answers.replies import Replies
from connectors.gateway.answers.results import Results
from connectors.gateway.conversation import Conversation
from connectors.gateway.pages.documents import Documents
from connectors.gateway.parts import GatewayParts
from connectors.gateway.proxy import Proxy
from connectors.gateway.refusals import Refusals
from connectors.gateway.session.fills import Fills
from connectors.gateway.session.secrets import VisitSecrets
from connectors.gateway.session.sessions import GatewaySessions
from connectors.gateway.session.sign_in import GatewaySignIn
from connectors.gateway.swap.attempts import Attempts
from connectors.gateway.swap.basic import BasicAuthorization
from connectors.gateway.swap.form_reader import FormReader
from connectors.gateway.swap.knowledge import LoginKnowledge
from connectors.gateway.swap.outgoing import Outgoing
from connectors.gateway.swap.swap import Swap
from connectors.gateway.way_back import WayBack
from connectors.gateway.wire.upstream import Upstream
from connectors.gateway.wire.websocket import WebSocketProxy


class Rooms:
    def __init__(self, parts: GatewayParts) -> None:
        self.upstream = Upstream(parts.upstream)
        self.websocket = WebSocketProxy(self.upstream)
        self.refusals = Refusals(parts.repeats)
        # session
        self.sessions = GatewaySessions(parts.database, parts.clock, parts.sessions, parts.rows)
        self.sign_in = GatewaySignIn(parts, self.sessions)
        self._secrets = VisitSecrets(parts.database, parts.sealer, self.sessions)
        self._fills = Fills(parts.clock, parts.rows)
        # swap
        self.knowledge = LoginKnowledge(parts.database, parts.clock, parts.login_requests)
        self.forms = FormReader(parts, self.upstream, self.knowledge)
        self.basic = BasicAuthorization(parts, self._fills, self.knowledge, self._secrets, self.refusals)
        swap = Swap(
            parts.database,
            parts.clock,
            self._fills,
            self.knowledge,
            Attempts(),
            self._secrets,
            parts.login_requests,
            parts.launcher,
            parts.items,
            self.refusals,
        )
        self.outgoing = Outgoing(parts, self._fills, parts.captures, swap)
        # answers
        self.echoes = Echoes(self._secrets)
        results = Results(parts, self.sessions, self._fills, parts.captures)
        self.replies = Replies(results)
        polling = Polling(parts, self.sessions, self.replies)
        # pages
        documents = Documents(parts, self.sessions, self._fills, self.knowledge, self.forms, results)
        way_back = WayBack(parts, self.sessions, self._fills, self.basic, self.echoes, results, polling, documents)
        self.proxy = Proxy(self.upstream, self.outgoing, self.basic, self.echoes, polling, way_back)
        self.conversation = partial(Conversation, parts.clock, self.outgoing, self.replies, self.echoes)

    async def close(self) -> None:
        self.echoes.close()
        await self.upstream.close()
