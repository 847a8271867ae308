"""Checking an audit file of the first format, `yimen-audit/1`: each event in it carries a proof of its own.

Files of this format are not written any more; those that exist are proven as ever.
"""

import base64
from collections.abc import Iterable
from typing import Any

from vault.ledger import merkle
from vault.ledger.checkpoints import VerifierKey
from vault.ledger.events import canonical
from vault.ledger.report import Report, id_in, strict_object
from vault.ledger.signed_file import SignedFile

FIRST_FORMAT = "yimen-audit/1"
_MEMBERS = {"position", "after", "event", "proof"}
_MOST_NAMED = 1000


class FirstVerification(SignedFile):
    def __init__(self, key: VerifierKey) -> None:
        super().__init__(key, FIRST_FORMAT)
        self._previous = -1

    def run(self, lines: Iterable[bytes]) -> Report:
        for number, line in enumerate(lines, 1):
            self._number = number
            if self._seen_end:
                self._found("something was added after the end")
                break
            content = self._parse(line)
            if number == 1:
                self._head(content)
            elif content is not None and set(content) == {"end"}:
                self._end(content["end"])
                continue
            else:
                self._event(content)
            self._digest.update(line)
        self._whole()
        return self._report

    def _parse(self, line: bytes) -> dict[str, Any] | None:
        """The line's object; None, and a finding, when it is not in its one form."""
        content = strict_object(line)
        if content is None and self._number != 1:
            self._found("the line is damaged", id_in(line))
        return content

    def _event(self, content: dict[str, Any] | None) -> None:
        if content is None:
            return
        if set(content) != _MEMBERS or not _is_place(content["position"]) or not isinstance(content["event"], dict):
            self._found("the line is no event of the log")
            return
        position, event = content["position"], content["event"]
        name = str(event.get("id", position))
        self._report.events += 1
        if not self._is_included(position, event, content["proof"]):
            self._found("the event is not as it was written, or was never written", name)
        self._follow(position, content["after"], name)

    def _follow(self, position: int, after: object, name: str) -> None:
        """The order: places only grow, and each event names the one before it."""
        if position <= self._previous:
            self._found("the event stands in the wrong order, or twice", name)
            return
        if self._report.complete:
            for missing in range(self._previous + 1, min(position, self._previous + 1 + _MOST_NAMED)):
                self._found("an event was removed", f"position {missing}")
        elif after != self._previous:
            self._found("an event was removed before this one", f"position {after}")
        if self._report.complete and after != position - 1:
            self._found("the line names a wrong predecessor", name)
        self._previous = position

    def _is_included(self, position: int, event: dict[str, Any], proof: object) -> bool:
        if self._checkpoint is None or not isinstance(proof, list):
            return False
        try:
            nodes = [base64.b64decode(node, validate=True) for node in proof]
            leaf = merkle.hash_leaf(canonical(event))
        except (ValueError, TypeError):
            return False
        return merkle.verify_inclusion(leaf, position, self._checkpoint.size, nodes, self._checkpoint.root)

    def _end(self, note: object) -> None:
        self._seen_end = True
        end = self._signed_end(note)
        if end is None:
            return
        if self._report.complete and self._checkpoint is not None:
            first, last = self._previous + 1, self._checkpoint.size
            for missing in range(first, min(last, first + _MOST_NAMED)):
                self._found("an event was removed", f"position {missing}")
        self._compare(end)

    def _whole(self) -> None:
        if self._number == 0:
            self._number = 1
            self._found("the file is empty")
        elif not self._seen_end:
            self._found("the file breaks off: its signed end is missing")


def _is_place(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
