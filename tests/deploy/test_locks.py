"""The locks: exactly what is meant, by its hashes, wherever it comes from; and no package with a known flaw."""

import json
import os
import re
import zipfile
from pathlib import Path

import pytest

from tests.deploy.advisories import Finding, findings, pins
from tests.deploy.chart import ROOT

LOCKS = {path.stem: path for path in (ROOT / "requirements").glob("*.txt")}
ADVISORIES = "YIMEN_TEST_ADVISORIES"


@pytest.mark.parametrize("name", sorted(LOCKS))
def test_every_line_is_a_pin_or_one_of_its_hashes(name: str) -> None:
    line = re.compile(r"[a-z0-9.-]+==[^ ]+( ; .+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")
    assert [text for text in LOCKS[name].read_text(encoding="utf-8").splitlines() if not line.fullmatch(text)] == []


def test_production_has_neither_the_demos_packages_nor_tools() -> None:
    production = {name for name, _ in pins(LOCKS["run"])}
    assert production.isdisjoint({"django", "httpx", "itsdangerous", "setuptools", "pip", "pytest", "mypy"})


@pytest.mark.parametrize("wider", ["demo", "dev"])
def test_what_runs_in_production_is_what_is_tested(wider: str) -> None:
    assert pins(LOCKS["run"]) <= pins(LOCKS[wider])


@pytest.mark.parametrize("name", ["run", "build"])
def test_no_pinned_package_has_a_known_flaw(name: str) -> None:
    given = os.environ.get(ADVISORIES)
    if not given:
        pytest.skip(f"nothing is known here of flaws: {ADVISORIES} names OSV's records for PyPI, a folder or a zip")
    assert findings(LOCKS[name], Path(given)) == []


def test_a_flaw_is_found_by_its_versions_and_by_its_ranges(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(
        "foo-bar==1.4.2 \\\n    --hash=sha256:00\nqux==2.0 ; python_version < '3' \\\n    --hash=sha256:00\n"
    )
    records = {
        "LISTED": affects("Foo_Bar", versions=["1.4.1", "1.4.2"]),
        "IN-RANGE": affects("foo.bar", events=[{"introduced": "0"}, {"fixed": "1.10"}]),
        "FIXED": affects("foo-bar", events=[{"introduced": "1.0"}, {"fixed": "1.4.2"}]),
        "AGAIN": affects("foo-bar", events=[{"introduced": "0"}, {"fixed": "1.2"}, {"introduced": "1.4"}]),
        "LATER": affects("foo-bar", events=[{"introduced": "1.5"}]),
        "LAST": affects("qux", events=[{"introduced": "0"}, {"last_affected": "2.0"}]),
        "BEFORE": affects("qux", events=[{"introduced": "0"}, {"last_affected": "1.9"}]),
        "ANOTHER": affects("quux", versions=["2.0"]),
        "OF-NPM": affects("qux", versions=["2.0"], ecosystem="npm"),
        "WITHDRAWN": affects("qux", versions=["2.0"]) | {"withdrawn": "2026-01-01T00:00:00Z"},
    }
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as packed:
        for name, record in records.items():
            packed.writestr(f"{name}.json", json.dumps({"id": name} | record))
    found = findings(lock, tmp_path / "all.zip")
    named = {"foo-bar": ["AGAIN", "IN-RANGE", "LISTED"], "qux": ["LAST"]}
    versions = {"foo-bar": "1.4.2", "qux": "2.0"}
    assert found == [Finding(package, versions[package], name) for package, names in named.items() for name in names]


def affects(
    name: str,
    *,
    versions: list[str] | None = None,
    events: list[dict[str, str]] | None = None,
    ecosystem: str = "PyPI",
) -> dict[str, object]:
    ranges = [{"type": "ECOSYSTEM", "events": events}] if events else []
    return {
        "affected": [{"package": {"name": name, "ecosystem": ecosystem}, "versions": versions or [], "ranges": ranges}]
    }
