"""What is on its way to the legacy server: streamed on, or looked at where it may be a sign-in."""

from collections.abc import Sequence
from functools import partial

from connectors.gateway.parts import GatewayParts
from connectors.gateway.session.fills import DUMMY_PREFIX, Fill, Fills
from connectors.gateway.session.sessions import GatewaySession
from connectors.gateway.session.supervision import ENGINE_SESSION
from connectors.gateway.swap.attempts import Attempt
from connectors.gateway.swap.captures import Captures
from connectors.gateway.swap.sent import SentBody, SentMessage
from connectors.gateway.swap.swap import MAX_BODY_BYTES, Swap, Swapped
from connectors.gateway.visit import Visit
from connectors.gateway.wire.headers import basic_credential, cookies_of
from connectors.gateway.wire.rewrite import is_form
from connectors.gateway.wire.upstream import Body
from connectors.legacy.recipe.recipe import Recipe
from connectors.login_requests.channel import Channel
from connectors.systems import System
from core.fresh import Fresh
from core.offload import off_loop

_MAY_SIGN_IN = frozenset({"POST", "PUT", "PATCH"})


class Outgoing:
    def __init__(self, parts: GatewayParts, fills: Fills, captures: Captures, swap: Swap) -> None:
        self._parts = parts
        self._fills = fills
        self._captures = captures
        self._swap = swap
        self._lately: Fresh[str, list[Fill]] = Fresh()

    async def body(self, visit: Visit) -> Body | Attempt:
        """What to send on; or the sign-in under way that this request is a second press of.

        A body that is too large for a sign-in, or of no method that signs in, streams through as it is: a dummy in it
        would mean nothing to anybody.
        """
        await self._refuse_elsewhere(visit)
        announced = visit.headers.get("content-length")
        if announced is None and "transfer-encoding" not in visit.headers:
            return None
        small = announced is not None and announced.isdigit() and int(announced) <= MAX_BODY_BYTES
        if visit.request.method not in _MAY_SIGN_IN or not small:
            return visit.upload.pieces()
        visit.fills = await self._known_fills(visit.who)
        content_type = visit.headers.get("content-type", "")
        if not visit.fills and not is_form(content_type):
            return visit.upload.pieces()
        # Pages send their own address back: where to go on, what to compare with.
        whole = await visit.upload.whole()
        body = await off_loop(len(whole), visit.origins.to_upstream_everywhere, whole)
        if visit.polling is not None:
            return await self._with_message(visit, visit.polling, body)
        return await self._with_password(visit, body, content_type) if visit.fills else body

    async def message(
        self, who: GatewaySession, system: System, recipe: Recipe | None, sent: SentMessage
    ) -> Swapped | Attempt | None:
        """What to send in place of a message of a socket; None for one that goes on as it is. Every message is looked
        at for as long as the visit has fills: a page may hash its dummy."""
        is_spoken = DUMMY_PREFIX.encode() in sent.body
        if is_spoken or who.is_read_anew:
            fills = await self._known_fills(who)
        else:
            fills = await self._lately.get(who.id, partial(self._known_fills, who))
        swapped = await self._swap.swap(who, system, recipe, sent, fills)
        if swapped is None and is_spoken:
            # Where no text of the message holds it, a name of a member may.
            where = f"{sent.line.method} {sent.line.path}"
            await self._swap.refuse_elsewhere(who, system, where, [sent.body.decode("latin-1")], fills)
        return swapped

    async def refuse_dummies(self, who: GatewaySession, system: System, where: str, lines: Sequence[str]) -> None:
        """A page's login may send the password in an address, a header field or bytes of a socket, where it is not put
        in: raises ERR-FILL, so that its dummy counts as no attempt. `where` is the method and the path."""
        if any(DUMMY_PREFIX in line for line in lines):
            await self._swap.refuse_elsewhere(who, system, where, lines, await self._known_fills(who))

    async def _with_message(self, visit: Visit, channel: Channel, body: bytes) -> Body | Attempt:
        """Engine.IO's messages over HTTP, where a WebSocket is not to be had, or not yet."""
        supervision = visit.who.supervision
        is_fresh = supervision is not None and supervision.has_given(ENGINE_SESSION, channel.session)
        cookies = cookies_of(visit.headers.items())
        sent = SentMessage.over(channel, body, cookies, self._parts.clock.now() if is_fresh else None)
        swapped = await self.message(visit.who, visit.system, visit.recipe, sent)
        return self._put_in(visit, swapped) if swapped is not None else body

    async def _with_password(self, visit: Visit, body: bytes, content_type: str) -> Body | Attempt:
        cookies = cookies_of(visit.headers.items())
        sent = SentBody(visit.line, content_type, body, cookies, visit.filled, visit.typed)
        swapped = await self._swap.swap(visit.who, visit.system, visit.recipe, sent, visit.fills)
        if swapped is not None:
            return self._put_in(visit, swapped)
        visit.held = await self._captures.hold(visit.who, visit.system, visit.recipe, sent, visit.fills)
        return body

    @staticmethod
    def _put_in(visit: Visit, swapped: Swapped | Attempt) -> Body | Attempt:
        if isinstance(swapped, Attempt):
            return swapped
        visit.swapped = swapped
        return swapped.body

    async def _refuse_elsewhere(self, visit: Visit) -> None:
        """Everything but the body; an Authorization field is looked at unless the gateway sends one of its own."""
        is_ours = visit.authorization is not None
        fields = [value for name, value in visit.headers.items() if not (is_ours and name == "authorization")]
        basic = "" if is_ours else basic_credential(visit.headers.get("authorization", ""))
        where = f"{visit.request.method} {visit.path}"
        await self.refuse_dummies(visit.who, visit.system, where, [visit.target, *fields, basic])

    async def _known_fills(self, who: GatewaySession) -> list[Fill]:
        async with self._parts.database.read() as connection:
            return await self._fills.known(connection, who.id)
