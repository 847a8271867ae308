"""The inventory: every system a cadre must open, who owns it, and the ways in (国办函〔2026〕12号, facts §5.3)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import Column, ColumnElement, Index, Integer, Row, String, Table, select

from connectors.errors import ConnectorError
from connectors.legacy.recipe.recipe import Recipe
from connectors.legacy.recipe.store import Recipes
from connectors.login_requests.generation import Login, destination_of
from connectors.login_requests.recipe import requests_of_recipe
from connectors.origin import ExactOrigin
from connectors.registration import LocalName, SystemRegistration, SystemStatus, WayIn, WayInKind
from core.clock import Clock
from core.database import Connection, Json, UtcDateTime, metadata
from core.identifiers import new_id
from core.integrity import Anchor, anchor_column, mac_column, signed
from sso.access import AccessRule
from vault.ledger import Event
from vault.rows import SignedRows, read


@dataclass(frozen=True)
class Endpoint:
    """One origin of a system, and the name of the gateway host that stands before it."""

    host: str
    origin: ExactOrigin


@dataclass(frozen=True)
class System:
    """A system as it stands in the inventory."""

    id: str
    version: int
    registration: SystemRegistration
    origin: ExactOrigin | None = field(default=None)
    login_generation: str | None = None
    recipe_version: int = 0

    @property
    def slug(self) -> str:
        return self.registration.slug

    @property
    def name(self) -> LocalName:
        return self.registration.name

    @property
    def status(self) -> SystemStatus:
        return self.registration.status

    @property
    def access(self) -> AccessRule:
        return self.registration.access

    @property
    def way_in(self) -> WayIn:
        """The best way in: the first."""
        return self.registration.way_in[0]

    @cached_property
    def endpoints(self) -> Sequence[Endpoint]:
        """Every origin with its gateway host; the system's own first. Empty where the gateway does not lead to it."""
        if self.origin is None:
            return ()
        further = [ExactOrigin.parse(one.upstream) for one in self.registration.further_origins]
        return [Endpoint(*pair) for pair in zip(self.registration.gateway_hosts, (self.origin, *further), strict=True)]

    @property
    def destination(self) -> str:
        """Where its passwords may go, as the vault seals them; "" for a system that takes none."""
        return destination_of(self.registration.origins, self.login_generation)

    @property
    def login(self) -> Login:
        return Login(self.id, self.login_generation)

    @property
    def fills(self) -> bool:
        """True when the gateway signs the person in with an Item."""
        return self.way_in.kind in (WayInKind.GATEWAY, WayInKind.BASIC)


system_table = Table(
    "connectors_system",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("slug", String(40), nullable=False, unique=True),
    Column("status", String(16), nullable=False),
    Column("owner", String(64)),
    Column("client_id", String(255)),
    Column("document", Json, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    # NULL only before an upgrade has given it one.
    Column("login_generation", String(26)),
    # The version that its recipe had when this row was written: an older one that somebody puts back is refused.
    Column("recipe_version", Integer),
    anchor_column(),
    mac_column(),
    Index("ix_connectors_system_owner", "owner"),
    info=signed(anchor=Anchor("system:", ("system.change",)), announced=True),
)


@dataclass(frozen=True)
class Change:
    """What an upsert did: `created`, or the names of the fields that differ; empty when nothing changed."""

    id: str
    created: bool
    fields: tuple[str, ...]

    @property
    def changed(self) -> bool:
        return self.created or bool(self.fields)


@dataclass(frozen=True)
class Renewal:
    """A system in whose login a new generation began: as it was, and as it is."""

    before: System
    now: System


class Systems:
    def __init__(self, clock: Clock, rows: SignedRows, recipes: Recipes) -> None:
        self._clock = clock
        self._rows = rows
        self._recipes = recipes

    async def find(self, connection: Connection, system_id: str) -> System | None:
        return await self._one(connection, system_table.c.id == system_id)

    async def find_by_slug(self, connection: Connection, slug: str) -> System | None:
        return await self._one(connection, system_table.c.slug == slug)

    async def list(
        self, connection: Connection, *, after: str = "", limit: int = 500, owners: Sequence[str] | None = None
    ) -> list[System]:
        """Systems by slug, a page at a time: `after` is the last slug of the page before."""
        query = read(system_table).where(system_table.c.slug > after).order_by(system_table.c.slug).limit(limit)
        if owners is not None:
            query = query.where(system_table.c.owner.in_(owners))
        rows = await connection.execute(query)
        # One that somebody else wrote is missing: it must not take the others with it.
        return [_system(row) for row in rows if self._rows.is_genuine(system_table, row)]

    async def upsert(self, connection: Connection, registration: SystemRegistration, *, actor: str) -> Change:
        """Creates or updates the system of that slug, idempotently, and records the change. A new generation of its
        login begins where passwords go elsewhere from now on."""
        known = await self.find_by_slug(connection, registration.slug)
        if known is None:
            return await self._create(connection, registration, actor)
        before, document = (one.model_dump(mode="json") for one in (known.registration, registration))
        change = Change(known.id, False, tuple(name for name in document if document[name] != before[name]))
        if change.changed:
            begins = await self._leads_elsewhere(connection, known.registration, registration)
            await self._change(connection, known, registration, change.fields, actor, begins=begins)
        return change

    async def follow_recipe(
        self, connection: Connection, before: Recipe | None, now: Recipe, *, actor: str
    ) -> Sequence[Renewal]:
        """A recipe was changed: a new generation begins at each system whose login it leads elsewhere. `before` is None
        where nobody knows what the recipe said."""
        of_recipe = [one for one in await self._genuine(connection) if one.registration.recipe == now.id]
        moved = [
            one
            for one in of_recipe
            if before is None or _requests(before, one.registration) != _requests(now, one.registration)
        ]
        return [await self._renew(connection, one, actor) for one in moved]

    async def begin_generations(self, connection: Connection) -> Sequence[Renewal]:
        """Once, at the upgrade that brought them. A system that somebody else wrote stays as it is, refused."""
        old = await self._genuine(connection, system_table.c.login_generation.is_(None))
        return [await self._renew(connection, one, "system") for one in old]

    async def destinations(self, connection: Connection) -> dict[str, str]:
        """Where each system takes a password, by its id."""
        systems = map(_system, await connection.execute(select(system_table)))
        return {system.id: system.destination for system in systems}

    async def recipes_used(self, connection: Connection) -> dict[str, int]:
        """The newest version of each recipe that the login of a system has followed."""
        used: dict[str, int] = {}
        for system in await self._genuine(connection):
            if (recipe := system.registration.recipe) is not None:
                used[recipe] = max(used.get(recipe, 0), system.recipe_version)
        return used

    async def _create(self, connection: Connection, registration: SystemRegistration, actor: str) -> Change:
        change, now = Change(new_id(), created=True, fields=()), self._clock.now()
        columns = _columns(registration) | {"id": change.id, "slug": registration.slug, "version": 1}
        columns |= {"created_at": now, "updated_at": now, "login_generation": new_id()}
        columns["recipe_version"] = await self._recipe_version(connection, registration, None)
        await self._rows.insert_told(connection, system_table, _event(change, registration, actor), **columns)
        return change

    async def _renew(self, connection: Connection, system: System, actor: str) -> Renewal:
        now = await self._change(connection, system, system.registration, (), actor, begins=True)
        return Renewal(system, now)

    async def _change(
        self,
        connection: Connection,
        system: System,
        registration: SystemRegistration,
        fields: Sequence[str],
        actor: str,
        *,
        begins: bool,
    ) -> System:
        """The system's next version. With `begins`, in a new generation of its login: they begin here alone."""
        generation = new_id() if begins else system.login_generation
        changed = (*fields, "login_generation") if begins else tuple(fields)
        columns = _columns(registration) | {"version": system.version + 1, "updated_at": self._clock.now()}
        recipe_version = await self._recipe_version(connection, registration, system)
        columns |= {"login_generation": generation, "recipe_version": recipe_version}
        event = _event(Change(system.id, False, changed), registration, actor)
        await self._rows.change_told(connection, system_table, {"id": system.id}, event, **columns)
        return System(system.id, system.version + 1, registration, _origin(registration), generation, recipe_version)

    async def _recipe_version(
        self, connection: Connection, registration: SystemRegistration, before: System | None
    ) -> int:
        """Of one recipe it never goes down, whatever somebody took out of the table."""
        if registration.recipe is None:
            return 0
        newest = await self._recipes.newest_version(connection, registration.recipe)
        if before is None or before.registration.recipe != registration.recipe:
            return newest
        return max(newest, before.recipe_version)

    async def _leads_elsewhere(
        self, connection: Connection, before: SystemRegistration, now: SystemRegistration
    ) -> bool:
        """Whether the origins differ, or the login requests of the recipes do."""
        if before.origins != now.origins or before.recipe == now.recipe:
            return before.origins != now.origins
        try:
            recipes = [
                await self._recipes.find(connection, one) if one else None for one in (before.recipe, now.recipe)
            ]
        except ConnectorError:  # somebody else changed one of them, so nobody knows where it led
            return True
        return _requests(recipes[0], now) != _requests(recipes[1], now)

    async def _genuine(self, connection: Connection, *where: ColumnElement[bool]) -> Sequence[System]:
        rows = await connection.execute(read(system_table).where(*where).order_by(system_table.c.slug))
        return [_system(row) for row in rows if self._rows.is_genuine(system_table, row)]

    async def _one(self, connection: Connection, condition: Any) -> System | None:
        """Raises ERR-ROW_TAMPERED."""
        row = (await connection.execute(read(system_table).where(condition))).one_or_none()
        if row is None:
            return None
        self._rows.require(system_table, row)
        return _system(row)


def _requests(recipe: Recipe | None, registration: SystemRegistration) -> frozenset[str]:
    """The login requests that a recipe describes at the system, by their hashes."""
    described = requests_of_recipe(recipe, registration.upstream or "") if recipe is not None else ()
    return frozenset(one.hash for one in described)


def _columns(registration: SystemRegistration) -> dict[str, Any]:
    return {
        "status": registration.status.value,
        "owner": registration.owner,
        "client_id": registration.client_id,
        "document": registration.model_dump(mode="json"),
    }


def _event(change: Change, registration: SystemRegistration, actor: str) -> Event:
    return Event(
        action="system.change",
        result="success",
        actor=actor,
        subject=f"system:{change.id}",
        system=change.id,
        detail={"slug": registration.slug, "changed": ",".join(change.fields) or "created"},
    )


def _system(row: Row[Any]) -> System:
    """A System of a row of `system_table`; the document was validated when it was written."""
    registration = SystemRegistration.model_validate(row.document)
    origin = _origin(registration)
    return System(row.id, row.version, registration, origin, row.login_generation, row.recipe_version or 0)


def _origin(registration: SystemRegistration) -> ExactOrigin | None:
    return ExactOrigin.parse(registration.upstream) if registration.upstream else None
