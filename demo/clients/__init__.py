"""The county's OpenID Connect clients, each on a loopback port of its own, built on two different client libraries."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from demo.clients.open_affairs import OpenAffairs
from demo.clients.patrol import Patrol
from demo.description import Federated
from demo.serving import Listener


@asynccontextmanager
async def open_clients(issuer: str) -> AsyncIterator[tuple[Federated, ...]]:
    """Starts both; gives what Yimen is to be told of them."""
    affairs_at, patrol_at = Listener(), Listener()
    secret = secrets.token_urlsafe(32)
    affairs = OpenAffairs(affairs_at.origin, issuer, OpenAffairs.slug, secret)
    patrol = Patrol(patrol_at.origin, issuer, Patrol.slug)
    await affairs_at.start(affairs.app)
    await patrol_at.start(patrol.app)
    try:
        yield (
            Federated(
                slug=affairs.slug,
                title=affairs.title,
                english="Village Affairs",
                owner="qx-nn",
                category="政务办公",
                origin=affairs.origin,
                client=OpenAffairs.registration(affairs.origin, affairs.slug, secret),
            ),
            Federated(
                slug=patrol.slug,
                title=patrol.title,
                english="Grid Patrol",
                owner="qx-zf",
                category="平安建设",
                origin=patrol.origin,
                client=Patrol.registration(patrol.origin, patrol.slug),
            ),
        )
    finally:
        await asyncio.gather(affairs_at.stop(), patrol_at.stop())
