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


async def follow_the_settings(
    connection: Connection, settings: Settings, systems: Systems, clients: Clients
) -> list[str]:
    """Gives the sign-in clients of the gateway the return addresses that the settings make now; names the systems whose
    client had others. For the start: a county that moves its gateway must not describe itself anew."""
    moved: list[str] = []
    after = GATEWAY_CLIENT_PREFIX
    while page := await clients.list(connection, after=after):
        after = page[-1].client_id
        own = [client for client in page if client.client_id.startswith(GATEWAY_CLIENT_PREFIX)]
        for client in own:
            slug = client.client_id.removeprefix(GATEWAY_CLIENT_PREFIX)
            if client.metadata.redirect_uris == (gateway_redirect_uri(settings, slug),):
                continue
            system = await systems.find_by_slug(connection, slug)
            if system is not None:
                await clients.upsert(connection, gateway_client(settings, system.registration), actor="system")
                moved.append(slug)
        if len(own) < len(page):
            break
    return moved
