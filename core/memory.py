"""Memory that nobody uses any more goes back to the system. For glibc; other C libraries do so by themselves."""

import ctypes

# mallopt(3)
_M_ARENA_MAX = -8

_libc = ctypes.CDLL(None)


def keep_one_heap() -> None:
    """For a process, before it has threads: each would have a heap of its own, which keeps what it once had."""
    if hasattr(_libc, "mallopt"):
        _libc.mallopt(_M_ARENA_MAX, 1)


def give_back_memory() -> None:
    """Large pieces are kept once they were asked for, in case they are again (malloc_trim(3))."""
    if hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(0)
