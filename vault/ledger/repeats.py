"""Refusals in the ledger, of attempts that can be made any number of times: a page's script tries thousands a second.

Whoever tries is told of by the hour. The first attempts are recorded one by one. From then on an attempt is recorded
when it is the first of its kind, and each time that the number of its kind has doubled. So no kind is lost, the number
of each is known within a factor of two, and nobody fills the disk: a caller says kinds of which there are not many.

The counting is this process's own. Another one, or one that has restarted, records more than it must, never less.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from core.clock import Clock
from vault.ledger.events import Event
from vault.ledger.ledger import Ledger

WINDOW = timedelta(hours=1)
# Recorded one by one, of all kinds together.
ONE_BY_ONE = 128
_MOST_REMEMBERED = 10_000


@dataclass
class _Attempts:
    since: datetime
    together: int = 0
    of_kind: dict[Hashable, int] = field(default_factory=dict)

    def count(self, kind: Hashable) -> int:
        self.together += 1
        self.of_kind[kind] = self.of_kind.get(kind, 0) + 1
        return self.of_kind[kind]


class Repeats:
    def __init__(self, clock: Clock, ledger: Ledger) -> None:
        self._clock = clock
        self._ledger = ledger
        self._by: dict[str, _Attempts] = {}

    async def append(self, event: Event, *, by: str, kind: Hashable) -> None:
        """Durable when this returns, if it is recorded. `by` is who tries: a visit, a session. The detail `times` says
        the how-manieth of its kind it is, where it is not the first."""
        attempts = self._attempts(by)
        times = attempts.count(kind)
        is_power_of_two = times & (times - 1) == 0
        if attempts.together > ONE_BY_ONE and not is_power_of_two:
            return
        detail = {**event.detail, "times": times} if times > 1 else event.detail
        await self._ledger.append(replace(event, detail=detail))

    def _attempts(self, by: str) -> _Attempts:
        """Those of the present hour; whoever tried last is remembered longest."""
        now = self._clock.now()
        attempts = self._by.pop(by, None)
        if attempts is None or now - attempts.since >= WINDOW:
            attempts = _Attempts(now)
        self._by[by] = attempts
        if len(self._by) > _MOST_REMEMBERED:
            del self._by[next(iter(self._by))]
        return attempts
