"""The tables of docs/performance.md, written between two markers; and, in words, where we stand."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.bench import standing
from tests.bench.peers.provider import Provider
from tests.bench.raw import Raw
from tests.bench.report import Report
from tests.bench.rounds import Figure

_BEGIN, _END = "<!-- bench: from here on written by `make bench` -->", "<!-- bench: until here -->"
_NONE = "–"


def write(path: Path, text: str) -> None:
    before, _, rest = path.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    path.write_text(f"{before}{_BEGIN}\n\n{text}\n{_END}{after}", encoding="utf-8")


def render(report: Report) -> str:
    parts = [
        _heading(report),
        _rates(report),
        *(_ratios(report, column) for column in report.columns if column.backlog),
        _cpu(report),
        _costs(report),
        _inside(report),
        _raw(report.raw),
        "### Where we stand\n\n" + "\n".join(f"- {sentence}" for sentence in standing.sentences(report)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _heading(report: Report) -> str:
    options = report.options
    return (
        f"{report.day.isoformat()}, {report.machine}; {report.postgres}, durable. {report.cores.told} "
        f"{options.connections} connections, medians of {options.rounds} × {options.seconds:g} s a row."
    )


def _rates(report: Report) -> str:
    head = ["per second (p50 / p99 in ms)", *(column.title for column in report.columns), "raw limit"]
    return _table(head, (_rate_row(report, row) for row in report.options.rows))


def _cpu(report: Report) -> str:
    head = ["CPU of the server for one, ms", *(column.title for column in report.columns)]
    rows = []
    for row in report.options.rows:
        found = [report.figures.get((column.name, row)) for column in report.columns]
        rows.append([row, *(f"{figure.cpu_each:.2f}" if figure else _NONE for figure in found)])
    return _table(head, rows)


def _rate_row(report: Report, row: str) -> list[str]:
    cells = [_cell(report.figures.get((column.name, row))) for column in report.columns]
    return [row, *cells, _number(report.raw_limit(row))]


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return _NONE
    marks = ("*" if figure.by_generator else "") + ("" if figure.kept_up else "†")
    failed = f", **{figure.failed} failed**" if figure.failed else ""
    return f"{figure.rate:,.0f}{marks} ({figure.p50:.1f} / {figure.p99:.1f}){failed}"


def _ratios(report: Report, column: Provider) -> str:
    others = [peer for peer in report.columns if peer.backlog is None]
    head = [
        f"{column.title}, times",
        *(peer.title for peer in others),
        "raw limit",
        "p99 / p50",
        "ledger waits",
        "drained in",
    ]
    rows = []
    for row in report.options.rows:
        if figure := report.figures.get((column.name, row)):
            against = [report.figures.get((peer.name, row)) for peer in others]
            ratios = [_ratio(figure.rate, peer.rate if peer else None) for peer in against]
            ledger = [f"{figure.lag:.1f} s", f"{figure.drained_in:.1f} s"]
            raw = _ratio(figure.rate, report.raw_limit(row))
            rows.append([row, *ratios, raw, _ratio(figure.p99, figure.p50, places=1), *ledger])
    return _table(head, rows)


def _costs(report: Report) -> str:
    head = ["", *(column.title for column in report.columns)]
    memory = [report.memory[column.name] for column in report.columns]
    return _table(
        head,
        [
            ["memory after the load, all processes, MB", *(f"{each.together:.0f}" for each in memory)],
            ["its largest process, MB resident", *(f"{each.largest:.0f}" for each in memory)],
            ["start until ready, s", *(f"{column.cold_start:.1f}" for column in report.columns)],
        ],
    )


def _inside(report: Report) -> str:
    if not report.lines:
        return ""
    rows = [
        [
            line.path,
            f"{line.rate:,.0f}{line.unit}",
            f"{line.limit:,.0f}{line.unit} {line.limit_of}" if line.limit else _NONE,
            _ratio(line.rate, line.limit),
            line.target,
        ]
        for line in report.lines
    ]
    return "### Inside one process\n\n" + _table(["", "rate", "raw limit", "ratio", "asked for"], rows)


def _raw(raw: Raw) -> str:
    rates = {
        "ES256 signed": raw.es256,
        "ES256 verified": raw.es256_verified,
        "RS256 signed": raw.rs256,
        "argon2id, 19 MiB, t=2, p=1": raw.argon2,
        "AES-256-GCM, 300 bytes": raw.aes_gcm,
        "durable commits one by one, SQLite": raw.sqlite_commits,
        "durable commits one by one, PostgreSQL": raw.postgres_commits,
    }
    rows = ([name, f"{rate:,.0f}"] for name, rate in rates.items())
    return "### Raw limits of this machine\n\n" + _table(["on one core", "per second"], rows)


def _number(value: float | None) -> str:
    return _NONE if value is None else f"{value:,.0f}"


def _ratio(value: float, other: float | None, *, places: int = 2) -> str:
    return f"{value / other:.{places}f}" if other else _NONE


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
