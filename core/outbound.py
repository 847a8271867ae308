"""The guarded way out: every request Yimen makes to an address that somebody else chose.

The guard checks the address that is actually connected to, after DNS, so a name that changes its answer between
check and use gains nothing. Redirects are never followed. Bodies are bounded in size and time (DESIGN §4.7).
"""

import asyncio
import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from yarl import URL

from core.addresses import IpAddress, IpNetwork, is_inside, unmapped
from core.errors import OutboundError
from core.held import require_nothing_held

if TYPE_CHECKING:
    from core.outbound_client import OutboundClient

MAX_BODY_BYTES = 256 * 1024
TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True)
class OutboundRequest:
    method: str
    url: URL
    headers: Mapping[str, str]
    body: bytes | None


@dataclass(frozen=True)
class OutboundResponse:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise OutboundError("ERR-OUTBOUND_BODY", "the answer is not JSON") from error


def address_of(text: str) -> URL:
    """Raises ERR-OUTBOUND_URL when it is no address."""
    try:
        url = URL(text)
        _ = url.port  # parsed only when asked for
        return url
    except ValueError:
        raise OutboundError("ERR-OUTBOUND_URL", "the address does not parse") from None


@dataclass(frozen=True)
class Endpoint:
    """An address to connect to, with its family and protocol as the system names them."""

    address: str
    family: int
    protocol: int


class AddressGuard:
    """Decides which addresses may be connected to: public ones, and private ones on the allow-list."""

    def __init__(self, allow: Sequence[IpNetwork]) -> None:
        self._allow = tuple(allow)

    def permits(self, address: IpAddress) -> bool:
        plain = unmapped(address)
        return is_inside(plain, self._allow) or (plain.is_global and not plain.is_multicast)

    def require(self, host: str, address: str) -> None:
        if not self.permits(ip_address(address.split("%", 1)[0])):
            raise OutboundError("ERR-OUTBOUND_ADDRESS", f"{host} is at an address that is not allowed")

    async def resolve(self, host: str, port: int, family: int = socket.AF_UNSPEC) -> list[Endpoint]:
        """Where a connection to `host` may be made. Raises OutboundError, and OSError when there is no such name."""
        loop = asyncio.get_running_loop()
        answers = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        found = [Endpoint(str(end[0]), answer_family, protocol) for answer_family, _, protocol, _, end in answers]
        for endpoint in found:
            self.require(host, endpoint.address)
        return found


class Outbound:
    """The HTTP client for jwks_uri, logos, logout notices and everything else that is fetched for the protocol."""

    def __init__(self, allow: Sequence[IpNetwork] = ()) -> None:
        self.guard = AddressGuard(allow)
        self._client: OutboundClient | None = None

    async def addresses(self, host: str, port: int) -> list[str]:
        """As `AddressGuard.resolve`, the addresses alone."""
        return [endpoint.address for endpoint in await self.guard.resolve(host, port)]

    def require_target(self, url: URL, schemes: Sequence[str] = ("https", "http")) -> None:
        """Refuses other schemes, user information and address literals that are not permitted."""
        if url.scheme not in schemes or url.host is None or url.user is not None or url.password is not None:
            raise OutboundError("ERR-OUTBOUND_URL", "the address has a scheme, host or user part that is not allowed")
        try:
            ip_address(url.host)
        except ValueError:
            return
        self.guard.require(url.host, url.host)

    async def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        max_bytes: int = MAX_BODY_BYTES,
        timeout: float = TIMEOUT_SECONDS,  # noqa: ASYNC109 - the bound of the whole exchange, enforced by the client
    ) -> OutboundResponse:
        """One bounded exchange. Raises OutboundError on refusal, on a network error and on a body too large."""
        require_nothing_held("an outbound request")
        target = address_of(url)
        self.require_target(target)
        if self._client is None:
            self._client = _open_client(self.guard)
        return await self._client.exchange(
            OutboundRequest(method, target, headers or {}, body), max_bytes=max_bytes, timeout=timeout
        )

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()


def _open_client(guard: AddressGuard) -> "OutboundClient":
    # A tenth of a process's memory, and most never ask anybody.
    from core.outbound_client import OutboundClient  # noqa: PLC0415

    return OutboundClient(guard)
