"""The body of a request on its way to the legacy server: streamed on, or looked at where it may be a sign-in."""

from collections.abc import Sequence

from connectors.gateway.answers.captures import Captures
from connectors.gateway.pages.fills import DUMMY_PREFIX, Fill, Fills
from connectors.gateway.parts import GatewayParts
from connectors.gateway.session.sessions import GatewaySession
from connectors.gateway.swap.swap import MAX_BODY_BYTES, SentBody, Swap
from connectors.gateway.visit import Visit
from connectors.gateway.wire.headers import basic_credential, cookies_of
from connectors.gateway.wire.rewrite import is_form
from connectors.gateway.wire.upstream import Body
from connectors.systems import System

_MAY_SIGN_IN = frozenset({"POST", "PUT", "PATCH"})


class Outgoing:
    def __init__(self, parts: GatewayParts, fills: Fills, captures: Captures) -> None:
        self._parts = parts
        self._fills = fills
        self._captures = captures
        self._swap = Swap(parts.database, fills, parts.launcher, parts.items, parts.ledger)

    async def body(self, visit: Visit, *, authorized: bool) -> Body:
        """What to send on. A body that is too large for a sign-in, or of no method that signs in, streams through as
        it is: a dummy in it would mean nothing to anybody.

        `authorized`: the gateway sends an Authorization field of its own instead of the request's.
        """
        request = visit.request
        await self._refuse_elsewhere(visit, authorized=authorized)
        announced = visit.headers.get("content-length")
        if announced is None and "transfer-encoding" not in visit.headers:
            return None
        small = announced is not None and announced.isdigit() and int(announced) <= MAX_BODY_BYTES
        if request.method not in _MAY_SIGN_IN or not small:
            return visit.upload.pieces()
        visit.fills = await self._known_fills(visit.who)
        content_type = visit.headers.get("content-type", "")
        if not visit.fills and not is_form(content_type):
            return visit.upload.pieces()
        # Pages send their own address back: where to go on, what to compare with.
        body = visit.origins.to_upstream_everywhere(await visit.upload.whole())
        return await self._with_password(visit, body, content_type) if visit.fills else body

    async def refuse_dummies(self, who: GatewaySession, system: System, lines: Sequence[str]) -> None:
        """A page's login may send the password in an address, a header field or a socket, where it is not put in:
        raises ERR-FILL, so that its dummy counts as no attempt."""
        if any(DUMMY_PREFIX in line for line in lines):
            await self._swap.refuse_elsewhere(who, system, lines, await self._known_fills(who))

    async def _with_password(self, visit: Visit, body: bytes, content_type: str) -> Body:
        cookies = cookies_of(visit.headers.items())
        sent = SentBody(visit.request.method, visit.path, content_type, body, cookies, visit.filled, visit.typed)
        visit.swapped = await self._swap.swap(visit.who, visit.system, visit.recipe, sent, visit.fills)
        if visit.swapped is not None:
            return visit.swapped.body
        visit.held = await self._captures.hold(visit.who, visit.system, visit.recipe, sent, visit.fills)
        return body

    async def _refuse_elsewhere(self, visit: Visit, *, authorized: bool) -> None:
        fields = [value for name, value in visit.headers.items() if not (authorized and name == "authorization")]
        basic = "" if authorized else basic_credential(visit.headers.get("authorization", ""))
        await self.refuse_dummies(visit.who, visit.system, [visit.target, *fields, basic])

    async def _known_fills(self, who: GatewaySession) -> list[Fill]:
        async with self._parts.database.read() as connection:
            return await self._fills.known(connection, who.id)
