"""The exchange itself, by aiohttp, over connections to addresses that the guard permits."""

import socket

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from core.errors import OutboundError
from core.outbound import AddressGuard, OutboundRequest, OutboundResponse


class GuardedResolver(AbstractResolver):
    """Resolves names and hands out only permitted addresses; aiohttp connects to exactly these."""

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=endpoint.address,
                port=port,
                family=endpoint.family,
                proto=endpoint.protocol,
                flags=socket.AI_NUMERICHOST,
            )
            for endpoint in await self._guard.resolve(host, port, family)
        ]

    async def close(self) -> None:
        return None


class OutboundClient:
    """Every connection of it passes the guard, but for address literals: they skip the resolver."""

    def __init__(self, guard: AddressGuard) -> None:
        connector = aiohttp.TCPConnector(resolver=GuardedResolver(guard), use_dns_cache=False)
        self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    async def exchange(
        self,
        request: OutboundRequest,
        *,
        max_bytes: int,
        timeout: float,  # noqa: ASYNC109 - enforced by aiohttp
    ) -> OutboundResponse:
        """Raises OutboundError on a network error and on a body too large."""
        host = request.url.host
        try:
            async with self._session.request(
                request.method,
                request.url,
                headers=request.headers,
                data=request.body,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout),
            ) as response:
                content = await response.content.read(max_bytes + 1)
                while len(content) <= max_bytes and (chunk := await response.content.read(max_bytes + 1)):
                    content += chunk
                if len(content) > max_bytes:
                    raise OutboundError("ERR-OUTBOUND_SIZE", f"{host} answered more than {max_bytes} bytes")
                return OutboundResponse(response.status, dict(response.headers), content)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise OutboundError("ERR-OUTBOUND_FAILED", f"{host}: {type(error).__name__}") from error

    async def close(self) -> None:
        await self._session.close()
