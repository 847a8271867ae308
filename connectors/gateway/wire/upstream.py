"""The way to the legacy servers: guarded addresses, checked certificates, bodies that stream in both directions."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from connectors.errors import ConnectorError
from connectors.gateway.wire.headers import Header
from connectors.origin import ExactOrigin
from core.errors import OutboundError
from core.outbound import Outbound, address_of

_CONNECT_SECONDS = 10.0
# A legacy report may take its time; a connection that says nothing for so long is dead.
_SILENCE_SECONDS = 300.0
_CONNECTIONS = 500
# The codings that the client undoes, so that bodies can be rewritten.
ACCEPT_ENCODING = "gzip, deflate"

Body = AsyncIterator[bytes] | bytes | bytearray | None


@dataclass(frozen=True)
class UpstreamRequest:
    """`target` is the path with its query, exactly as it came."""

    method: str
    origin: ExactOrigin
    target: str
    headers: Sequence[Header] = field(repr=False)
    body: Body = field(repr=False)

    @property
    def address(self) -> str:
        return f"{self.origin}{self.target}"


class Upstream:
    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self._session: aiohttp.ClientSession | None = None

    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=_SILENCE_SECONDS)
            self._session = self._outbound.open_session(limit=_CONNECTIONS, timeout=timeout)
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def send(self, request: UpstreamRequest) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer, its body still to be read. Raises ERR-UPSTREAM or ERR-UPSTREAM_TLS; never follows a redirect."""
        url = self.url(request.address)
        with upstream_errors(request.origin):
            async with self.session().request(
                request.method,
                url,
                headers=CIMultiDict(request.headers),
                data=request.body,
                allow_redirects=False,
                skip_auto_headers=("user-agent", "content-type", "accept"),
            ) as response:
                yield response

    def url(self, address: str, schemes: Sequence[str] = ("http", "https")) -> URL:
        try:
            url = address_of(address, encoded=True)
            self._outbound.require_target(url, schemes)
        except OutboundError as error:
            raise ConnectorError("ERR-UPSTREAM", error.detail, status=502) from None
        return url


class upstream_errors:  # noqa: N801 - reads as a statement: `with upstream_errors(origin):`
    """Turns what the client library raises into the gateway's errors."""

    def __init__(self, origin: ExactOrigin) -> None:
        self._origin = origin

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
            raise ConnectorError("ERR-UPSTREAM_TLS", f"{self._origin}: {type(error).__name__}", status=502) from None
        if isinstance(error, aiohttp.ClientError | TimeoutError | OSError | OutboundError):
            raise ConnectorError("ERR-UPSTREAM", f"{self._origin}: {type(error).__name__}", status=502) from None


def answer_headers(response: aiohttp.ClientResponse) -> list[Header]:
    return [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.raw_headers]
