"""A client's own race: two of its requests refresh with one token at the same moment. None of them is a thief's, so one
is answered, the others are refused, and the family lives on (checklist 36)."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.clock import Clock
from core.identifiers import token_digest

# However long a request was under way, a use that is older than this was no race.
WINDOW = timedelta(seconds=10)


@dataclass(frozen=True)
class Arrival:
    """When a request came, and whether another one with its refresh token was then under way in this process."""

    at: datetime
    overlaps: bool

    def races_with(self, used_at: datetime, now: datetime) -> bool:
        """True when the request was here before the use of its token was answered; what comes later is a replay, even
        at once (RFC 9700 §4.14.2). Of another process we know when it wrote its use down, just before its answer."""
        return (self.overlaps or self.at < used_at) and now < used_at + WINDOW


class Arrivals:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._under_way: Counter[bytes] = Counter()

    @contextmanager
    def of(self, refresh_token: str) -> Iterator[Arrival]:
        """Stands around all the work of a request, from its arrival to its answer."""
        digest = token_digest(refresh_token)
        arrival = Arrival(self._clock.now(), self._under_way[digest] > 0)
        self._under_way[digest] += 1
        try:
            yield arrival
        finally:
            self._under_way[digest] -= 1
            if not self._under_way[digest]:
                del self._under_way[digest]
