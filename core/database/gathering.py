"""What several callers want at the same moment, done once for all of them.

Who comes first does it at once, for himself. Those who come meanwhile wait, and one of them then does it for all who
wait. So nobody waits while there is nothing to wait for, and the more there are, the less each of them costs.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeVar

from core.errors import UnavailableError
from core.logs import Seldom, logger

_MOST_TOGETHER = 64
_log = logger("database")

Piece = TypeVar("Piece")
Outcome = TypeVar("Outcome")


class NotTogetherError(Exception):
    """What all of them wanted was refused; nothing was done. Each may try alone."""


class _Lead:
    """Told to one who waits: that it is he who does it."""


class Gathering(Generic[Piece, Outcome]):
    def __init__(self) -> None:
        self._is_busy = False
        self._refusals = Seldom()
        self._waiting: deque[tuple[Piece, asyncio.Future[Outcome | _Lead]]] = deque()

    async def carry_out(
        self,
        piece: Piece,
        alone: Callable[[Piece], Awaitable[Outcome]],
        together: Callable[[Sequence[Piece]], Awaitable[Sequence[Outcome]]],
    ) -> Outcome:
        """The outcome of `piece`: `together` with what others want at the moment; `alone` where there is nobody else,
        or where that was refused. Raises what both raise."""

        async def lead(pieces: Sequence[Piece]) -> Sequence[Outcome]:
            return [await alone(pieces[0])] if len(pieces) == 1 else await together(pieces)

        with suppress(NotTogetherError):
            return await self.join(piece, lead)
        return await alone(piece)

    async def join(self, piece: Piece, lead: Callable[[Sequence[Piece]], Awaitable[Sequence[Outcome]]]) -> Outcome:
        """The outcome of `piece`. `lead` does it for several, if it comes to this caller to do so.

        Raises NotTogetherError where there were several, and ERR-DATABASE where it is not known whether it was done.
        """
        if self._is_busy:
            told = await self._wait(piece)
            if not isinstance(told, _Lead):
                return told
        self._is_busy = True
        together = [(piece, None), *self._take()]
        try:
            outcomes = await lead([each for each, _ in together])
        except BaseException as error:
            _tell_failure(together, error)
            if len(together) == 1 or not _is_undone(error):
                raise
            if self._refusals.is_due():
                _log.warning("what several would do together was refused", error=type(error).__name__)
            raise NotTogetherError from error
        finally:
            self._hand_over()
        for (_, place), outcome in zip(together, outcomes, strict=True):
            if place is not None and not place.done():
                place.set_result(outcome)
        return outcomes[0]

    async def _wait(self, piece: Piece) -> Outcome | _Lead:
        place: asyncio.Future[Outcome | _Lead] = asyncio.get_running_loop().create_future()
        self._waiting.append((piece, place))
        try:
            return await place
        except BaseException:
            if place.done() and not place.cancelled() and isinstance(place.result(), _Lead):
                self._hand_over()  # told to lead in the moment in which it was cancelled
            raise

    def _take(self) -> list[tuple[Piece, Any]]:
        taken: list[tuple[Piece, Any]] = []
        while self._waiting and len(taken) + 1 < _MOST_TOGETHER:
            piece, place = self._waiting.popleft()
            if not place.done():
                taken.append((piece, place))
        return taken

    def _hand_over(self) -> None:
        while self._waiting:
            _, place = self._waiting.popleft()
            if not place.done():
                place.set_result(_Lead())
                return
        self._is_busy = False


def _tell_failure(together: Sequence[tuple[Any, Any]], error: BaseException) -> None:
    for _, place in together:
        if place is not None and not place.done():
            place.set_exception(NotTogetherError() if _is_undone(error) else _broken_off())


def _is_undone(error: BaseException) -> bool:
    """True where nothing was done: the database refused it, or one of them brought what could not be sent."""
    return isinstance(error, Exception) and not isinstance(error, UnavailableError)


def _broken_off() -> UnavailableError:
    return UnavailableError("ERR-DATABASE", "the one who did it for all broke off")
