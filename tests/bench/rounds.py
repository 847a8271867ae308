"""All rows at all servers, in turn, again and again: what slows the machine for a while slows everybody."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.backlog import Drained
from tests.bench.generator.driving import GeneratorError, drive
from tests.bench.generator.job import Job, Result
from tests.bench.generator.modes import MODES
from tests.bench.machine import CoreClock, Cores
from tests.bench.options import Options
from tests.bench.peers.provider import BARE, Provider

# Above this share of its core the generator may be what limits.
_BUSY = 0.8


@dataclass(frozen=True)
class Measured:
    """One row at one server in one round. Shares are of the server's core: what the server used of it, and what
    anything else did meanwhile. `cpu_each` is the server's CPU for one turn in ms, with what its ledger still did."""

    result: Result
    server_share: float
    others_share: float
    cpu_each: float
    drained: Drained | None


@dataclass(frozen=True)
class Figure:
    """One row at one server: medians over the rounds, and the worst of what must not be hidden."""

    rate: float
    p50: float
    p99: float
    failed: int
    first_failure: str
    generator_share: float
    server_share: float
    others_share: float
    cpu_each: float
    lag: float
    drained_in: float
    kept_up: bool

    @property
    def by_generator(self) -> bool:
        return self.generator_share > _BUSY


Figures = Mapping[tuple[str, str], Figure]


async def measure(providers: Sequence[Provider], options: Options, cores: Cores) -> Figures:
    """By name of the provider and row."""
    for turn in range(max(provider.warm_ups for provider in providers)):
        late = [provider for provider in providers if provider.warm_ups > turn]
        await _round(late, options, cores, f"warm-up {turn + 1}")
    found: defaultdict[tuple[str, str], list[Measured]] = defaultdict(list)
    for number in range(options.rounds):
        for key, measured in (await _round(providers, options, cores, f"round {number + 1}")).items():
            found[key].append(measured)
    return {key: _figure(several) for key, several in found.items()}


async def _round(
    providers: Sequence[Provider], options: Options, cores: Cores, title: str
) -> dict[tuple[str, str], Measured]:
    found = {}
    for row in (BARE, *options.rows):
        for provider in providers:
            if row in provider.targets:
                measured = found[provider.name, row] = await _measure(provider, row, options, cores)
                print(f"{title:10} {row:20} {provider.name:17} {_told(measured)}", flush=True)
    return found


async def _measure(provider: Provider, row: str, options: Options, cores: Cores) -> Measured:
    job = Job(
        mode=row if row in MODES else "page",
        target=provider.targets[row],
        connections=options.connections,
        seconds=options.seconds,
        warm_up=options.warm_up,
    )
    use = _Use(provider, cores)
    result = await _driven(job, options, cores, use.begin)
    share, others = use.shares()
    drained = await provider.backlog.drain() if provider.backlog else None
    return Measured(result, share, others, use.cpu_seconds() / max(result.turns, 1) * 1000, drained)


async def _driven(job: Job, options: Options, cores: Cores, at_start: Callable[[], None]) -> Result:
    """A row that cannot even begin is one failure, and no reason to lose all the others."""
    try:
        return await drive(job, processes=options.generators, cores=sorted(cores.generator), at_start=at_start)
    except GeneratorError as error:
        return Result(0, 0, 1, str(error), job.seconds, 0.0, [])


class _Use:
    """Who uses the server's core from `begin` on."""

    def __init__(self, provider: Provider, cores: Cores) -> None:
        self._provider = provider
        self._cores = cores
        self.begin()

    def begin(self) -> None:
        self._clock = CoreClock(self._cores.server)
        self._began = time.perf_counter()
        self._used = self._provider.cpu_seconds()

    def cpu_seconds(self) -> float:
        return self._provider.cpu_seconds() - self._used

    def shares(self) -> tuple[float, float]:
        """Of the server, and of everything else."""
        share = self.cpu_seconds() / (time.perf_counter() - self._began)
        return share, max(self._clock.busy() - share, 0.0)


def _figure(rounds: Sequence[Measured]) -> Figure:
    results = [measured.result for measured in rounds]
    drained = [measured.drained for measured in rounds if measured.drained]
    return Figure(
        rate=median(result.rate for result in results),
        p50=median(result.quantile(0.5) for result in results),
        p99=median(result.quantile(0.99) for result in results),
        failed=sum(result.failed for result in results),
        first_failure=next((result.first_failure for result in results if result.first_failure), ""),
        generator_share=_worst(result.cpu_share for result in results),
        server_share=median(measured.server_share for measured in rounds),
        others_share=_worst(measured.others_share for measured in rounds),
        cpu_each=median(measured.cpu_each for measured in rounds),
        lag=_worst(each.lag for each in drained),
        drained_in=_worst(each.seconds for each in drained),
        kept_up=all(each.kept_up for each in drained),
    )


def _worst(values: Iterable[float]) -> float:
    return max(values, default=0.0)


def _told(measured: Measured) -> str:
    result, drained = measured.result, measured.drained
    told = [
        f"{result.rate:8,.0f}/s  p50 {result.quantile(0.5):6.1f} ms  p99 {result.quantile(0.99):6.1f} ms",
        f"failed {result.failed}",
        f"server {measured.server_share:4.0%}  others {measured.others_share:4.0%}  generator {result.cpu_share:4.0%}",
        f"{measured.cpu_each:.2f} ms of CPU each",
    ]
    if drained:
        told.append(f"ledger waits {drained.lag:.1f} s, drained in {drained.seconds:.1f} s")
        told += [] if drained.kept_up else ["BACKLOG GROWS"]
    if result.failed:
        told.append(f"first: {result.first_failure}")
    return "  ".join(told)
