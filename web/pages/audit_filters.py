"""What the auditor asked for: from the page's fields to the ledger's query."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from vault.ledger.queries import LedgerQuery
from web.pages.form import FormError
from web.templating import COUNTY_ZONE

if TYPE_CHECKING:
    from web.composition import House

RESULTS = ("success", "failure", "refused")
_FIELDS = ("person", "system", "action", "result", "since", "until", "text", "zone")
_PREFIXES = ("user:", "client:", "operator:", "system")


@dataclass(frozen=True)
class Filters:
    """The fields as typed; `zone` is the viewer's, in which `since` and `until` are meant."""

    person: str = ""
    system: str = ""
    action: str = ""
    result: str = ""
    since: str = ""
    until: str = ""
    text: str = ""
    zone: str = ""

    @classmethod
    def of(cls, sent: Mapping[str, str]) -> "Filters":
        filters = cls(**{name: sent.get(name, "").strip()[:128] for name in _FIELDS})
        if filters.result not in ("", *RESULTS):
            raise FormError("ERR-FORM", "unknown result")
        filters.instant(filters.since)
        filters.instant(filters.until)
        return filters

    @property
    def fields(self) -> dict[str, str]:
        """Those that are filled; the zone only where a time needs it."""
        filled = {name: value for name, value in vars(self).items() if value}
        if not (self.since or self.until):
            filled.pop("zone", None)
        return filled

    def instant(self, typed: str) -> datetime | None:
        """Raises ERR-FORM when the time does not parse."""
        if not typed:
            return None
        try:
            at = datetime.fromisoformat(typed)
            return (at if at.tzinfo else at.replace(tzinfo=self._zone())).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise FormError("ERR-FORM", "a time has the form 2026-11-23T08:00") from error

    async def query(self, house: "House", *, cursor: str | None = None, limit: int = 50) -> LedgerQuery:
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
        return LedgerQuery(
            actor=actor,
            system=system,
            action=self.action or None,
            result=self.result or None,
            since=self.instant(self.since),
            until=self.instant(self.until),
            text=self.text or None,
            cursor=cursor,
            limit=limit,
        )

    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.zone) if self.zone else COUNTY_ZONE
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return COUNTY_ZONE
