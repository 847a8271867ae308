"""The county's legacy systems, each on a loopback port of its own."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, fields

from demo.legacy.people import PEOPLE, Person, new_password
from demo.legacy.system import LegacySystem
from demo.legacy.zhihui import Zhihui
from demo.serving import Listener

KINDS: tuple[type[LegacySystem], ...] = (Zhihui,)


@dataclass(frozen=True)
class LegacyCounty:
    """The running systems; iterating gives them all."""

    zhihui: Zhihui

    def __iter__(self) -> Iterator[LegacySystem]:
        return (getattr(self, field.name) for field in fields(self))


@asynccontextmanager
async def open_legacy(
    people: Sequence[Person] = PEOPLE, ports: Mapping[str, int] | None = None
) -> AsyncIterator[LegacyCounty]:
    """Starts every system, and stops it at the end. `ports` gives systems, by slug, a port; others take a free one.

    Every person gets an account with a random password everywhere: `system.accounts` tells it to the caller.
    Raises OSError when a port is taken.
    """
    async with AsyncExitStack() as stack:
        systems: dict[str, LegacySystem] = {}
        for kind in KINDS:
            listener = Listener((ports or {}).get(kind.slug, 0))
            stack.push_async_callback(listener.stop)
            system = kind(listener.origin)
            await stack.enter_async_context(system.ready())
            for person in people:
                await system.enrol(person, new_password())
            await listener.start(system.app)
            systems[kind.slug] = system
        yield LegacyCounty(**systems)  # type: ignore[arg-type]
