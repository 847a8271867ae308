"""`python -m tests.bench [--quick]`: rates, and their ratio to what this machine can do. Never asserts a time."""

import asyncio
import sys
import tempfile
from pathlib import Path

from core.logs import configure_logs
from tests.bench import inside, over_http, raw, rewriting
from tests.bench.table import show


async def _measure(folder: Path, seconds: float) -> None:
    limits = raw.measure(folder, seconds / 2)
    lines = await inside.measure(folder, limits, seconds)
    show([*lines, *rewriting.measure(seconds / 4), *await over_http.measure(folder, limits, seconds)])


def main() -> None:
    configure_logs("ERROR", "console")
    with tempfile.TemporaryDirectory(prefix="yimen-bench-") as folder:
        asyncio.run(_measure(Path(folder), 1.0 if "--quick" in sys.argv else 4.0))


main()
