"""Making one entry of a county file true, idempotently, and what of it shows in the diff: never a secret."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from connectors.apply.document import (
    ClientEntry,
    ItemEntry,
    OrganisationEntry,
    SystemEntry,
    TotpSeed,
    UserEntry,
)
from connectors.apply.entries import Entry
from connectors.apply.hashes import Hashes, named
from connectors.apply.references import References
from connectors.apply.secrets import reveal
from connectors.errors import ConnectorError
from connectors.gateway_client import GATEWAY_CLIENT_PREFIX, gateway_client
from connectors.legacy.recipe.recipe import Recipe
from connectors.legacy.recipe.store import Recipes
from connectors.login_requests.generation import origins_of
from connectors.registration import SystemRegistration
from connectors.systems import System, Systems
from core.clock import SystemClock
from core.database import Connection, Database
from core.errors import YimenError
from core.settings import Settings
from sso.authentication.passwords import Passwords
from sso.authentication.sessions import Sessions
from sso.authentication.totp import Totp
from sso.clients import ClientRegistration, Clients
from sso.directory.organisations import Kind, Level, Organisation, Organisations
from sso.directory.users import Post, UserRegistration, Users
from vault.items import Items
from vault.keys.suites import wipe
from vault.ledger import Ledger

Verb = Literal["create", "change", "keep"]


@dataclass(frozen=True)
class Step:
    """One line of the diff."""

    verb: Verb
    kind: str
    name: str
    fields: tuple[str, ...] = ()
    # What was accepted but changes nothing.
    without_effect: tuple[str, ...] = ()
    # What was accepted but will not work as it stands.
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parts:
    """What apply works on."""

    settings: Settings
    database: Database
    ledger: Ledger
    organisations: Organisations
    users: Users
    passwords: Passwords
    totp: Totp
    sessions: Sessions
    clients: Clients
    recipes: Recipes
    systems: Systems
    items: Items


class Acts:
    """Makes entries true in one unit of work, and tells what it did, by the entry's place."""

    def __init__(self, parts: Parts, connection: Connection, hashes: Hashes, actor: str) -> None:
        self._parts = parts
        self._connection = connection
        self._hashes = hashes
        self._actor = actor
        self._references = References(connection, parts.organisations, parts.users, parts.recipes)
        self._acts: dict[str, Callable[[Any], Awaitable[Step]]] = {
            "organisation": self._organisation,
            "user": self._user,
            "client": self._client,
            "recipe": self._recipe,
            "system": self._system,
            "item": self._item,
        }
        self.steps: dict[int, Step] = {}

    async def make(self, entry: Entry) -> None:
        """Does nothing for an entry that was made true in this unit of work before. Raises the errors of the parts,
        with the entry's name in front."""
        if entry.place in self.steps:
            return
        try:
            self.steps[entry.place] = await self._acts[entry.kind](entry)
        except YimenError as error:
            raise named(entry, error) from None

    async def _organisation(self, of: Entry) -> Step:
        entry: OrganisationEntry = of.says
        organisation = Organisation(
            entry.id,
            entry.name,
            Kind(entry.kind),
            Level(entry.level) if entry.level else None,
            entry.code,
            entry.parent,
            entry.order,
            entry.full_name,
            entry.unified_code,
        )
        changed = await self._parts.organisations.upsert(self._connection, organisation, actor=self._actor)
        return _step(of, changed or ())

    async def _user(self, of: Entry) -> Step:
        entry: UserEntry = of.says
        registration = UserRegistration(
            username=entry.username,
            name=entry.name,
            roles=entry.roles,
            posts=tuple(
                Post(post.organisation, post.title, post.main, post.since, post.until, post.order)
                for post in entry.posts
            ),
            email=entry.email,
            mobile=entry.mobile,
            second_mobile=entry.second_mobile,
            short_number=entry.short_number,
            id_card=reveal(entry.id_card, "id_card") if entry.id_card is not None else None,
            employee_number=entry.employee_number,
            title=entry.title,
            status=entry.status,
        )
        user_id, changed = await self._parts.users.upsert(self._connection, registration, actor=self._actor)
        changed += await self._password(user_id, self._hashes.of(of.address), entry.must_change_password)
        changed += await self._totp(user_id, entry)
        if entry.status == "disabled":
            await self._parts.sessions.revoke_all(self._connection, user_id, actor=self._actor, reason="user_disabled")
        return _step(of, changed)

    async def _password(self, user_id: str, hashed: str | None, must_change: bool) -> tuple[str, ...]:
        if hashed is None:
            return ()
        passwords = self._parts.passwords
        had_one = await passwords.current(self._connection, user_id) is not None
        await passwords.keep(self._connection, user_id, hashed, actor=self._actor)
        await self._parts.users.set_flags(self._connection, user_id, must_change_password=must_change)
        if had_one:
            await self._parts.sessions.revoke_all(
                self._connection, user_id, actor=self._actor, reason="password_changed"
            )
        return ("password",)

    async def _totp(self, user_id: str, entry: UserEntry) -> tuple[str, ...]:
        totp, users = self._parts.totp, self._parts.users
        if entry.totp is None:
            return ()
        user = await users.find(self._connection, user_id)
        required = entry.totp != "off"
        changed: tuple[str, ...] = ()
        if user is not None and user.totp_required != required:
            await users.set_flags(self._connection, user_id, totp_required=required)
            changed = ("totp",)
        if entry.totp == "off" and await totp.remove(self._connection, user_id, actor=self._actor):
            changed = ("totp",)
        if isinstance(entry.totp, TotpSeed):
            seed = reveal(entry.totp.secret, "totp.secret")
            if await totp.enrol(self._connection, user_id, seed, actor=self._actor):
                changed = ("totp",)
        return changed

    async def _client(self, of: Entry) -> Step:
        entry: ClientEntry = of.says
        if entry.client_id.startswith(GATEWAY_CLIENT_PREFIX):
            raise ConnectorError("ERR-CLIENT_METADATA", f"{GATEWAY_CLIENT_PREFIX}* are the gateway's own clients")
        await self._references.require_of_client(entry)
        registration = ClientRegistration(
            client_id=entry.client_id,
            client_secret=reveal(entry.client_secret, "client_secret") if entry.client_secret is not None else None,
            secret_hash=self._hashes.of(of.address),
            name=entry.name.model_dump() if entry.name else {},
            policy=entry.policy,
            owner=entry.owner,
            first_party=entry.first_party,
            access=entry.access,
            status=entry.status,
            metadata=dict(entry.metadata),
        )
        changed = await self._parts.clients.upsert(self._connection, registration, actor=self._actor)
        return _step(of, changed, self._parts.clients.without_effect(registration))

    async def _recipe(self, of: Entry) -> Step:
        recipe: Recipe = of.says
        before = await self._recipe_before(recipe.id)
        changed = await self._parts.recipes.upsert(self._connection, recipe, actor=self._actor)
        carried = changed and await self._follow(before, recipe)
        fields = ("document", "accounts") if carried else ("document",)
        return _step(of, fields if changed else ())

    async def _follow(self, before: Recipe | None, now: Recipe) -> int:
        renewals = await self._parts.systems.follow_recipe(self._connection, before, now, actor=self._actor)
        return sum([await self._carry_over(one.before, one.now) for one in renewals])

    async def _recipe_before(self, recipe_id: str) -> Recipe | None:
        """None also for one that somebody else changed: nobody knows what it said, and the file may set it right."""
        try:
            return await self._parts.recipes.find(self._connection, recipe_id)
        except ConnectorError:
            return None

    async def _system(self, of: Entry) -> Step:
        entry: SystemEntry = of.says
        await self._references.require_of_system(entry)
        before = await self._parts.systems.find_by_slug(self._connection, entry.slug)
        change = await self._parts.systems.upsert(self._connection, entry.registration, actor=self._actor)
        changed = ("created",) if change.created else change.fields
        if await self._move_accounts(before, change.id, entry.rebinds_from):
            changed = (*changed, "accounts")
        if entry.needs_gateway:
            client = gateway_client(self._parts.settings, entry)
            renewed = await self._parts.clients.upsert(self._connection, client, actor=self._actor)
            changed = changed or (("gateway_client",) if renewed else ())
        return _step(of, changed, warnings=_warnings(entry))

    async def _move_accounts(self, before: System | None, system_id: str, rebinds_from: str | None) -> int:
        now = await self._parts.systems.find(self._connection, system_id)
        if now is None:
            return 0
        carried = await self._carry_over(before, now) if before is not None else 0
        return carried + (await self._rebind(now, rebinds_from) if rebinds_from is not None else 0)

    async def _carry_over(self, before: System, now: System) -> int:
        """A recipe that leads the login elsewhere within the same origins takes the system's accounts along: the
        operator approves it by applying it."""
        if before.registration.origins != now.registration.origins:
            return 0
        return await self._seal_again(now, lambda destination: destination == before.destination)

    async def _rebind(self, system: System, before: str) -> int:
        """The accounts that were sealed for the address `before`. The operator names it, so a line that stays in the
        file never moves a password again in silence."""
        return await self._seal_again(system, lambda destination: origins_of(destination) == before)

    async def _seal_again(self, system: System, moves: Callable[[str], bool]) -> int:
        """Seals accounts of the system again, for its destination of now, each told by the ledger; gives how many."""
        rebound, to = 0, system.destination
        for item in await self._parts.items.of_system(self._connection, system.id):
            if to and item.destination not in (None, to) and moves(item.destination):
                rebound += await self._parts.items.rebind(self._connection, item.id, to, actor=self._actor)
        return rebound

    async def _item(self, of: Entry) -> Step:
        entry: ItemEntry = of.says
        system = await self._parts.systems.find_by_slug(self._connection, entry.system)
        if system is None:
            raise ConnectorError("ERR-SYSTEM", f"there is no system {entry.system}")
        owner = await self._owner(entry)
        secret = bytearray(reveal(entry.password, "password").encode())
        try:
            return _step(of, await self._keep(entry, owner, system, secret))
        finally:
            wipe(secret)

    async def _keep(self, entry: ItemEntry, owner: str, system: System, secret: bytearray) -> tuple[str, ...]:
        """An item is known by its owner, system and label."""
        items = self._parts.items
        known = await items.list(self._connection, owners=[owner], system=system.id)
        for item in known:
            if item.label != entry.label:
                continue
            # A frozen item stays frozen: what was refused is not tried again because a file still says it.
            if await items.matches(self._connection, item.id, entry.login, secret):
                # The file gives the password itself, for the system as it stands now: it may go there.
                moved = await items.rebind(self._connection, item.id, system.destination, actor=self._actor)
                return ("destination",) if moved else ()
            await items.replace(
                self._connection,
                item.id,
                destination=system.destination,
                secret=secret,
                login=entry.login,
                actor=self._actor,
            )
            return ("credential",)
        await items.add(
            self._connection,
            owner=owner,
            system=system.id,
            destination=system.destination,
            login=entry.login,
            secret=secret,
            label=entry.label,
            actor=self._actor,
        )
        return ("created",)

    async def _owner(self, entry: ItemEntry) -> str:
        if entry.owner.organisation is not None:
            if await self._parts.organisations.find(self._connection, entry.owner.organisation) is None:
                raise ConnectorError("ERR-ORGANISATION", f"there is no organisation {entry.owner.organisation}")
            return f"organisation:{entry.owner.organisation}"
        user = await self._parts.users.find_by_username(self._connection, entry.owner.user or "")
        if user is None:
            raise ConnectorError("ERR-USERNAME", f"there is no user {entry.owner.user}")
        return f"user:{user.id}"


def _step(
    entry: Entry, changed: tuple[str, ...], without_effect: tuple[str, ...] = (), warnings: tuple[str, ...] = ()
) -> Step:
    verb: Verb = "create" if "created" in changed else "change" if changed else "keep"
    fields = tuple(field for field in changed if field != "created")
    return Step(verb, entry.kind, entry.name, fields, without_effect, warnings)


def _warnings(system: SystemRegistration) -> tuple[str, ...]:
    """A certificate past its end is believed of nobody, so the system will not open."""
    ends = system.trust.not_after
    if ends is None or ends > SystemClock().now():
        return ()
    return (f"upstream_ca holds a certificate that ended on {ends:%Y-%m-%d}",)
