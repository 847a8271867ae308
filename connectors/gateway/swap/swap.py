"""The swap: the request that leaves for the legacy server carries the real value where the page put a dummy.

This is the only place where a password enters a body. It happens once for each fill, in a request that fits a known
login request, or in a supervised sign-in one that may be learned; a dummy found anywhere else is refused and never
sent (DESIGN §4.16, §4a.24). What leaves is written anew from what was read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from connectors.errors import ConnectorError
from connectors.gateway.refusals import Refusals
from connectors.gateway.session.fills import Fill, Fills
from connectors.gateway.session.secrets import VisitSecrets
from connectors.gateway.session.sessions import FRESH_SECONDS, GatewaySession
from connectors.gateway.swap.attempts import Attempt, Attempts
from connectors.gateway.swap.body import AmbiguousBodyError, ParsedBody
from connectors.gateway.swap.decision import Exchange, Refusal, Sent, decide, may_matter, speaks_of
from connectors.gateway.swap.knowledge import LoginKnowledge
from connectors.gateway.swap.salts import salts_for, variables_for
from connectors.gateway.swap.sent import SentBody
from connectors.launch import Launcher
from connectors.legacy.recipe.recipe import Recipe
from connectors.login_requests import LoginRequest
from connectors.login_requests.request import SOCKET
from connectors.login_requests.store import Knowledge, LoginRequests
from connectors.systems import System
from core.clock import Clock
from core.database import Database
from core.offload import INLINE_BYTES, off_loop
from vault.errors import VaultError
from vault.items import Items
from vault.keys.suites import wipe

MAX_BODY_BYTES = 1024 * 1024
# Fills of one visit that a request is compared with, besides those whose dummy stands in it as it is: pages that stand
# open at the same time.
_MOST_COMPARED = 5
# What a page made of the password is looked for too; a longer cipher is worth nothing a second time, and costs much.
_LONGEST_ECHO = 400
# Many ways of hashing may be tried: that is never done on the loop.
_MUCH = INLINE_BYTES + 1


@dataclass
class Swapped:
    """A body with the real value, for `request`, which says so; `sent` is what the page had sent. `attempt` gets the
    answer, for a second press that comes meanwhile. What its answers must not show is kept by now."""

    fill: Fill
    request: LoginRequest
    attempt: Attempt
    sent: ParsedBody = field(repr=False)
    body: bytearray = field(repr=False)
    content_type: str
    secrets: tuple[bytearray, ...] = field(repr=False)

    def wipe(self) -> None:
        for buffer in (self.body, *self.secrets):
            wipe(buffer)


class Swap:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        fills: Fills,
        knowledge: LoginKnowledge,
        attempts: Attempts,
        secrets: VisitSecrets,
        requests: LoginRequests,
        launcher: Launcher,
        items: Items,
        refused: Refusals,
    ) -> None:
        self._database = database
        self._clock = clock
        self._fills = fills
        self._knowledge = knowledge
        self._attempts = attempts
        self._secrets = secrets
        self._requests = requests
        self._launcher = launcher
        self._items = items
        self._refused = refused

    async def swap(
        self, who: GatewaySession, system: System, recipe: Recipe | None, sent: SentBody, fills: Sequence[Fill]
    ) -> Swapped | Attempt | None:
        """The body to send instead; the attempt under way that this request is a second press of; or None when it
        carries no dummy. Raises ERR-FILL, ERR-LOGIN_CHANGED, ERR-NEEDS_RECIPE, ERR-TRANSFORM, and the vault's refusals;
        then nothing is sent at all."""
        filled = _likely([fill for fill in fills if fill.item_id is not None], sent.body)
        if not filled:
            return None
        charset = next((fill.charset for fill in filled if fill.id == sent.filled), filled[0].charset)
        try:
            body = await off_loop(len(sent.body), sent.parsed, charset)
        except AmbiguousBodyError as error:
            await self._refuse_ambiguous(who, system, sent, filled, str(error))
            return None
        knowledge = await self._knowledge.of(system, who.session.user.id, recipe)
        refusals: list[tuple[Fill, Refusal]] = []
        for fill in filled:
            if sent.line.method == SOCKET and not may_matter(sent.line, body, fill, knowledge):
                continue
            decided = await self._decided(recipe, sent, body, fill, knowledge)
            if isinstance(decided, Exchange):
                return await self._exchanged(who, system, recipe, fill, body, decided)
            if decided is not None:
                refusals.append((fill, decided))
        # Another page of the same system may explain what this one does not: only now is it certain that none does.
        for fill, refusal in refusals:
            await self._refuse(who, system, fill, refusal)
        return None

    async def _exchanged(
        self,
        who: GatewaySession,
        system: System,
        recipe: Recipe | None,
        fill: Fill,
        body: ParsedBody,
        exchange: Exchange,
    ) -> Swapped | Attempt:
        if (attempt := self._attempts.under_way(who.id, fill.id)) is not None:
            return attempt
        # Begun before anything is awaited: a press at the same moment finds it.
        attempt = self._attempts.begin(who.id, fill.id)
        try:
            if fill.is_spent:
                why = "the page was used before, or stood open too long"
                await self._refuse(who, system, fill, Refusal("ERR-FILL", why), "spent")
            if system.registration.signed_login and exchange.taught is not None:
                await self._propose(who, system, fill, exchange.taught)
            await self._consume(who, system, fill, exchange)
            return await self._opened(who, system, recipe, fill, body, exchange, attempt)
        except BaseException as error:
            attempt.failed(error)
            raise

    async def refuse_elsewhere(
        self, who: GatewaySession, system: System, where: str, lines: Sequence[str], fills: Sequence[Fill]
    ) -> None:
        """A page that sends passwords in addresses or header fields is not served: raises ERR-FILL."""
        for fill in fills:
            if any(speaks_of([fill.dummy], line) for line in lines):
                place = where.replace(fill.dummy, "…")[:100] if fill.dummy else where[:100]
                why = f"{place}: the page sends the password outside of the body"
                await self._refuse(who, system, fill, Refusal("ERR-FILL", why), "elsewhere")

    async def _decided(
        self, recipe: Recipe | None, sent: SentBody, body: ParsedBody, fill: Fill, knowledge: Knowledge
    ) -> Exchange | Refusal | None:
        login = await self._login_of(fill)
        asked = Sent(
            line=sent.line,
            body=body,
            salts=salts_for(fill, body, sent.cookies),
            filled=sent.filled,
            may_teach=sent.may_teach(fill),
            recipe=recipe.compiled_transform if recipe is not None else None,
            variables=variables_for(recipe, fill, body, sent.cookies, login) if recipe is not None else {},
        )
        return await off_loop(_MUCH, decide, asked, fill, login, knowledge)

    async def _propose(self, who: GatewaySession, system: System, fill: Fill, taught: LoginRequest) -> NoReturn:
        """A system that demands a signature before the first use: what was seen waits for it, and nothing is sent."""
        async with self._database.write() as connection:
            await self._requests.propose(connection, system.login, who.session.user.id, taught)
        why = f"{taught.method} {taught.path[:100]} waits for the security administrator's signature"
        await self._refuse(who, system, fill, Refusal("ERR-LOGIN_UNSIGNED", why))

    async def _login_of(self, fill: Fill) -> str | None:
        """The user name of the fill's Item; None when that has been removed."""
        async with self._database.read() as connection:
            try:
                return await self._items.login_name(connection, fill.item_id or "")
            except VaultError as error:
                if error.code != "ERR-ITEM":
                    raise
                return None

    async def _consume(self, who: GatewaySession, system: System, fill: Fill, exchange: Exchange) -> None:
        known_id = (exchange.known.id if exchange.known is not None else "") or fill.known_id
        async with self._database.write() as connection:
            consumed = await self._fills.consume(connection, fill, known_id=known_id, taught=exchange.taught)
            await self._launcher.consume_intent(connection, who.session.id, system.id)
        if not consumed:
            await self._refuse(who, system, fill, Refusal("ERR-FILL", "the dummy was used before"), "spent")

    async def _opened(
        self,
        who: GatewaySession,
        system: System,
        recipe: Recipe | None,
        fill: Fill,
        body: ParsedBody,
        exchange: Exchange,
        attempt: Attempt,
    ) -> Swapped:
        async with self._database.read() as connection:
            item = await self._items.find(connection, fill.item_id or "")
        request = exchange.request
        opened = await self._launcher.release(
            session=who.session,
            system=system,
            item=item,
            recipe_hash=recipe.hash if recipe is not None else request.hash,
            purpose="fill",
        )
        with opened as plain:
            secret = bytearray(plain)
        values = {name: making.transform.apply(secret, making.variables) for name, making in exchange.places.items()}
        secrets = (secret, *values.values())
        # A process that remembers the visit from before the fill would show its answers as they are.
        age = (self._clock.now() - fill.created_at).total_seconds()
        short = [one for one in secrets if len(one) <= _LONGEST_ECHO]
        await self._secrets.keep(who, short, waits=FRESH_SECONDS - age)
        written, content_type = body.written(values)
        return Swapped(fill, request, attempt, body, written, content_type, secrets)

    async def _refuse_ambiguous(
        self, who: GatewaySession, system: System, sent: SentBody, fills: Sequence[Fill], why: str
    ) -> None:
        """A body that is no login's passes as it is, unless a dummy stands in it: there it would be a wrong
        password."""
        text = sent.body.decode("latin-1")
        for fill in fills:
            if fill.dummy in text:
                why = f"{sent.line.path[:100]}: {why}"
                await self._refuse(who, system, fill, Refusal("ERR-FILL", why), "ambiguous body")

    async def _refuse(
        self, who: GatewaySession, system: System, fill: Fill, refusal: Refusal, place: str = "body"
    ) -> NoReturn:
        await self._refused.dummy(who, system, fill, code=refusal.code, why=refusal.why, place=place)
        raise ConnectorError(refusal.code, refusal.why, status=400)


def _likely(fills: Sequence[Fill], body: bytes) -> list[Fill]:
    """Those that the request may hold something of: however many pages are open, no dummy is sent on."""
    named = [fill for fill in fills if fill.dummy.encode() in body]
    return [*named, *(fill for fill in fills[:_MOST_COMPARED] if fill not in named)]
