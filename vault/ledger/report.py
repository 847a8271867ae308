"""What checking an audit file found, and how a line of one is read."""

import json
from dataclasses import dataclass, field
from typing import Any

from vault.ledger.events import canonical


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was written. `line` counts from 1; `event` is its id or place where one is known."""

    line: int
    problem: str
    event: str = ""


@dataclass
class Report:
    events: int = 0
    findings: list[Finding] = field(default_factory=list)
    size: int = 0
    complete: bool = False

    @property
    def is_good(self) -> bool:
        return not self.findings


def strict_object(line: bytes) -> dict[str, Any] | None:
    """The line's object; None when it is not in its one form."""
    try:
        content = json.loads(line, object_pairs_hook=_without_repetition)
        if isinstance(content, dict) and canonical(content) + b"\n" == line:
            return content
    except (ValueError, TypeError, RecursionError):
        pass
    return None


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a member is repeated")
    return content


def id_in(line: bytes) -> str:
    """The id that a damaged line still shows, to say which event it was."""
    marker = b'"id":"'
    start = line.find(marker)
    found = line[start + len(marker) : start + len(marker) + 26] if start >= 0 else b""
    return found.decode("ascii", "replace")
