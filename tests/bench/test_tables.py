"""What a reader of docs/performance.md is told."""

import os
from dataclasses import replace
from datetime import date
from itertools import starmap
from pathlib import Path
from typing import cast

import pytest

from tests.bench import standing, tables
from tests.bench.backlog import Backlog
from tests.bench.line import Line
from tests.bench.machine import Cores, find_cores
from tests.bench.options import parse
from tests.bench.peers.provider import BARE, Provider
from tests.bench.raw import Raw
from tests.bench.report import Report
from tests.bench.rounds import Figure
from tests.bench.running import Memory, Running

_FIGURE = Figure(
    rate=1000.0,
    p50=10.0,
    p99=20.0,
    failed=0,
    first_failure="",
    generator_share=0.2,
    server_share=0.97,
    others_share=0.02,
    cpu_each=0.97,
    lag=0.5,
    drained_in=0.7,
    kept_up=True,
)
_RAW = Raw(es256=4000, es256_verified=2000, rs256=500, argon2=40, aes_gcm=1e5, sqlite_commits=900, postgres_commits=800)
_PEERS = [("oidc-provider", "node"), ("keycloak", "Keycloak")]


def _provider(name: str, title: str, *, has_ledger: bool = False) -> Provider:
    """Without a server: nothing is asked of one any more."""
    backlog = cast("Backlog", object()) if has_ledger else None
    return Provider(name, title, cast("Running", object()), 1.5, {}, backlog)


def _report(ours: Figure = _FIGURE, peers: Figure = _FIGURE) -> Report:
    yimen = _provider("yimen-sqlite", "Yimen, SQLite", has_ledger=True)
    return Report(
        options=parse(["--rows", "authorize"]),
        day=date(2026, 11, 28),
        machine="a machine",
        cores=Cores(frozenset({0}), frozenset({1}), frozenset({1})),
        postgres="PostgreSQL 16",
        providers=[_provider(BARE, "bare"), yimen, *starmap(_provider, _PEERS)],
        figures={
            (BARE, BARE): replace(_FIGURE, rate=4000.0),
            ("yimen-sqlite", "authorize"): ours,
            ("oidc-provider", "authorize"): peers,
            ("keycloak", "authorize"): replace(peers, rate=100.0),
        },
        memory={name: Memory(200.0, 90.0) for name in ("yimen-sqlite", "oidc-provider", "keycloak")},
        raw=_RAW,
        lines=[Line("ledger", 2000.0, 1000.0, "commits", asked=1000)],
    )


def test_the_table_has_rates_ratios_and_how_it_was_measured() -> None:
    text = tables.render(_report())
    assert "2026-11-28, a machine; PostgreSQL 16, durable. Servers were pinned to core 0, " in text
    assert "| authorize | 1,000 (10.0 / 20.0) | 1,000 (10.0 / 20.0) | 100 (10.0 / 20.0) | 4,000 |" in text
    assert "| authorize | 1.00 | 10.00 | 0.25 | 2.0 | 0.5 s | 0.7 s |" in text
    assert "| ledger | 2,000/s | 1,000/s commits | 2.00 | ≥ 1,000/s |" in text


def test_goals_that_are_met_are_said_in_a_sentence_each() -> None:
    assert standing.sentences(_report()) == [
        "Yimen, SQLite: every row reaches 1 × node.",
        "Yimen, SQLite: every row reaches 5 × Keycloak.",
    ]


@pytest.mark.parametrize(
    ("worse", "mark", "said"),
    [
        ({"rate": 400.0}, "400 (", "1 of 1 rows are below 1 × node: authorize 0.40."),
        ({"p99": 90.0}, "(10.0 / 90.0)", "p99 is more than 5 × p50: authorize 9.0."),
        ({"kept_up": False}, "1,000† (", "the ledger did not keep up, so these rates do not count: authorize."),
        ({"generator_share": 0.9}, "1,000* (", "so it may be the limit: authorize at Yimen, SQLite."),
        (
            {"failed": 3, "first_failure": "ConnectionResetError"},
            "**3 failed**",
            "authorize: 3 failed, first with `ConnectionResetError`.",
        ),
        ({"others_share": 0.6}, "1,000 (", "Something else used up to 60% of the server's core"),
    ],
)
def test_what_is_worse_is_marked_and_said(worse: dict[str, float], mark: str, said: str) -> None:
    text = tables.render(_report(replace(_FIGURE, **worse)))  # type: ignore[arg-type]
    assert mark in text
    assert said in text


def test_without_peers_it_says_that_nothing_is_known_of_them() -> None:
    report = _report()
    alone = replace(report, providers=report.providers[:2])
    assert standing.sentences(alone) == ["No peer was given, so this run says nothing about how we stand beside one."]


def test_what_is_measured_inside_is_held_against_what_is_asked_too() -> None:
    lines = [
        Line("slow", 9.0, 20.0, "argon2id", asked_ratio=0.9),
        Line("slower", 90.0, asked=100, unit=" MB/s"),
        Line("nothing is asked", 1.0, 20.0, "copies"),
    ]
    assert standing.sentences(replace(_report(), lines=lines))[2:] == [
        "slow: 9/s, asked are ≥ 0.9 × argon2id.",
        "slower: 90 MB/s, asked are ≥ 100 MB/s.",
    ]


def test_only_what_stands_between_the_markers_is_replaced(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    repository = Path(__file__).resolve().parents[2]
    document.write_text((repository / "docs" / "performance.md").read_text(encoding="utf-8"), encoding="utf-8")
    before = document.read_text(encoding="utf-8")
    tables.write(document, "first")
    tables.write(document, "second")
    after = document.read_text(encoding="utf-8")
    assert "second" in after
    assert "first\n" not in after
    assert after.partition("<!--")[0] == before.partition("<!--")[0]
    assert after.rpartition("-->")[2] == before.rpartition("-->")[2]


def test_a_look_at_a_part_is_not_written() -> None:
    assert parse([]).whole
    for part in (["--quick"], ["--rows", "hop"], ["--servers", "yimen-sqlite"], ["--no-inside"]):
        assert not parse(part).whole


def test_on_one_core_nothing_is_pinned_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {3})
    cores = find_cores()
    assert not cores.pinned
    assert "Nothing was pinned" in cores.told


def test_with_more_cores_database_and_generator_have_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0, 1, 2, 3})
    assert find_cores() == Cores(frozenset({0}), frozenset({1}), frozenset({2, 3}))
