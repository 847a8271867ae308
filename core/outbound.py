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
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from core.addresses import IpAddress, IpNetwork, is_inside, unmapped
from core.errors import OutboundError
from core.held import require_nothing_held

MAX_BODY_BYTES = 256 * 1024
TIMEOUT_SECONDS = 5.0


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


class GuardedResolver(AbstractResolver):
    """Resolves names and hands out only permitted addresses; aiohttp connects to exactly these."""

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        answers = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        permitted: list[ResolveResult] = []
        for answer_family, _, protocol, _, endpoint in answers:
            address = str(endpoint[0])
            self._guard.require(host, address)
            permitted.append(
                ResolveResult(
                    hostname=host,
                    host=address,
                    port=port,
                    family=answer_family,
                    proto=protocol,
                    flags=socket.AI_NUMERICHOST,
                )
            )
        return permitted

    async def close(self) -> None:
        return None


class Outbound:
    """The HTTP client for jwks_uri, logos, logout notices and everything else that is fetched for the protocol."""

    def __init__(self, allow: Sequence[IpNetwork] = ()) -> None:
        self.guard = AddressGuard(allow)
        self._session: aiohttp.ClientSession | None = None

    async def addresses(self, host: str, port: int) -> list[str]:
        """Where a connection to `host` may be made. Raises OutboundError, and OSError when there is no such name."""
        return [answer["host"] for answer in await GuardedResolver(self.guard).resolve(host, port)]

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
        timeout: float = TIMEOUT_SECONDS,  # noqa: ASYNC109 - the bound of the whole exchange, enforced by aiohttp
    ) -> OutboundResponse:
        """One bounded exchange. Raises OutboundError on refusal, on a network error and on a body too large."""
        require_nothing_held("an outbound request")
        target = address_of(url)
        self.require_target(target)
        if self._session is None:
            self._session = self._open_session()
        try:
            async with self._session.request(
                method,
                target,
                headers=headers,
                data=body,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout),
            ) as response:
                content = await response.content.read(max_bytes + 1)
                while len(content) <= max_bytes and (chunk := await response.content.read(max_bytes + 1)):
                    content += chunk
                if len(content) > max_bytes:
                    raise OutboundError("ERR-OUTBOUND_SIZE", f"{target.host} answered more than {max_bytes} bytes")
                return OutboundResponse(response.status, dict(response.headers), content)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise OutboundError("ERR-OUTBOUND_FAILED", f"{target.host}: {type(error).__name__}") from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _open_session(self) -> aiohttp.ClientSession:
        """Every connection of it passes the guard, but for address literals: they skip the resolver."""
        connector = aiohttp.TCPConnector(resolver=GuardedResolver(self.guard), use_dns_cache=False)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
