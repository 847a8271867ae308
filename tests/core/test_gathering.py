"""What several want at the same moment is done once, by one of them, and each hears his own outcome."""

import asyncio
from collections.abc import Sequence

import pytest

from core.database.errors import StatementError
from core.database.gathering import Gathering, NotTogetherError
from core.errors import UnavailableError


class Work:
    """Doubles numbers; each turn waits until it is let on."""

    def __init__(self) -> None:
        self.gathering: Gathering[int, int] = Gathering()
        self.turns: list[list[int]] = []
        self.let_on = asyncio.Event()
        self.raises: BaseException | None = None

    async def want(self, number: int) -> int:
        return await self.gathering.join(number, self._lead)

    async def _lead(self, numbers: Sequence[int]) -> Sequence[int]:
        self.turns.append([*numbers])
        await self.let_on.wait()
        if self.raises is not None and len(numbers) > 1:
            raise self.raises
        return [2 * number for number in numbers]


@pytest.fixture
async def work() -> Work:
    return Work()


async def begun(*wanted: "asyncio.Task[int]") -> None:
    """Every task has come as far as it comes by itself."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_first_goes_at_once_and_those_who_come_meanwhile_go_together(work: Work) -> None:
    tasks = [asyncio.create_task(work.want(number)) for number in range(5)]
    await begun(*tasks)
    assert work.turns == [[0]]
    work.let_on.set()
    assert await asyncio.gather(*tasks) == [0, 2, 4, 6, 8]
    assert work.turns == [[0], [1, 2, 3, 4]]


async def test_one_who_is_cancelled_while_waiting_is_left_out(work: Work) -> None:
    tasks = [asyncio.create_task(work.want(number)) for number in range(4)]
    await begun(*tasks)
    tasks[1].cancel()
    await begun(*tasks)
    work.let_on.set()
    assert await asyncio.gather(tasks[0], *tasks[2:]) == [0, 4, 6]
    assert work.turns == [[0], [2, 3]]


async def test_one_who_is_cancelled_when_told_to_lead_leaves_it_to_the_next(work: Work) -> None:
    first, second, third = tasks = [asyncio.create_task(work.want(number)) for number in range(3)]
    await begun(*tasks)
    first.add_done_callback(lambda _: second.cancel())
    work.let_on.set()
    assert await first == 0
    assert (await asyncio.gather(second, third, return_exceptions=True))[1] == 4


async def test_what_is_refused_for_all_each_may_try_alone(work: Work) -> None:
    work.raises = StatementError("one of them breaks a rule")
    tasks = [asyncio.create_task(work.want(number)) for number in range(4)]
    await begun(*tasks)
    work.let_on.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert outcomes[0] == 0
    assert [type(outcome) for outcome in outcomes[1:]] == [NotTogetherError] * 3
    assert await work.want(7) == 14


async def test_what_is_refused_to_one_alone_is_not_tried_again(work: Work) -> None:
    tried = []

    async def alone(number: int) -> int:
        tried.append(number)
        raise StatementError("it breaks a rule")

    async def together(numbers: Sequence[int]) -> Sequence[int]:
        return numbers

    with pytest.raises(StatementError):
        await work.gathering.carry_out(7, alone, together)
    assert tried == [7]


async def test_when_the_one_who_leads_breaks_off_nobody_waits_for_ever(work: Work) -> None:
    work.raises = asyncio.CancelledError()
    tasks = [asyncio.create_task(work.want(number)) for number in range(4)]
    await begun(*tasks)
    work.let_on.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes[1:]] == [asyncio.CancelledError, UnavailableError, UnavailableError]
    assert await work.want(7) == 14


async def test_none_is_lost_however_many_come(work: Work) -> None:
    work.let_on.set()
    outcomes = await asyncio.gather(*(work.want(number) for number in range(1000)))
    assert outcomes == [2 * number for number in range(1000)]
    assert max(len(turn) for turn in work.turns) <= 64
