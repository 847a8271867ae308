"""A page's script that signs in by an Authorization header field of its own (RFC 7617), with the dummy as password.

Such scripts send the field with every request, so the real one is kept sealed for the gateway session, as for systems
that ask for Basic authentication themselves. It goes to the system's own origin and into no body.
"""

from connectors.errors import ConnectorError
from connectors.gateway.pages.fills import DUMMY_PREFIX, Fill, Fills
from connectors.gateway.parts import GatewayParts
from connectors.gateway.swap.basic import BasicAuthorization
from connectors.gateway.visit import Visit
from connectors.gateway.wire.headers import basic_credential


class ScriptedBasic:
    def __init__(self, parts: GatewayParts, fills: Fills, basic: BasicAuthorization) -> None:
        self._parts = parts
        self._fills = fills
        self._basic = basic

    async def authorization(self, visit: Visit) -> str | None:
        """The field's value for the legacy server; None where the page's own holds no dummy of this session.

        Notes in the visit whose account it is. Raises ERR-FILL for a dummy that is spent.
        """
        credential = basic_credential(visit.headers.get("authorization", ""))
        if DUMMY_PREFIX not in credential:
            return None
        async with self._parts.database.read() as connection:
            fill = await self._fill_of(visit, credential, await self._fills.known(connection, visit.who.id))
        if fill is None or fill.item_id is None:
            return None
        value = await self._basic.kept(visit.who, visit.system, fill.item_id)
        if value is None:
            async with self._parts.database.write() as connection:
                if not await self._fills.consume(connection, fill):
                    raise ConnectorError("ERR-FILL", "the page was used before, or stood open too long", status=400)
            value, _ = await self._basic.header(visit.who, visit.system, item_id=fill.item_id)
        visit.basic_item = fill.item_id
        return value

    async def _fill_of(self, visit: Visit, credential: str, fills: list[Fill]) -> Fill | None:
        """The fill whose account's name and dummy are exactly what was sent."""
        for fill in fills:
            if fill.item_id is not None and credential.endswith(f":{fill.dummy}"):
                async with self._parts.database.read() as connection:
                    login = await self._parts.items.login_name(connection, fill.item_id)
                return fill if credential == f"{login}:{fill.dummy}" else None
        return None
