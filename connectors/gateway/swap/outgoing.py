"""The body of a request on its way to the legacy server: streamed on, or looked at where it may be a sign-in."""

from collections.abc import Sequence

from connectors.gateway.parts import GatewayParts
from connectors.gateway.session.fills import DUMMY_PREFIX, Fill, Fills
from connectors.gateway.session.sessions import GatewaySession
from connectors.gateway.swap.attempts import Attempt
from connectors.gateway.swap.captures import Captures
from connectors.gateway.swap.swap import MAX_BODY_BYTES, SentBody, Swap
from connectors.gateway.visit import Visit
from connectors.gateway.wire.headers import basic_credential, cookies_of
from connectors.gateway.wire.rewrite import is_form
from connectors.gateway.wire.upstream import Body
from connectors.systems import System
from core.offload import off_loop

_MAY_SIGN_IN = frozenset({"POST", "PUT", "PATCH"})


class Outgoing:
    def __init__(self, parts: GatewayParts, fills: Fills, captures: Captures, swap: Swap) -> None:
        self._parts = parts
        self._fills = fills
        self._captures = captures
        self._swap = swap

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
        return await self._with_password(visit, body, content_type) if visit.fills else body

    async def refuse_dummies(self, who: GatewaySession, system: System, where: str, lines: Sequence[str]) -> None:
        """A page's login may send the password in an address, a header field or a socket, where it is not put in:
        raises ERR-FILL, so that its dummy counts as no attempt. `where` is the method and the path."""
        if any(DUMMY_PREFIX in line for line in lines):
            await self._swap.refuse_elsewhere(who, system, where, lines, await self._known_fills(who))

    async def _with_password(self, visit: Visit, body: bytes, content_type: str) -> Body | Attempt:
        cookies = cookies_of(visit.headers.items())
        sent = SentBody(visit.line, content_type, body, cookies, visit.filled, visit.typed)
        swapped = await self._swap.swap(visit.who, visit.system, visit.recipe, sent, visit.fills)
        if isinstance(swapped, Attempt):
            return swapped
        if swapped is not None:
            visit.swapped = swapped
            return swapped.body
        visit.held = await self._captures.hold(visit.who, visit.system, visit.recipe, sent, visit.fills)
        return body

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
