"""`python -m tests.bench`: rates beside peers and raw limits, in one run. Never asserts a time.

docs/performance.md says how it measures, and keeps what it found last.
"""

import os
import signal
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from core.logs import configure_logs
from tests.bench import inside, machine, raw, rewriting, rounds, scrubbing, tables
from tests.bench.line import Line
from tests.bench.options import parse
from tests.bench.peers.provider import Account
from tests.bench.postgres import open_postgres
from tests.bench.report import Report
from tests.bench.servers import Place, open_servers
from tests.stories.conftest import free_port

_DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "performance.md"


def main() -> None:
    options, cores = parse(), machine.find_cores()
    configure_logs("ERROR", "console")
    # Whatever ends the run ends its servers.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="yimen-bench-") as name, cores.on(cores.database | cores.generator):
        os.chmod(name, 0o755)  # PostgreSQL runs as another user
        with open_postgres(Path(name), free_port(), cores) as postgres:
            found = uvloop.run(_measure(Place(Path(name), options, cores, postgres, Account())))
    text = tables.render(found)
    print(f"\n{text}")
    if options.whole:
        tables.write(_DOCUMENT, text)


async def _measure(place: Place) -> Report:
    raw_url = place.postgres.create("raw")
    with place.cores.on(place.cores.server):
        limits = await raw.measure(place.folder, raw_url, place.options.seconds / 2)
    async with AsyncExitStack() as stack:
        providers = await open_servers(stack, place)
        figures = await rounds.measure(providers, place.options, place.cores)
        memory = {provider.name: provider.running.memory() for provider in providers}
    return Report(
        options=place.options,
        day=datetime.now(UTC).date(),
        machine=machine.describe(),
        cores=place.cores,
        postgres=place.postgres.version,
        providers=providers,
        figures=figures,
        memory=memory,
        raw=limits,
        lines=await _inside(place, limits) if place.options.inside else [],
    )


async def _inside(place: Place, limits: raw.Raw) -> Sequence[Line]:
    seconds = place.options.seconds
    url = place.postgres.create("inside")
    with place.cores.on(place.cores.server):
        return [
            *await inside.measure(place.folder, url, limits, seconds),
            *await inside.measure(place.folder, "", limits, seconds),
            *rewriting.measure(seconds / 4),
            *scrubbing.measure(seconds / 4),
        ]


main()
