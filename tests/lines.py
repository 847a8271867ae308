"""Which lines of the product the processes of a run go through."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coverage import Coverage

PACKAGES = ("core", "vault", "sso", "connectors", "web")
_ROOT = Path(__file__).parent.parent
# Where processes leave what they went through; those that the first one starts get it from there.
FOLDER = "YIMEN_TEST_COVERAGE"


@contextmanager
def measured() -> Iterator[None]:
    """Counts what this process goes through, where the run is measured."""
    folder = os.environ.get(FOLDER)
    if folder is None:
        yield
        return
    coverage = _coverage(folder)
    coverage.start()
    try:
        yield
    finally:
        coverage.stop()
        coverage.save()


def _coverage(folder: str) -> Coverage:
    source = [str(_ROOT / package) for package in PACKAGES]
    return Coverage(f"{folder}/lines", data_suffix=True, source=source, config_file=False, messages=False)


def rates(folder: str) -> Iterator[tuple[str, int, int]]:
    """Each package, with how many lines it has and how many of them were gone through."""
    coverage = Coverage(f"{folder}/lines", config_file=False, messages=False)
    coverage.combine([folder])
    for package in PACKAGES:
        lines = missed = 0
        for file in (_ROOT / package).rglob("*.py"):
            _, statements, _, missing, _ = coverage.analysis2(str(file))
            lines, missed = lines + len(statements), missed + len(missing)
        yield package, lines, lines - missed
