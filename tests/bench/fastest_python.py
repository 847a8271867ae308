"""Prints which Python to install with: the fastest of those here that can.

The same version differs by half between builds: Debian's and the official images' are optimised for how programs run
(--enable-optimizations), those that pyenv builds are not unless they are told to be. So each is asked for its time.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence

_LEAST = (3, 11)
_CANDIDATES = ("/usr/bin/python3", "/usr/local/bin/python3")
# How much faster another than the usual one must be to be taken in its place.
_WORTH = 0.8

# Attributes, calls, containers and texts: what a server does all day.
_LOAD = """
import ensurepip, sys, time, venv

class Row:
    def __init__(self, number): self.number = number
    def next(self): return self.number + 1

def work():
    total = 0
    for number in range(60000):
        row = Row(number)
        fields = {"number": row.next(), "total": total}
        fields.update(text="%s-%s" % (number, total))
        total += len(fields) + sum([one for one in (1, 2, 3)])
    return total

def measure():
    began = time.process_time()
    work()
    return time.process_time() - began

assert sys.version_info >= MINIMUM
print(min(measure() for _ in range(5)))
"""


def fastest(usual: str, others: Sequence[str] = _CANDIDATES) -> str:
    """`usual` is the one that a person gets who types `python3`."""
    times = {python: taken for python in (usual, *others) if (taken := _seconds(python)) is not None}
    best = min(times, key=lambda python: times[python], default=usual)
    return usual if usual in times and times[best] > _WORTH * times[usual] else best


def _seconds(python: str) -> float | None:
    """None where it is too old, or cannot make an environment."""
    if shutil.which(python) is None:
        return None
    program = _LOAD.replace("MINIMUM", repr(_LEAST))
    done = subprocess.run([python, "-I", "-c", program], capture_output=True, text=True, check=False)
    return float(done.stdout) if done.returncode == 0 else None


if __name__ == "__main__":
    print(fastest(sys.argv[1]))
