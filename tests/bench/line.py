"""What one measurement inside this process found, beside what the machine can do at all."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """`rate` is per second; `limit` the raw limit measured in the same run; `asked` what the design asks of one core,
    and `asked_ratio` what it asks of the raw limit."""

    path: str
    rate: float
    limit: float | None = None
    limit_of: str = ""
    asked: float | None = None
    asked_ratio: float | None = None
    unit: str = "/s"

    @property
    def target(self) -> str:
        if self.asked is not None:
            return f"≥ {self.asked:,.0f}{self.unit}"
        return "" if self.asked_ratio is None else f"≥ {self.asked_ratio:g} × {self.limit_of}"

    @property
    def is_met(self) -> bool:
        if self.asked is not None:
            return self.rate >= self.asked
        return self.asked_ratio is None or self.limit is None or self.rate >= self.asked_ratio * self.limit
