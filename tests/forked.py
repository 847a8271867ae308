"""`yimen …` in a process of its own that need not import anything: it is forked off one that has imported it all.

A command's own work takes a tenth of what its imports take. What is asked of it and what it says stand in files.
"""

import asyncio
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import web.cli
from tests import costs
from tests.lines import measured

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])

for module in ("serve", "migrate", "apply", "demo", "forms", "recipe", "audit", "keys", "vault", "users"):
    __import__(f"web.cli.{module}")


async def run(
    arguments: Sequence[str], environment: Mapping[str, str], given: bytes, *, lowered: bool = False
) -> tuple[int, bytes, bytes]:
    """Exit status, output and errors. `lowered`: where passwords may cost next to nothing."""
    with tempfile.TemporaryDirectory() as folder:
        asked, said, complained = (Path(folder) / name for name in ("asked", "said", "complained"))
        asked.write_bytes(given)
        process = _CONTEXT.Process(target=_yimen, args=(arguments, environment, lowered, asked, said, complained))
        process.start()
        await asyncio.to_thread(process.join)
        assert process.exitcode is not None
        return process.exitcode, said.read_bytes(), complained.read_bytes()


def _yimen(
    arguments: Sequence[str], environment: Mapping[str, str], lowered: bool, asked: Path, said: Path, complained: Path
) -> None:
    sys.stdin = asked.open(encoding="utf-8")
    for stream, path in ((1, said), (2, complained)):
        with path.open("wb") as opened:
            os.dup2(opened.fileno(), stream)
    with measured(), costs.lowered() if lowered else nullcontext():
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["yimen", *arguments]
        web.cli.main()
