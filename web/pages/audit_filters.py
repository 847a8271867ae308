"""What the auditor asked for: from the page's fields to the ledger's query."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from core.local_time import LocalTime, zone_named
from sso.names import fold_username
from vault.ledger.queries import LedgerQuery
from web.pages.form import FormError
from web.pages.parts import PageParts

RESULTS = ("success", "failure", "refused")
_FIELDS = ("person", "system", "action", "result", "since", "until", "text", "zone")
_PREFIXES = ("user:", "client:", "operator:", "system")


@dataclass(frozen=True)
class Filters:
    """The fields as typed; `zone` is the viewer's, in which `since` and `until` are meant: the county's where the
    browser has not told its own."""

    person: str = ""
    system: str = ""
    action: str = ""
    result: str = ""
    since: str = ""
    until: str = ""
    text: str = ""
    zone: str = ""

    @classmethod
    def of(cls, sent: Mapping[str, str], county: LocalTime) -> "Filters":
        """Raises ERR-FORM when a field does not parse."""
        typed = {name: sent.get(name, "").strip()[:128] for name in _FIELDS}
        filters = cls(**{**typed, "zone": typed["zone"] or county.zone.key})
        if filters.result not in ("", *RESULTS):
            raise FormError("ERR-FORM", "unknown result")
        filters.span()
        return filters

    @property
    def fields(self) -> dict[str, str]:
        """Those that are filled; the zone only where a time needs it."""
        filled = {name: value for name, value in vars(self).items() if value}
        if not (self.since or self.until):
            filled.pop("zone", None)
        return filled

    async def recorded(self, house: PageParts) -> dict[str, str]:
        """The fields as the ledger keeps them: a person whom nobody knows is a pseudonym there."""
        if not self.person or self.person.startswith(_PREFIXES):
            return self.fields
        async with house.database.read() as connection:
            user = await house.users.find_by_username(connection, self.person)
        known = self.person if user else house.ledger.pseudonym(fold_username(self.person))
        return {**self.fields, "person": known}

    def span(self) -> tuple[datetime | None, datetime | None]:
        """From when until when; a day is meant from its midnight to the next. Raises ERR-FORM."""
        if not (self.since or self.until):
            return None, None
        try:
            meant = LocalTime(zone_named(self.zone))
            since = meant.since(self.since) if self.since else None
            return since, meant.until(self.until) if self.until else None
        except (ValueError, OverflowError) as error:
            raise FormError("ERR-FORM", "a time has the form 2026-11-23T08:00, a day 2026-11-23") from error

    async def query(self, house: PageParts, *, cursor: str | None = None, limit: int = 50) -> LedgerQuery:
        actor, system = None, None
        async with house.database.scan() as connection:
            if self.person.startswith(_PREFIXES):
                actor = self.person
            elif self.person:
                user = await house.users.find_by_username(connection, self.person)
                # Nobody of that name: a query that finds nothing, not one that finds everything.
                actor = f"user:{user.id}" if user else f"user:?{self.person}"
            if self.system:
                known = await house.systems.find_by_slug(connection, self.system)
                system = known.id if known else self.system
        since, until = self.span()
        return LedgerQuery(
            actor=actor,
            system=system,
            action=self.action or None,
            result=self.result or None,
            since=since,
            until=until,
            text=self.text or None,
            cursor=cursor,
            limit=limit,
        )
