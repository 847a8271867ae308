"""The county's legacy systems, each on a loopback port of its own."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, fields

from demo.legacy.danan import Danan
from demo.legacy.jingzhong import Jingzhong
from demo.legacy.nongfang import Nongfang
from demo.legacy.nongjia import Nongjia
from demo.legacy.people import PEOPLE, Person, new_password
from demo.legacy.system import LegacySystem
from demo.legacy.wenhua import Wenhua
from demo.legacy.zhihui import Zhihui
from demo.legacy.zhiyuan import Zhiyuan
from demo.serving import Listener

KINDS: tuple[type[LegacySystem], ...] = (Zhihui, Wenhua, Nongjia, Jingzhong, Nongfang, Zhiyuan, Danan)


@dataclass(frozen=True)
class LegacyCounty:
    """The running systems; iterating gives them all."""

    zhihui: Zhihui
    wenhua: Wenhua
    nongjia: Nongjia
    jingzhong: Jingzhong
    nongfang: Nongfang
    zhiyuan: Zhiyuan
    danan: Danan

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
    async with AsyncExitStack() as needs, AsyncExitStack() as listening:
        listeners: list[Listener] = []
        listening.push_async_callback(_stop, listeners)
        systems: dict[str, LegacySystem] = {}
        for kind in KINDS:
            listener = Listener((ports or {}).get(kind.slug, 0))
            listeners.append(listener)
            system = kind(listener.origin)
            await needs.enter_async_context(system.ready())
            for person in people:
                await system.enrol(person, new_password())
            await listener.start(system.app)
            systems[kind.slug] = system
        yield LegacyCounty(**systems)  # type: ignore[arg-type]


async def _stop(listeners: Sequence[Listener]) -> None:
    await asyncio.gather(*(listener.stop() for listener in listeners))
