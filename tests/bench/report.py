"""All that a run found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from tests.bench.line import Line
from tests.bench.machine import Cores
from tests.bench.options import Options
from tests.bench.peers.provider import BARE, Provider
from tests.bench.raw import COSTS, Raw
from tests.bench.rounds import Figures
from tests.bench.running import Memory


@dataclass(frozen=True)
class Report:
    options: Options
    day: date
    machine: str
    cores: Cores
    postgres: str
    providers: Sequence[Provider]
    figures: Figures
    memory: Mapping[str, Memory]
    raw: Raw
    lines: Sequence[Line]

    @property
    def columns(self) -> list[Provider]:
        return [provider for provider in self.providers if provider.name != BARE]

    def raw_limit(self, row: str) -> float | None:
        """Of a row over HTTP: what the bare HTTP server and the cryptography alone would take."""
        straight, answers = self.figures.get((BARE, row)), self.figures.get((BARE, BARE))
        if straight:
            return straight.rate
        return COSTS[row].limit(answers.rate, self.raw) if answers and answers.rate and row in COSTS else None
