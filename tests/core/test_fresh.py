"""Values of a moment ago."""

import pytest

from core.fresh import Fresh


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
