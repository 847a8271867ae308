"""Sign-ins under way: a second press while a slow system still thinks joins the first, and gets its answer.

Of this process: where a second press reaches another one, it is refused, for the dummy is used.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from connectors.gateway.wire.headers import Header
from core.errors import YimenError


@dataclass(frozen=True)
class Answered:
    """A whole answer as the browser gets it."""

    status: int
    headers: Sequence[Header] = field(repr=False)
    body: bytes = field(repr=False)


class Attempt:
    """One sign-in; its answer, once it is there."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()

    async def answer(self) -> Answered:
        """Raises the error that the attempt ended with."""
        return await asyncio.shield(self._answer)

    def answered(self, answer: Answered) -> None:
        if not self._answer.done():
            self._answer.set_result(answer)

    def failed(self, error: BaseException) -> None:
        """An error of ours is told to whoever waits; anything else ends their wait as a failure of the gateway."""
        if not self._answer.done():
            known = (
                error
                if isinstance(error, YimenError)
                else YimenError("ERR-UPSTREAM", "the sign-in was cut off", status=502)
            )
            self._answer.set_exception(known)
            # Mostly nobody waits.
            self._answer.exception()

    @property
    def is_under_way(self) -> bool:
        return not self._answer.done()


class Attempts:
    def __init__(self) -> None:
        self._begun: dict[tuple[str, str], Attempt] = {}

    def begin(self, visit_id: str, fill_id: str) -> Attempt:
        self._begun = {key: attempt for key, attempt in self._begun.items() if attempt.is_under_way}
        attempt = Attempt()
        self._begun[visit_id, fill_id] = attempt
        return attempt

    def under_way(self, visit_id: str, fill_id: str) -> Attempt | None:
        attempt = self._begun.get((visit_id, fill_id))
        return attempt if attempt is not None and attempt.is_under_way else None
