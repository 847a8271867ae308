"""Whoever has much work waits for himself; nobody else waits for him."""

import asyncio

from core.offload import INLINE_BYTES, off_loop
from core.turns import turn, work_for


async def test_the_work_of_one_person_is_done_one_after_the_other() -> None:
    under_way, most = 0, 0

    async def work() -> None:
        nonlocal under_way, most
        work_for("wang")
        async with turn():
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1

    await asyncio.gather(*(asyncio.create_task(work()) for _ in range(5)))
    assert most == 1


async def test_the_work_of_another_comes_between() -> None:
    done: list[str] = []

    async def work(person: str) -> None:
        work_for(person)
        async with turn():
            await asyncio.sleep(0)
            done.append(person)

    many = [asyncio.create_task(work("wang")) for _ in range(50)]
    await asyncio.create_task(work("li"))
    assert done.count("wang") <= 1
    await asyncio.gather(*many)


async def test_work_for_nobody_waits_for_nothing() -> None:
    async with turn(), turn():
        assert await off_loop(INLINE_BYTES + 1, len, b"abc") == 3


async def test_what_fails_gives_the_turn_on() -> None:
    work_for("wang")
    for size in (1, INLINE_BYTES + 1):
        try:
            await off_loop(size, int, "none")
        except ValueError:
            continue
    assert await off_loop(1, len, b"abc") == 3
