"""After a sign-in that the gateway took part in: the answer is judged, the Item noted or frozen, echoes removed."""

import json
from collections.abc import Iterable
from html import escape
from urllib.parse import quote, quote_plus

from connectors.gateway.parts import GatewayParts
from connectors.gateway.sessions import GatewaySession
from connectors.legacy.outcome import Outcome, SignInResponse, judge
from connectors.legacy.recipe import Recipe
from connectors.systems import System
from vault.ledger import Event

_FREEZING = frozenset({"failure", "locked", "expired"})
_SHORTEST_ECHO = 4
_SCRUBBED = b"******"


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


def scrubbed(body: bytes, secrets: Iterable[bytes | bytearray]) -> bytes:
    """The answer without the password, should the system echo it: plain, or as HTML, addresses and JSON write it."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_ECHO:
            for form in _written_forms(secret):
                body = body.replace(form, _SCRUBBED)
    return body


def _written_forms(secret: bytes | bytearray) -> list[bytes]:
    """Longest first, so that no form leaves a piece of another."""
    text = bytes(secret).decode("utf-8", "replace")
    written = {
        text,
        escape(text, quote=True),
        escape(text, quote=False),
        quote(text, safe=""),
        quote_plus(text),
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
    }
    forms = {form.encode() for form in written} | {text.encode("gb18030", "replace")}
    return sorted(forms, key=len, reverse=True)
