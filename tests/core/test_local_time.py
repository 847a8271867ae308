"""Days begin and end at the midnight of a zone, whatever UTC says."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.local_time import LocalTime, zone_named

SHANGHAI = LocalTime(ZoneInfo("Asia/Shanghai"))
MIDNIGHT = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)


def test_a_day_begins_and_ends_at_the_zone_s_midnight() -> None:
    day = date(2026, 11, 23)
    assert SHANGHAI.beginning_of(day) == MIDNIGHT
    assert SHANGHAI.end_of(day) == MIDNIGHT + timedelta(days=1) - datetime.resolution
    assert SHANGHAI.day_of(MIDNIGHT) == day
    assert SHANGHAI.day_of(MIDNIGHT - datetime.resolution) == date(2026, 11, 22)
    assert SHANGHAI.day_of(SHANGHAI.end_of(day)) == day


def test_a_day_in_which_the_clocks_change_is_as_long_as_it_is() -> None:
    berlin = LocalTime(ZoneInfo("Europe/Berlin"))
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)
    lengths = [berlin.end_of(day) - berlin.beginning_of(day) + datetime.resolution for day in (spring, autumn)]
    assert lengths == [timedelta(hours=23), timedelta(hours=25)]


@pytest.mark.parametrize(
    ("typed", "since", "until"),
    [
        ("2026-11-23", MIDNIGHT, MIDNIGHT + timedelta(days=1) - datetime.resolution),
        ("2026-11-23T00:00", MIDNIGHT, MIDNIGHT),
        ("2026-11-23 08:30:15", MIDNIGHT + timedelta(hours=8, minutes=30, seconds=15), None),
        ("2026-11-23T00:00Z", datetime(2026, 11, 23, tzinfo=UTC), None),
        ("2026-11-23T00:00-05:00", datetime(2026, 11, 23, 5, tzinfo=UTC), None),
    ],
)
def test_what_is_typed_is_meant_in_the_zone_and_a_day_as_a_whole(
    typed: str, since: datetime, until: datetime | None
) -> None:
    assert SHANGHAI.since(typed) == since
    assert SHANGHAI.until(typed) == (until or since)


@pytest.mark.parametrize("typed", ["", "yesterday", "2026-02-30", "2026-11-23T25:00", "0001-01-01"])
def test_what_is_no_time_is_refused(typed: str) -> None:
    with pytest.raises((ValueError, OverflowError)):
        SHANGHAI.since(typed)


@pytest.mark.parametrize("name", ["", "Asia", "../../etc/passwd", "/etc/localtime", "Mars/Base", "UTC+8", "Asia/\x00"])
def test_a_name_that_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        zone_named(name)
