"""Making a County true while a server goes on serving: in portions, each a short unit of work of what belongs together.

Everything is rehearsed first and undone, so a mistake anywhere in the file leaves everything as it was. What is then
interrupted - killed, or its database went away - has made true whole portions and nothing of the others; running it
again completes it. Passwords are hashed between the units of work, never in one.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

from connectors.apply.acts import Acts, Parts, Step
from connectors.apply.document import County
from connectors.apply.entries import Address, Bundle, Entry, bundles_of, entries_of, foundation_of
from connectors.apply.hashes import Hashes
from connectors.apply.recipe_files import load_recipes
from connectors.apply.repeats import require_no_repeats
from core.errors import YimenError
from vault.ledger import Event

# How long a unit of work goes on before it ends: others wait for it on SQLite.
_UNIT_SECONDS = 0.1
# The time between two of them, in which whoever waits gets their turn.
_PAUSE_SECONDS = 0.04
# Of so many bundles the passwords are hashed at once.
_HASHED_AT_ONCE = 50


@dataclass(frozen=True)
class Progress:
    """How far it is: `done` of `all` entries are rehearsed, or applied for good."""

    stage: Literal["rehearse", "apply"]
    done: int
    all: int


Tell = Callable[[Progress], None]


class _UndoneError(Exception):
    """Ends a unit of work of a rehearsal, so that nothing stays."""


async def apply_county(
    parts: Parts,
    county: County,
    *,
    actor: str,
    folder: Path = Path(),
    dry_run: bool = False,
    tell: Tell = lambda _: None,
) -> list[Step]:
    """Makes `county` true and gives what it did; a dry run gives the same and leaves everything as it was.

    `folder` is where relative recipe files stand; `tell` hears how far it is. Raises the errors of the parts, with the
    entry's name in front.
    """
    require_no_repeats(county)
    entries = entries_of(county, load_recipes(county.recipes, folder))
    portions = _Portions(parts, entries, actor, tell)
    rehearsed = await portions.run("rehearse")
    if dry_run:
        return _in_order(rehearsed)
    applied: dict[int, Step] = {}
    try:
        await portions.run("apply", applied)
    except YimenError as error:
        with suppress(YimenError):
            await _sum_up(parts, applied, actor, error)
        raise
    await _sum_up(parts, applied, actor)
    return _in_order(applied)


class _Portions:
    def __init__(self, parts: Parts, entries: Sequence[Entry], actor: str, tell: Tell) -> None:
        self._parts = parts
        self._by_address: Mapping[Address, Entry] = {entry.address: entry for entry in entries}
        self._bundles = bundles_of(entries)
        self._hashes = Hashes(parts.database, parts.users, parts.passwords, parts.clients)
        self._actor = actor
        self._tell = tell

    async def run(self, stage: Literal["rehearse", "apply"], steps: dict[int, Step] | None = None) -> dict[int, Step]:
        """Adds to `steps`, by the entry's place, what is done for good, or would be."""
        steps = {} if steps is None else steps
        rehearsal = stage == "rehearse"
        for first in range(0, len(self._bundles), _HASHED_AT_ONCE):
            waiting = self._bundles[first : first + _HASHED_AT_ONCE]
            needed = self._with_foundation(waiting) if rehearsal else chain.from_iterable(waiting)
            await self._hashes.ready(needed, rehearsal=rehearsal)
            while waiting:
                done, made = await (self._rehearsed(waiting) if rehearsal else self._applied(waiting))
                steps.update(made)
                waiting = waiting[done:]
                self._tell(Progress(stage, len(steps), len(self._by_address)))
                await asyncio.sleep(_PAUSE_SECONDS)
        return steps

    def _with_foundation(self, bundles: Sequence[Bundle]) -> list[Entry]:
        found = {entry.place: entry for bundle in bundles for entry in foundation_of(bundle, self._by_address)}
        return list(found.values())

    async def _applied(self, waiting: Sequence[Bundle]) -> tuple[int, Mapping[int, Step]]:
        """A portion, for good: how many bundles it was, and its steps."""
        async with self._parts.database.write() as connection:
            acts = Acts(self._parts, connection, self._hashes, self._actor)
            done = await _as_many_as_time_allows(acts, waiting)
        return done, acts.steps

    async def _rehearsed(self, waiting: Sequence[Bundle]) -> tuple[int, Mapping[int, Step]]:
        """As `_applied`, and undone. What a portion rests on was undone before it, so it is made again with it."""
        with suppress(_UndoneError):
            async with self._parts.database.write() as connection:
                acts = Acts(self._parts, connection, self._hashes, self._actor)
                resting = [foundation_of(bundle, self._by_address) for bundle in waiting]
                done = await _as_many_as_time_allows(acts, resting)
                raise _UndoneError
        own = {entry.place for bundle in waiting[:done] for entry in bundle}
        return done, {place: step for place, step in acts.steps.items() if place in own}


async def _as_many_as_time_allows(acts: Acts, waiting: Sequence[Bundle]) -> int:
    """At least one; each whole."""
    until, done = time.monotonic() + _UNIT_SECONDS, 0
    for bundle in waiting:
        for entry in bundle:
            await acts.make(entry)
        done += 1
        if time.monotonic() > until:
            break
    return done


def _in_order(steps: Mapping[int, Step]) -> list[Step]:
    return [step for _, step in sorted(steps.items())]


async def _sum_up(parts: Parts, steps: Mapping[int, Step], actor: str, error: YimenError | None = None) -> None:
    """One event of the whole: what was created and changed, also where the rest is left."""
    verbs = [step.verb for step in steps.values()]
    if set(verbs) <= {"keep"}:
        return
    counts = {"created": verbs.count("create"), "changed": verbs.count("change")}
    result: Literal["success", "failure"] = "success" if error is None else "failure"
    event = Event(action="apply", result=result, actor=actor, reason=error.code if error else None, detail=counts)
    await parts.ledger.append(event)
