"""Days and hours as people count them: in the time zone of their county. What is kept is UTC.

A day begins and ends at the zone's midnight, whatever UTC says, and so does whatever lasts for days or is asked for by
the day. A span of time, of minutes or of a month, has no use for this.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class LocalTime:
    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone

    def at(self, instant: datetime) -> datetime:
        """The same instant, as the clocks of the zone show it."""
        return instant.astimezone(self.zone)

    def day_of(self, instant: datetime) -> date:
        return self.at(instant).date()

    def beginning_of(self, day: date) -> datetime:
        """The first instant of the day, in UTC."""
        return datetime.combine(day, time.min, self.zone).astimezone(UTC)

    def end_of(self, day: date) -> datetime:
        """The last instant of the day, in UTC."""
        return self.beginning_of(day + timedelta(days=1)) - datetime.resolution

    def since(self, typed: str) -> datetime:
        """What somebody means who types a day or a time: a day from its beginning, a time without offset in this zone.

        Raises ValueError or OverflowError, as `until` does.
        """
        day = _day(typed)
        return self._instant(typed) if day is None else self.beginning_of(day)

    def until(self, typed: str) -> datetime:
        """As `since`, but a day to its end."""
        day = _day(typed)
        return self._instant(typed) if day is None else self.end_of(day)

    def _instant(self, typed: str) -> datetime:
        at = datetime.fromisoformat(typed)
        return (at if at.tzinfo else at.replace(tzinfo=self.zone)).astimezone(UTC)


def zone_named(name: str) -> ZoneInfo:
    """Raises ValueError for a name that the time zone database does not have."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone; write it as Asia/Shanghai or Asia/Urumqi") from None


def _day(typed: str) -> date | None:
    try:
        return date.fromisoformat(typed)
    except ValueError:
        return None
