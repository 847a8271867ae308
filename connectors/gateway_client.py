"""The client by which the gateway of one system signs people in at the provider (DESIGN §4.17).

Each system's gateway host is a relying party of its own: public, with PKCE, first party, and under the system's own
access rule, so the provider refuses who may not open the system before the gateway is even asked.
"""

from connectors.registration import SystemRegistration, SystemStatus
from connectors.systems import Systems
from core.database import Connection
from core.settings import Settings
from sso.clients import ClientRegistration, Clients

CALLBACK_PATH = "/.yimen/callback"
GATEWAY_CLIENT_PREFIX = "gateway."


def gateway_client_id(slug: str) -> str:
    return f"{GATEWAY_CLIENT_PREFIX}{slug}"


def gateway_redirect_uri(settings: Settings, host: str) -> str:
    """`host` is the name of a gateway host: a system has one for each of its origins."""
    return f"{settings.gateway_origin(host)}{CALLBACK_PATH}"


def gateway_client(settings: Settings, system: SystemRegistration) -> ClientRegistration:
    return ClientRegistration(
        client_id=gateway_client_id(system.slug),
        name=system.name.model_dump(),
        policy="strict",
        owner=system.owner,
        first_party=True,
        access=system.access,
        status="active" if system.status is SystemStatus.LIVE else "disabled",
        metadata={
            "redirect_uris": [gateway_redirect_uri(settings, host) for host in system.gateway_hosts],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code"],
            "scope": "openid",
        },
    )


async def keep_by_host(connection: Connection, settings: Settings, systems: Systems, clients: Clients) -> list[str]:
    """Once, at the upgrade: the gateway's clients of before kept whole addresses, those of the settings of then. Gives
    the systems whose client is written anew; what somebody else wrote stays as it is, refused."""
    own = await _own(connection, clients)
    renewed: list[str] = []
    after = ""
    while page := await systems.list(connection, after=after):
        after = page[-1].slug
        for system in page:
            client = gateway_client(settings, system.registration)
            if client.client_id in own and await clients.upsert(connection, client, actor="system"):
                renewed.append(system.slug)
    return renewed


async def _own(connection: Connection, clients: Clients) -> set[str]:
    own: set[str] = set()
    after = GATEWAY_CLIENT_PREFIX
    while page := await clients.list(connection, after=after):
        after = page[-1].client_id
        found = {client.client_id for client in page if client.client_id.startswith(GATEWAY_CLIENT_PREFIX)}
        own |= found
        if len(found) < len(page):
            break
    return own
