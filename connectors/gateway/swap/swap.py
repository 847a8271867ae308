"""The swap: the request body that leaves for the legacy server carries the real value where the page put a dummy.

This is the only place where a password enters a request. It happens once for each fill, in the expected field, at the
expected address of the system's own origin; a dummy found anywhere else is refused and never sent (DESIGN §4.16).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connectors.errors import ConnectorError
from connectors.gateway.pages.fills import Fill, Fills
from connectors.gateway.session.sessions import GatewaySession
from connectors.gateway.swap.bodies import Kind, Place, document_of, kind_of, places_in, replaced
from connectors.gateway.swap.recognise import Recognised, hides, looks_made, recognise
from connectors.launch import Launcher
from connectors.legacy.recipe.recipe import Recipe
from connectors.legacy.recipe.transforms import Transform
from connectors.legacy.recipe.variables import from_cookies, from_request, require_variables
from connectors.systems import System
from core.database import Database
from vault.errors import VaultError
from vault.items import Items
from vault.keys.suites import wipe
from vault.ledger import Event, Ledger

MAX_BODY_BYTES = 1024 * 1024
# What a page makes of twelve characters is no shorter; flags and numbers are.
_LEAST_MADE = 6


@dataclass(frozen=True)
class SentBody:
    """A request as far as a swap cares. `path` has no query. `filled` names the fill that our script has put into a
    page of this host last, with nothing typed over it since; `typed` is the length of the password that a person typed.
    """

    method: str
    path: str
    content_type: str
    body: bytes = field(repr=False)
    cookies: Mapping[str, str] = field(repr=False)
    filled: str = ""
    typed: int | None = None


@dataclass
class Swapped:
    """A body with the real value; `secret` is kept to scrub it from the answer. Both are wiped by `wipe`."""

    fill: Fill
    body: bytearray = field(repr=False)
    secret: bytearray = field(repr=False)
    written: bytearray = field(repr=False)

    def wipe(self) -> None:
        for buffer in (self.body, self.secret, self.written):
            wipe(buffer)


class Swap:
    def __init__(self, database: Database, fills: Fills, launcher: Launcher, items: Items, ledger: Ledger) -> None:
        self._database = database
        self._fills = fills
        self._launcher = launcher
        self._items = items
        self._ledger = ledger

    async def swap(
        self, who: GatewaySession, system: System, recipe: Recipe | None, sent: SentBody, fills: Sequence[Fill]
    ) -> Swapped | None:
        """The body to send instead, or None when this request carries no dummy. Raises ERR-FILL, ERR-NEEDS_RECIPE,
        ERR-TRANSFORM, and the vault's refusals; then nothing is sent at all."""
        kind = kind_of(sent.content_type, sent.body)
        filled = [fill for fill in fills if fill.item_id is not None]
        for fill in filled:
            places = _places(sent, kind, fill)
            found = self._found(recipe, fill, sent, kind, places)
            if len(found) > 1:
                raise await self._refusal(who, system, fill, "the dummy stands in several fields")
            if found and fill.is_spent:
                raise await self._refusal(who, system, fill, "the page was used before, or stood open too long")
            if found and kind is not None:
                return await self._put(who, system, recipe, fill, sent, found[0], kind, places)
            if fill.dummy.encode() in sent.body or hides(fill.dummy, [place.value for place in places]):
                raise await self._refusal(who, system, fill, "the dummy stands where none was put")
        for fill in (one for one in filled if not one.is_used):
            if await self._is_unknown_making(recipe, fill, sent, _places(sent, kind, fill)):
                why = "the page encrypts passwords: it needs a recipe"
                raise await self._refusal(who, system, fill, why, code="ERR-NEEDS_RECIPE")
        return None

    async def refuse_elsewhere(
        self, who: GatewaySession, system: System, lines: Sequence[str], fills: Sequence[Fill]
    ) -> None:
        """A page that sends passwords in addresses or header fields is not served: raises ERR-FILL."""
        for fill in fills:
            if fill.dummy and any(fill.dummy in line for line in lines):
                raise await self._refusal(who, system, fill, "the page sends the password outside of the body")

    def _found(
        self, recipe: Recipe | None, fill: Fill, sent: SentBody, kind: Kind | None, places: Sequence[Place]
    ) -> list[Recognised]:
        """Where the dummy stands, as the page made it."""
        if recipe is None or recipe.transform == "plain":
            salts = [*fill.variables.values(), *(place.value for place in places), *sent.cookies.values()]
            return recognise(fill.dummy, places, salts)
        variables = dict(fill.variables) | from_cookies(recipe, sent.cookies)
        if kind is not None and places:
            variables |= from_request(recipe, document_of(sent.body, kind, list(places)))
        transform = recipe.compiled_transform
        expected = _expected(transform, fill, variables)
        return [
            Recognised(place, transform, variables)
            for place in places
            if place.value == expected
            or (expected is None and not fill.is_used and _is_named(recipe, fill, sent, place, places))
        ]

    async def _is_unknown_making(
        self, recipe: Recipe | None, fill: Fill, sent: SentBody, places: Sequence[Place]
    ) -> bool:
        """The login request holds something in the password's field that no person typed and no dummy explains. Sent
        on, it would count as a wrong password."""
        was_filled = fill.id == sent.filled and not fill.is_expired
        made = [one for one in places if looks_made(one.value) or (was_filled and len(one.value) >= _LEAST_MADE)]
        if not made:
            return False
        login = await self._login_of(fill)
        return any(
            fill.allows(recipe, sent.path, sent.method, place, places, login)
            or (
                recipe is None
                and looks_made(place.value)
                and fill.may_be_sealed_in(sent.path, sent.method, place, places)
            )
            for place in made
        )

    async def _login_of(self, fill: Fill) -> str | None:
        """The user name of the fill's Item; None when that has been removed."""
        async with self._database.read() as connection:
            try:
                return await self._items.login_name(connection, fill.item_id or "")
            except VaultError as error:
                if error.code != "ERR-ITEM":
                    raise
                return None

    async def _put(
        self,
        who: GatewaySession,
        system: System,
        recipe: Recipe | None,
        fill: Fill,
        sent: SentBody,
        found: Recognised,
        kind: Kind,
        places: Sequence[Place],
    ) -> Swapped:
        place = found.place
        if not place.is_certain:
            raise await self._refusal(who, system, fill, "the dummy's place in the document is not certain")
        if not fill.allows(recipe, sent.path, sent.method, place, places, await self._login_of(fill)):
            raise await self._refusal(who, system, fill, f"{sent.method} {sent.path}, field {place.field[:100]}")
        if recipe is not None:
            require_variables(recipe, {**fill.variables, **found.variables})
        async with self._database.write() as connection:
            consumed = await self._fills.consume(connection, fill)
        if not consumed:
            raise await self._refusal(who, system, fill, "the dummy was used before")
        async with self._database.read() as connection:
            item = await self._items.find(connection, fill.item_id or "")
        recipe_hash = recipe.hash if recipe is not None else ""
        opened = await self._launcher.release(
            session=who.session, system=system, item=item, recipe_hash=recipe_hash, purpose="fill"
        )
        with opened as plain:
            secret = bytearray(plain)
        written = found.transform.apply(secret, found.variables)
        return Swapped(fill, replaced(sent.body, place, kind, written, fill.charset), secret, written)

    async def _refusal(
        self, who: GatewaySession, system: System, fill: Fill, why: str, *, code: str = "ERR-FILL"
    ) -> ConnectorError:
        await self._ledger.append(
            Event(
                action="gateway.swap",
                result="refused",
                actor=f"user:{who.session.user.id}",
                subject=f"item:{fill.item_id}" if fill.item_id else None,
                system=system.id,
                session=who.session.id,
                address=who.session.address,
                reason=code,
                detail={"why": why[:300]},
            )
        )
        return ConnectorError(code, why, status=400)


def _places(sent: SentBody, kind: Kind | None, fill: Fill) -> list[Place]:
    return places_in(sent.body, kind, sent.content_type, fill.charset) if kind is not None else []


def _expected(transform: Transform, fill: Fill, variables: Mapping[str, str]) -> str | None:
    """What the page makes of the dummy; None when that cannot be known: a random transform, or a missing value."""
    if transform.variables - variables.keys():
        return None
    dummy = bytearray(fill.dummy.encode())
    first, second = transform.apply(dummy, variables), transform.apply(dummy, variables)
    return first.decode("utf-8", "replace") if first == second else None


def _is_named(recipe: Recipe, fill: Fill, sent: SentBody, place: Place, places: Sequence[Place]) -> bool:
    """The field that the recipe names, in the request that it names: all there is to go by when a page encrypts."""
    named = recipe.request.path is not None and recipe.request.password_field is not None
    return named and fill.allows(recipe, sent.path, sent.method, place, places)
