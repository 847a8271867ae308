"""Values of a moment ago."""

import asyncio
from contextlib import suppress

import pytest

from core.fresh import Fresh


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Heard:
    """What a follower of changes has heard."""

    def __init__(self) -> None:
        self.heard_until = 0.0
        self.count = 0

    def version(self, table: str) -> int:
        assert table == "things"
        return self.count


class Reads:
    """Counts how often it is read; each read waits until it may answer."""

    def __init__(self) -> None:
        self.count = 0
        self.may_answer = asyncio.Event()

    async def __call__(self) -> int:
        self.count += 1
        count = self.count
        await self.may_answer.wait()
        return count


async def test_a_value_is_read_once_while_it_is_fresh() -> None:
    reads: list[int] = []

    async def read() -> int:
        reads.append(1)
        return len(reads)

    lasting: Fresh[str, int] = Fresh(60)
    assert [await lasting.get("a", read), await lasting.get("a", read), await lasting.get("b", read)] == [1, 1, 2]
    never: Fresh[str, int] = Fresh(0)
    assert [await never.get("a", read), await never.get("a", read)] == [3, 4]


async def test_a_failed_read_is_not_remembered() -> None:
    async def fails() -> int:
        raise LookupError

    async def works() -> int:
        return 7

    fresh: Fresh[str, int] = Fresh(60)
    with pytest.raises(LookupError):
        await fresh.get("a", fails)
    assert await fresh.get("a", works) == 7


async def test_of_many_who_ask_at_once_one_reads() -> None:
    fresh, reads = Fresh[str, int](0), Reads()
    asking = [asyncio.create_task(fresh.get("a", reads)) for _ in range(100)]
    await asyncio.sleep(0)
    reads.may_answer.set()
    assert set(await asyncio.gather(*asking)) == {1}
    assert reads.count == 1


async def test_of_many_who_ask_at_once_all_hear_of_the_error() -> None:
    fresh: Fresh[str, int] = Fresh()
    count, may_answer = 0, asyncio.Event()

    async def fails() -> int:
        nonlocal count
        count += 1
        await may_answer.wait()
        raise LookupError

    asking = [asyncio.create_task(fresh.get("a", fails)) for _ in range(10)]
    await asyncio.sleep(0)
    may_answer.set()
    assert {type(one) for one in await asyncio.gather(*asking, return_exceptions=True)} == {LookupError}
    assert count == 1


async def test_when_the_one_who_reads_goes_away_another_reads() -> None:
    fresh, reads = Fresh[str, int](), Reads()
    first, *others = [asyncio.create_task(fresh.get("a", reads)) for _ in range(10)]
    await asyncio.sleep(0)
    first.cancel()
    with suppress(asyncio.CancelledError):
        await first
    reads.may_answer.set()
    assert set(await asyncio.gather(*others)) == {2}


async def test_one_who_waits_and_goes_away_disturbs_nobody() -> None:
    fresh, reads = Fresh[str, int](), Reads()
    first, second = [asyncio.create_task(fresh.get("a", reads)) for _ in range(2)]
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0)
    reads.may_answer.set()
    assert await first == 1
    assert second.cancelled()


async def test_what_was_being_read_when_it_was_forgotten_is_not_kept() -> None:
    fresh, reads = Fresh[str, int](60), Reads()
    old = asyncio.create_task(fresh.get("a", reads))
    await asyncio.sleep(0)
    fresh.forget("a")
    reads.may_answer.set()
    assert await fresh.get("a", reads) == 2
    assert await old == 1
    assert fresh.peek("a") == 2


async def test_a_value_lasts_while_it_is_known_that_nothing_was_changed() -> None:
    time, heard, reads = Time(), Heard(), Reads()
    reads.may_answer.set()
    fresh: Fresh[str, int] = Fresh(1, changes=heard, table="things", now=time)
    assert await fresh.get("a", reads) == 1
    time.now, heard.heard_until = 5.5, 5.0
    assert await fresh.get("a", reads) == 1
    heard.count += 1
    assert fresh.peek("a") is None
    assert await fresh.get("a", reads) == 2


async def test_a_value_lasts_its_second_where_nothing_is_heard() -> None:
    time, heard, reads = Time(), Heard(), Reads()
    reads.may_answer.set()
    fresh: Fresh[str, int] = Fresh(1, changes=heard, table="things", now=time)
    assert await fresh.get("a", reads) == 1
    time.now = 0.9
    assert await fresh.get("a", reads) == 1
    time.now = 1.0
    assert await fresh.get("a", reads) == 2


async def test_a_value_does_not_last_for_ever_though_nothing_is_announced() -> None:
    time, heard, reads = Time(), Heard(), Reads()
    reads.may_answer.set()
    fresh: Fresh[str, int] = Fresh(1, changes=heard, table="things", now=time)
    assert await fresh.get("a", reads) == 1
    time.now = heard.heard_until = 10.0
    assert await fresh.get("a", reads) == 2


async def test_a_change_while_it_is_being_read_is_read_again() -> None:
    heard, reads = Heard(), Reads()
    fresh: Fresh[str, int] = Fresh(60, changes=heard, table="things")
    old = asyncio.create_task(fresh.get("a", reads))
    await asyncio.sleep(0)
    heard.count += 1
    late = asyncio.create_task(fresh.get("a", reads))
    await asyncio.sleep(0)
    reads.may_answer.set()
    assert (await old, await late) == (1, 2)
    assert fresh.peek("a") == 2
