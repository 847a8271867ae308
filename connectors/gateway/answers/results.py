"""After a sign-in that the gateway took part in: the answer is judged, the Item noted or frozen, what was learned is
kept, an account offered."""

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

from connectors.gateway.parts import GatewayParts
from connectors.gateway.session.fills import Awaits, Fill, Fills, Undecided
from connectors.gateway.session.sessions import GatewaySession, GatewaySessions
from connectors.gateway.swap.basic import Authorization
from connectors.gateway.swap.captures import Captures, Held
from connectors.gateway.swap.swap import Swapped
from connectors.gateway.visit import Visit
from connectors.gateway.wire.headers import OFFER_COOKIE, Header
from connectors.legacy.outcome.conventions import LEADS_BACK
from connectors.legacy.outcome.judge import Outcome, SignInResponse, judge
from connectors.legacy.page.document import joined
from connectors.login_requests import LoginRequest
from connectors.login_requests.request import plain_path
from connectors.origin import ExactOrigin
from connectors.systems import System
from core.offload import off_loop
from vault.ledger import Event

_REPEATS = (307, 308)
_FREEZING = frozenset({"failure", "locked", "expired"})


class Results:
    def __init__(self, parts: GatewayParts, sessions: GatewaySessions, fills: Fills, captures: Captures) -> None:
        self._parts = parts
        self._sessions = sessions
        self._fills = fills
        self._captures = captures

    async def note(
        self,
        visit: Visit,
        status: int,
        answered: Sequence[Header],
        body: bytes,
        charset: str | None,
        *,
        is_echo: bool = False,
    ) -> list[Header]:
        """Judges the answer to a sign-in; gives the header fields that go to the browser with it. `is_echo`: it shows
        the password again, so nothing of it is quoted.

        A refused password freezes its Item: nothing is tried a second time (DESIGN §4.15).
        """
        login_url = visit.swapped.fill.login_url if visit.swapped else visit.held.login_url if visit.held else ""
        names = visit.swapped.request.passwords if visit.swapped is not None else ()
        told = SignInResponse(
            status,
            answered,
            visit.address,
            body,
            charset=charset,
            login_url=login_url,
            password_fields=tuple(name.rsplit("/", 1)[-1] for name in names),
        )
        outcome = await off_loop(len(body), judge, visit.recipe, told)
        headers: list[Header] = []
        if visit.swapped is not None:
            moved = _moved(visit, visit.swapped, answered) if status in _REPEATS else None
            why = "its words are not told: it shows the password again" if is_echo else outcome.why
            await self._note_swap(visit, visit.swapped, outcome, status, moved, why)
        if visit.held is not None:
            headers += await self._note_held(visit.held, outcome)
        return headers

    async def note_sent(self, fill: Fill) -> None:
        """The password has left in a message whose answer is still to come."""
        async with self._parts.database.write() as connection:
            await self._parts.items.note_result(connection, fill.item_id or "", "unknown")

    async def note_message(self, who: GatewaySession, system: System, fill: Fill, outcome: Outcome) -> None:
        """The system has answered it. The dummy is spent whatever it says: a message is put in once."""
        await self.record(who, system, fill.item_id or "", outcome)
        if outcome.result == "success":
            await self._keep_lessons(who, system, fill)

    async def note_basic(self, who: GatewaySession, system: System, given: Authorization, status: int) -> None:
        """The first answer to a header field says whether it was right: anything but a refusal is a success, and an
        error of the system is neither."""
        if given.is_first and status < 500:
            await self.record(who, system, given.item_id, Outcome("success", f"HTTP {status}"))
            if given.fill is not None:
                await self._keep_lessons(who, system, given.fill)

    async def decide(self, who: GatewaySession, system: System, one: Undecided, outcome: Outcome) -> None:
        """The page after a sign-in whose answer told nothing says how it went."""
        if one.fill.item_id is None:
            return
        await self.record(who, system, one.fill.item_id, outcome)
        if outcome.result == "success":
            await self._keep_lessons(who, system, one.fill)

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

    async def _note_swap(
        self, visit: Visit, swapped: Swapped, outcome: Outcome, status: int, moved: LoginRequest | None, why: str
    ) -> None:
        """307 and 308 tell the browser to send the same request elsewhere, to `moved` (RFC 9110 §15.4.8): no verdict
        yet."""
        repeats, is_redirect = status in _REPEATS, 300 <= status < 400
        if not repeats:
            told = Outcome(outcome.result, why)
            await self.record(visit.who, visit.system, swapped.fill.item_id or "", told)
        async with self._parts.database.write() as connection:
            if moved is not None:
                await self._fills.teach(connection, await self._fills.find(connection, swapped.fill.id), moved)
            if repeats or outcome.result == "success":
                await self._fills.make_good_again(connection, swapped.fill)
            if outcome.result == "unknown":
                awaits: Awaits = "back" if outcome is LEADS_BACK else "page"
                await self._fills.leave_undecided(connection, swapped.fill, awaits)
            elif outcome.result == "success" and is_redirect and not repeats:
                await self._fills.leave_undecided(connection, swapped.fill, "led")
        if outcome.result == "success" and not repeats:
            await self._keep_lessons(visit.who, visit.system, swapped.fill)

    async def _keep_lessons(self, who: GatewaySession, system: System, fill: Fill) -> None:
        """A success confirms the login request that was used, or pins what was learned; the supervision is over."""
        requests, user_id = self._parts.login_requests, who.session.user.id
        async with self._parts.database.write() as connection:
            now = await self._fills.find(connection, fill.id)
            if now.taught:
                await requests.learn(connection, system.login, user_id, now.taught)
            if now.known_id:
                await requests.confirm(connection, now.known_id, actor=f"user:{user_id}")
            if who.supervision is not None:
                await self._sessions.supervise(connection, who.id, None)

    async def _note_held(self, held: Held, outcome: Outcome) -> list[Header]:
        """What was accepted is offered; what tells nothing is held until the next page does."""
        if outcome.result == "success":
            await self._captures.offer(held.id)
            return [("set-cookie", f"{OFFER_COOKIE}={held.id}; Path=/; Max-Age=300; SameSite=Lax")]
        if outcome.result != "unknown":
            await self._captures.drop(held.id)
        return []


def _moved(visit: Visit, swapped: Swapped, answered: Sequence[Header]) -> LoginRequest | None:
    """The same request at the address that the system itself names: its path with or without a slash at the end, or the
    same path at another of its origins. None for any other, which a page could have chosen for it (`?next=…`)."""
    location = next((value for name, value in answered if name == "location"), "")
    address = joined(visit.address, location)
    origin = str(ExactOrigin.parse(address)) if address else ""
    if origin not in {str(endpoint.origin) for endpoint in visit.system.endpoints}:
        return None
    parts = urlsplit(address)
    if plain_path(parts.path).rstrip("/") != visit.line.path.rstrip("/"):
        return None
    query = dict(parse_qsl(parts.query, keep_blank_values=True, encoding="latin-1"))
    changes = {"origin": origin, "path": plain_path(parts.path), "query": query, "is_pattern": False}
    return swapped.request.model_copy(update=changes)
