"""Whose work it is: of one person's bytes one piece at a time is worked on, so that whoever has many at once waits for
himself, and nobody else waits for him (DESIGN §4a.26)."""

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from contextvars import ContextVar
from weakref import WeakValueDictionary

_person: ContextVar[str] = ContextVar("person", default="")
# A lock lives as long as somebody holds it or waits for it.
_turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


def work_for(person: str) -> None:
    """From now on this task works for that person."""
    _person.set(person)


def turn() -> AbstractAsyncContextManager[None]:
    """Waits until no other work of the same person is being done. Work for nobody in particular waits for nothing.
    Turns are given in order, each in another round of the loop, so that the work of others comes between."""
    person = _person.get()
    return _turns.setdefault(person, asyncio.Lock()) if person else nullcontext()
