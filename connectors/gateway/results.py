"""After a sign-in that the gateway took part in: the answer is judged, the Item noted or frozen."""

from connectors.gateway.parts import GatewayParts
from connectors.gateway.sessions import GatewaySession
from connectors.legacy.outcome import Outcome, SignInResponse, judge
from connectors.legacy.recipe import Recipe
from connectors.systems import System
from vault.ledger import Event

_FREEZING = frozenset({"failure", "locked", "expired"})


class Results:
    def __init__(self, parts: GatewayParts) -> None:
        self._parts = parts

    async def note(
        self, who: GatewaySession, system: System, recipe: Recipe | None, item_id: str | None, answer: SignInResponse
    ) -> Outcome:
        """Judges the answer. A refused password freezes its Item: nothing is tried a second time (DESIGN §4.15)."""
        outcome = judge(recipe, answer)
        if item_id is not None:
            await self.record(who, system, item_id, outcome)
        return outcome

    async def record(self, who: GatewaySession, system: System, item_id: str, outcome: Outcome) -> None:
        actor = f"user:{who.session.user.id}"
        async with self._parts.database.write() as connection:
            if outcome.result in _FREEZING:
                await self._parts.items.freeze(connection, item_id, outcome.result, actor=actor)
            else:
                await self._parts.items.note_result(connection, item_id, outcome.result)
            await self._parts.ledger.record(
                connection,
                Event(
                    action="gateway.result",
                    result="failure" if outcome.result in _FREEZING else "success",
                    actor=actor,
                    subject=f"item:{item_id}",
                    system=system.id,
                    session=who.session.id,
                    address=who.session.address,
                    detail={"outcome": outcome.result, "why": outcome.why[:200]},
                ),
            )
