"""What a benchmark found, beside what the machine can do at all and what the design asks for."""

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Line:
    """`rate` is per second; `limit` the raw limit measured in the same run; `target` that of DESIGN §5, one core."""

    path: str
    rate: float
    limit: float | None = None
    limit_of: str = ""
    target: str = ""
    unit: str = "/s"


def show(lines: list[Line]) -> None:
    table = Table("path", "rate", "raw limit", "ratio", "target for one core", box=None, padding=(0, 3, 0, 0))
    for line in lines:
        limit = f"{line.limit:,.0f}{line.unit} {line.limit_of}" if line.limit else ""
        ratio = f"{line.rate / line.limit:.2f}" if line.limit else ""
        table.add_row(line.path, f"{line.rate:,.0f}{line.unit}", limit, ratio, line.target)
    Console(highlight=False, width=140).print(table)
