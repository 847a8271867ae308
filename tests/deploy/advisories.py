"""Known flaws of pinned packages, by the records that OSV publishes for PyPI: JSON files in a folder or a zip.

Nothing is fetched: the records are brought here by whoever runs the check.
"""

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True, order=True)
class Finding:
    package: str
    version: str
    advisory: str


def pins(lock: Path) -> set[tuple[str, str]]:
    return {(_normal(name), version) for name, version in _PIN.findall(lock.read_text(encoding="utf-8"))}


def records(source: Path) -> Iterator[dict[str, Any]]:
    if source.is_dir():
        yield from (json.loads(path.read_bytes()) for path in source.rglob("*.json"))
        return
    with zipfile.ZipFile(source) as packed:
        yield from (json.loads(packed.read(name)) for name in packed.namelist() if name.endswith(".json"))


def findings(lock: Path, source: Path) -> list[Finding]:
    pinned: dict[str, list[str]] = {}
    for name, version in pins(lock):
        pinned.setdefault(name, []).append(version)
    found = {
        Finding(name, version, record["id"])
        for record in records(source)
        if "withdrawn" not in record
        for affected in record.get("affected", [])
        if (name := _python_package(affected)) in pinned
        for version in pinned[name]
        if _is_affected(version, affected)
    }
    return sorted(found)


def _python_package(affected: dict[str, Any]) -> str:
    package = affected.get("package", {})
    return _normal(package.get("name", "")) if package.get("ecosystem") == "PyPI" else ""


def _is_affected(version: str, affected: dict[str, Any]) -> bool:
    """By the list of versions, or by a range (OSV schema, `affected[].ranges[].events`)."""
    ranges = (one for one in affected.get("ranges", []) if one["type"] == "ECOSYSTEM")
    return version in affected.get("versions", []) or any(_is_within(version, one["events"]) for one in ranges)


def _is_within(version: str, events: list[dict[str, str]]) -> bool:
    """Every event before the version changes what holds for it; the last one counts."""
    within, given = False, Version(version)
    for kind, at in sorted((item for event in events for item in event.items()), key=lambda item: _version(item[1])):
        if kind == "introduced" and given >= _version(at):
            within = True
        elif (kind == "fixed" and given >= _version(at)) or (kind == "last_affected" and given > _version(at)):
            within = False
    return within


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0")


def _normal(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()
