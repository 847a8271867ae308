"""What a reader should know who reads no table: the goals that are met, and first those that are not."""

from collections.abc import Iterator
from statistics import median

from tests.bench.peers.provider import Provider
from tests.bench.report import Report
from tests.bench.rounds import Figure

# How many times a peer's rate is asked for, by the peer's name.
_ASKED = {"oidc-provider": 1.0, "keycloak": 5.0}
_LONGEST_TAIL = 5.0
_SLOWER = 1.1
_MOST_MEGABYTES = 120.0
_LONGEST_START = 3.0
# What the kernel and servers that wait may use of the server's core.
_QUIET = 0.15


def sentences(report: Report) -> list[str]:
    return [
        *_against_peers(report),
        *_beside_rows(report),
        *_tails(report),
        *_inside(report),
        *_costs(report),
        *_not_counted(report),
        *_of_the_generator(report),
        *_of_others(report),
        *_failures(report),
    ]


def _ours(report: Report) -> list[Provider]:
    return [column for column in report.columns if column.backlog]


def _figures(report: Report, column: Provider) -> Iterator[tuple[str, Figure]]:
    for row in report.options.rows:
        if figure := report.figures.get((column.name, row)):
            yield row, figure


def _against_peers(report: Report) -> Iterator[str]:
    for ours in _ours(report):
        for peer in report.columns:
            if peer.name in _ASKED:
                yield _against(report, ours, peer)
    if not any(column.name in _ASKED for column in report.columns):
        yield "No peer was given, so this run says nothing about how we stand beside one."


def _against(report: Report, ours: Provider, peer: Provider) -> str:
    asked = _ASKED[peer.name]
    ratios = {
        row: figure.rate / other.rate
        for row, figure in _figures(report, ours)
        if (other := report.figures.get((peer.name, row))) and other.rate
    }
    below = [f"{row} {ratio:.2f}" for row, ratio in ratios.items() if ratio < asked]
    wanted = f"{asked:g} × {peer.title}"
    if not below:
        return f"{ours.title}: every row reaches {wanted}."
    return f"{ours.title}: {len(below)} of {len(ratios)} rows are below {wanted}: {', '.join(below)}."


def _beside_rows(report: Report) -> Iterator[str]:
    slower = [
        f"{row} {figure.rate / empty.rate:.2f}"
        for column in report.columns
        if column.name == "yimen-postgresql-filled"
        for row, figure in _figures(report, column)
        if (empty := report.figures.get(("yimen-postgresql", row))) and figure.rate * _SLOWER < empty.rate
    ]
    if slower:
        yield f"Beside millions of rows these are more than a tenth slower: {', '.join(slower)}."


def _tails(report: Report) -> Iterator[str]:
    for ours in _ours(report):
        long = [
            f"{row} {figure.p99 / figure.p50:.1f}"
            for row, figure in _figures(report, ours)
            if figure.p99 > _LONGEST_TAIL * figure.p50
        ]
        if long:
            yield f"{ours.title}: p99 is more than {_LONGEST_TAIL:g} × p50: {', '.join(long)}."


def _inside(report: Report) -> Iterator[str]:
    for line in report.lines:
        if not line.is_met:
            yield f"{line.path}: {line.rate:,.0f}{line.unit}, asked are {line.target}."


def _costs(report: Report) -> Iterator[str]:
    for ours in _ours(report):
        largest = report.memory[ours.name].largest
        if largest > _MOST_MEGABYTES:
            yield f"{ours.title}: a process takes {largest:.0f} MB, asked are {_MOST_MEGABYTES:.0f}."
        if ours.cold_start > _LONGEST_START:
            yield f"{ours.title}: ready after {ours.cold_start:.1f} s, asked are {_LONGEST_START:.0f}."


def _not_counted(report: Report) -> Iterator[str]:
    for ours in _ours(report):
        rows = [row for row, figure in _figures(report, ours) if not figure.kept_up]
        if rows:
            yield (
                f"† {ours.title}: the ledger did not keep up, so these rates do not count: {', '.join(rows)}. "
                "Events waited more than two seconds for their place when the load ended."
            )


def _of_the_generator(report: Report) -> Iterator[str]:
    limited = [
        f"{row} at {column.title}"
        for column in report.columns
        for row, figure in _figures(report, column)
        if figure.by_generator
    ]
    if limited:
        yield f"\\* The generator used more than 80 % of its core, so it may be the limit: {', '.join(limited)}."


def _of_others(report: Report) -> Iterator[str]:
    shares = [figure.others_share for column in report.columns for _, figure in _figures(report, column)]
    if report.cores.pinned and max(shares, default=0.0) > _QUIET:
        yield (
            f"Something else used up to {max(shares):.0%} of the server's core (median {median(shares):.0%}) while it "
            "was measured: the rates are too low, and ratios are uncertain."
        )


def _failures(report: Report) -> Iterator[str]:
    for column in report.columns:
        for row, figure in _figures(report, column):
            if figure.failed:
                yield f"{column.title}, {row}: {figure.failed} failed, first with `{figure.first_failure}`."
