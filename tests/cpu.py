"""What some work costs the processor, to be compared with other work of the same moment."""

import gc
import time
from collections.abc import Callable


def least_seconds(work: Callable[[], object]) -> float:
    """The best of three, of this thread alone, and without the collector, whose cost depends on all that the process
    holds."""

    def once() -> float:
        started = time.thread_time()
        work()
        return time.thread_time() - started

    gc.disable()
    try:
        return min(once() for _ in range(3))
    finally:
        gc.enable()
