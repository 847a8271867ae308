"""What a thread needed for a moment does not stay with the process: one of its own, for it is set for all of it."""

import subprocess
import sys

import pytest

_PROGRAM = """
import ctypes, resource, threading
from pathlib import Path
from core.memory import give_back_memory, keep_one_heap

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() >> 20

def hold():
    # Above the size from which glibc asks for pages of their own, which grows with the first piece given back.
    for _ in range(2):
        libc.free.argtypes = [ctypes.c_void_p]
        libc.malloc.restype = ctypes.c_void_p
        piece = libc.malloc(19 << 20)
        ctypes.memset(piece, 1, 19 << 20)
        libc.free(piece)

libc = ctypes.CDLL(None)
keep_one_heap()
before = resident()
thread = threading.Thread(target=hold)
thread.start()
thread.join()
held = resident() - before
give_back_memory()
print(held, resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' allocators give memory back by themselves")
def test_what_a_thread_needed_for_a_moment_goes_back() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    _held, left = map(int, done.stdout.split())
    assert left < 4
