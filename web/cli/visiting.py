"""How commands reach a legacy system: over the gateway's own wire, guarded, by the authorities that are named."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated

import typer

from connectors.gateway.wire.upstream import Upstream
from connectors.gateway.wire.visitor import Visitor
from connectors.origin import ExactOrigin
from core.outbound import Outbound, address_of
from core.settings import load_settings
from core.trust import Trust, public_trust, trust_of

Allow = Annotated[
    list[str] | None,
    typer.Option("--allow", help="A private network to reach beside YIMEN_UPSTREAM_ALLOW, e.g. 127.0.0.0/8"),
]
Authority = Annotated[
    Path | None,
    typer.Option(
        "--ca", help="PEM: what `upstream_ca` of the system says, whose certificates this server alone may show"
    ),
]


@asynccontextmanager
async def visiting(url: str, allow: list[str] | None, authority: Path | None) -> AsyncIterator[Visitor]:
    """For the origin of `url`, and where it leads. What `authority` names is believed of that origin alone."""
    outbound, first = _guarded(allow), ExactOrigin.parse(url)
    named = _trust_in(authority) if authority is not None else public_trust()

    def trust(origin: ExactOrigin) -> Trust:
        outbound.require_target(address_of(str(origin)))
        return named if origin == first else public_trust()

    upstream = Upstream(outbound)
    try:
        yield Visitor(upstream, trust)
    finally:
        await upstream.close()


def _guarded(allow: list[str] | None) -> Outbound:
    """The guarded way to legacy systems, as the gateway has it, and to the networks named here."""
    try:
        named = tuple(ip_network(one) for one in allow or ())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--allow") from None
    return Outbound((*load_settings().upstream_allow, *named))


def _trust_in(authority: Path) -> Trust:
    try:
        return trust_of(authority.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise typer.BadParameter(f"{authority}: {why}", param_hint="--ca") from None
