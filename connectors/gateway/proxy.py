"""One request through the gateway: to the legacy server, and its answer on the way back.

The order is that of the sub-packages: `session` says who is there, `swap` puts a password in, `wire` sends and
receives, `answers` judges and scrubs, `pages` prepares what the browser is shown.
"""

from starlette.types import Send

from connectors.gateway.answers.echoes import Echoes
from connectors.gateway.answers.polling import Polling
from connectors.gateway.swap.attempts import Attempt
from connectors.gateway.swap.basic import BasicAuthorization
from connectors.gateway.swap.outgoing import Outgoing
from connectors.gateway.visit import Visit
from connectors.gateway.way_back import WayBack
from connectors.gateway.wire.headers import Header, Peer, unconditional, upstream_headers, whole
from connectors.gateway.wire.reply import send_whole
from connectors.gateway.wire.upstream import ACCEPT_ENCODING, Body, Upstream, UpstreamRequest


class Proxy:
    def __init__(
        self,
        upstream: Upstream,
        outgoing: Outgoing,
        basic: BasicAuthorization,
        echoes: Echoes,
        polling: Polling,
        way_back: WayBack,
    ) -> None:
        self._upstream = upstream
        self._outgoing = outgoing
        self._basic = basic
        self._echoes = echoes
        self._polling = polling
        self._way_back = way_back

    async def serve(self, visit: Visit, send: Send) -> None:
        """Raises the gateway's errors before the answer has begun, never after."""
        await self._authorize(visit)
        body = await self._outgoing.body(visit)
        if isinstance(body, Attempt):
            answered = await body.answer()
            await send_whole(send, answered.status, answered.headers, answered.body)
            return
        await self._polling.expect(visit)
        try:
            request = self._request(visit, body, in_parts=visit.is_played or not await self._echoes.hide(visit.who))
            async with self._upstream.send(request) as answer:
                await self._way_back.lead(visit, answer, send)
        except BaseException as error:
            if visit.swapped is not None:
                visit.swapped.attempt.failed(error)
            raise
        finally:
            visit.wipe()

    async def _authorize(self, visit: Visit) -> None:
        """The Basic header field that the gateway gives, if it gives one."""
        sent = visit.headers.get("authorization", "")
        where = f"{visit.request.method} {visit.path}"
        visit.authorization = await self._basic.of_page(
            visit.who, visit.system, sent, where
        ) or await self._basic.of_system(visit.who, visit.system)

    def _request(self, visit: Visit, body: Body, *, in_parts: bool) -> UpstreamRequest:
        """`in_parts`: a part of an answer may be asked for. What is looked for could be cut in two by that."""
        registration, given = visit.system.registration, visit.authorization
        address = visit.request.state.address if registration.forwards_address else None
        headers = upstream_headers(
            _received(visit), visit.origins, Peer(address, given.value if given is not None else None), ACCEPT_ENCODING
        )
        if visit.is_navigation:
            headers = unconditional(headers)
        if not in_parts:
            headers = whole(headers)
        if (length := _length(visit, body)) is not None:
            headers.append(("content-length", str(length)))
        return UpstreamRequest(
            visit.request.method,
            visit.endpoint.origin,
            visit.target,
            headers,
            body,
            registration.trust,
            visit.who.id,
            None if _is_attempt(visit) else visit.upload.until_gone,
        )


def _is_attempt(visit: Visit) -> bool:
    """Its answer tells whether a password was right, whoever waits for it: a refused one is never tried again."""
    return visit.swapped is not None or (visit.authorization is not None and visit.authorization.is_first)


def _received(visit: Visit) -> list[Header]:
    """The browser's header fields. In a supervised sign-in without the cookies of other days; where the body was
    written anew, with its own content type."""
    received = [(name, value) for name, value in visit.headers.items()]
    if visit.swapped is not None:
        received = [(name, value) for name, value in received if name not in ("content-type", "content-encoding")]
        received.append(("content-type", visit.swapped.content_type))
    supervision = visit.who.supervision
    return supervision.without_old(received) if supervision is not None else received


def _length(visit: Visit, body: Body) -> int | None:
    if isinstance(body, bytes | bytearray):
        return len(body)
    announced = visit.headers.get("content-length")
    return int(announced) if announced is not None and announced.isdigit() and body is not None else None
