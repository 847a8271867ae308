"""What the gateway refuses, in the ledger: who tried what at which system, and from where.

Enters: a request or a dummy that is refused. Promised: every attempt of a kind is told before its answer, and a page
that tries without end cannot flood the ledger (`vault.ledger.repeats`). No dummy is written down.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

from starlette.requests import HTTPConnection

from connectors.errors import ConnectorError
from connectors.gateway.session.fills import DUMMY_PREFIX, Fill
from connectors.gateway.session.sessions import GatewaySession
from connectors.gateway.wire.foreign import sender_of
from connectors.systems import System
from vault.ledger import Event
from vault.ledger.repeats import Repeats

_DUMMY = re.compile(rf"{DUMMY_PREFIX}[A-Za-z0-9]+")
_UNSAID = "unsaid"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WEBSOCKET"})
_SITES = frozenset({_UNSAID, "none", "same-origin", "same-site", "cross-site"})
_SHOWN = ("document", "iframe", "frame", "embed", "object", "image", "audio", "video", "track", "font", "style")
_RUN = ("empty", "script", "worker", "sharedworker", "serviceworker", "manifest", "report", "websocket")
_DESTINATIONS = frozenset({_UNSAID, *_SHOWN, *_RUN})
_LONGEST = 100


class Refusals:
    def __init__(self, repeats: Repeats) -> None:
        self._repeats = repeats

    @asynccontextmanager
    async def told(self, connection: HTTPConnection, who: GatewaySession | None, system: System) -> AsyncIterator[None]:
        """Records the error with which a request is refused here, and raises it again."""
        try:
            yield
        except ConnectorError as error:
            await self._request(connection, who, system, error)
            raise

    async def _request(
        self, connection: HTTPConnection, who: GatewaySession | None, system: System, error: ConnectorError
    ) -> None:
        event = Event(
            action="gateway.request",
            result="refused",
            actor=f"user:{who.session.user.id}" if who is not None else None,
            system=system.id,
            session=who.session.id if who is not None else None,
            address=connection.state.address,
            reason=error.code,
            detail=described(connection, error.detail),
        )
        by = who.id if who is not None else system.id
        await self._repeats.append(event, by=by, kind=(error.code, *kind_of(connection)))

    async def dummy(self, who: GatewaySession, system: System, fill: Fill, *, code: str, why: str, place: str) -> None:
        """A dummy that was not exchanged. `place` says where it stood, in one of a few words."""
        event = Event(
            action="gateway.swap",
            result="refused",
            actor=f"user:{who.session.user.id}",
            subject=f"item:{fill.item_id}" if fill.item_id else None,
            system=system.id,
            session=who.session.id,
            address=who.session.address,
            reason=code,
            detail={"why": _DUMMY.sub("…", why)[:300]},
        )
        await self._repeats.append(event, by=who.id, kind=(code, place))


def described(connection: HTTPConnection, why: str) -> dict[str, str]:
    """What an event tells of a request that was refused: enough to see which page tried what."""
    said = {
        "why": why,
        "method": _method_of(connection),
        "path": quote(connection.scope["path"], safe="/;,:=@+"),
        "from": sender_of(connection) or _UNSAID,
        "site": connection.headers.get("sec-fetch-site", _UNSAID),
        "destination": connection.headers.get("sec-fetch-dest", _UNSAID),
    }
    return {name: _shown(text) for name, text in said.items()}


def kind_of(connection: HTTPConnection) -> tuple[str, ...]:
    """What the browser says of it, in few words, whatever somebody writes there."""
    site, destination = (connection.headers.get(name, _UNSAID) for name in ("sec-fetch-site", "sec-fetch-dest"))
    known = ((_method_of(connection), _METHODS), (site, _SITES), (destination, _DESTINATIONS))
    return tuple(said if said in words else "other" for said, words in known)


def _method_of(connection: HTTPConnection) -> str:
    return str(connection.scope.get("method", "WEBSOCKET"))


def _shown(text: str) -> str:
    plain = "".join(one if one.isprintable() else "�" for one in text[: 2 * _LONGEST])
    return _DUMMY.sub("…", plain)[:_LONGEST]
