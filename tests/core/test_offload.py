"""Large work leaves the event loop, small work does not."""

import threading
from contextvars import ContextVar

import pytest

from core.offload import INLINE_BYTES, off_loop

WHO: ContextVar[str] = ContextVar("WHO")


@pytest.mark.parametrize(("size", "stays"), [(0, True), (INLINE_BYTES, True), (INLINE_BYTES + 1, False)])
async def test_what_is_large_is_done_in_another_thread(size: int, stays: bool) -> None:
    WHO.set("me")
    thread, who = await off_loop(size, lambda: (threading.current_thread(), WHO.get()))
    assert (thread is threading.current_thread()) is stays
    assert who == "me"


@pytest.mark.parametrize("size", [0, INLINE_BYTES + 1])
async def test_what_goes_wrong_there_is_raised_here(size: int) -> None:
    with pytest.raises(ZeroDivisionError):
        await off_loop(size, divmod, 1, 0)
