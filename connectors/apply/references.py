"""What a client or system names must be there: an organisation, a recipe, the security administrator who signed."""

from collections.abc import Iterable

from connectors.apply.document import ClientEntry
from connectors.errors import ConnectorError
from connectors.legacy.recipe.store import Recipes
from connectors.registration import SystemRegistration
from core.database import Connection
from sso.directory.organisations import Organisations
from sso.directory.roles import Role
from sso.directory.users import Users


class References:
    """Each check raises the error of what is missing, with the field that names it in front."""

    def __init__(self, connection: Connection, organisations: Organisations, users: Users, recipes: Recipes) -> None:
        self._connection = connection
        self._organisations = organisations
        self._users = users
        self._recipes = recipes

    async def require_of_client(self, client: ClientEntry) -> None:
        await self._require_organisations("owner", [client.owner])
        await self._require_organisations("access.organisations", sorted(client.access.organisations))

    async def require_of_system(self, system: SystemRegistration) -> None:
        await self._require_organisations("owner", [system.owner])
        await self._require_organisations("access.organisations", sorted(system.access.organisations))
        if system.recipe is not None and await self._recipes.find(self._connection, system.recipe) is None:
            raise ConnectorError("ERR-RECIPE", f"recipe: there is no recipe {system.recipe}")
        if system.http_approved_by is not None:
            await self._require_security_administrator("http_approved_by", system.http_approved_by)
        if system.upstream_ca_approved_by is not None:
            await self._require_security_administrator("upstream_ca_approved_by", system.upstream_ca_approved_by)
        for one in system.further_origins:
            if one.http_approved_by is not None:
                field = f"further_origins.{one.name}.http_approved_by"
                await self._require_security_administrator(field, one.http_approved_by)

    async def _require_organisations(self, field: str, named: Iterable[str | None]) -> None:
        for one in named:
            if one is not None and await self._organisations.find(self._connection, one) is None:
                raise ConnectorError("ERR-ORGANISATION", f"{field}: there is no organisation {one}")

    async def _require_security_administrator(self, field: str, username: str) -> None:
        """Plain http, and an authority of the county's own, are signed for by a person who may (DESIGN §4.16)."""
        user = await self._users.find_by_username(self._connection, username)
        if user is None:
            raise ConnectorError("ERR-USERNAME", f"{field}: there is no user {username}")
        if Role.SECURITY_ADMIN not in user.roles:
            raise ConnectorError("ERR-ROLES", f"{field}: {username} is no security administrator")
