"""What one measurement inside this process found, beside what the machine can do at all."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """`rate` is per second; `limit` the raw limit measured in the same run; `target` that of the design, one core."""

    path: str
    rate: float
    limit: float | None = None
    limit_of: str = ""
    target: str = ""
    unit: str = "/s"
