"""The upgrade that brought generations of logins: every system gets one, and so does what is known of its login."""

from collections.abc import Mapping

from connectors.login_requests.store import LoginRequests
from connectors.systems import Systems
from core.database import Connection


async def begin_generations(
    connection: Connection, systems: Systems, login_requests: LoginRequests
) -> Mapping[tuple[str, str], str]:
    """Gives the destination of today for each system and its destination of before, for the accounts sealed then."""
    renewals = await systems.begin_generations(connection)
    await login_requests.begin_generations(connection, [one.now.login for one in renewals])
    return {(one.now.id, one.before.destination): one.now.destination for one in renewals}
