"""What audit files of every format have in common: a first line with the signed checkpoint, and a signed end."""

import hashlib
from typing import Any

from vault.errors import VaultError
from vault.ledger.audit_format import PURPOSE
from vault.ledger.checkpoints import Checkpoint, VerifierKey
from vault.ledger.report import Finding, Report


class SignedFile:
    """A file that is being checked, as far as it was read."""

    def __init__(self, key: VerifierKey, form: str) -> None:
        self._key = key
        self._form = form
        self._report = Report()
        self._checkpoint: Checkpoint | None = None
        self._digest = hashlib.sha256()
        self._number = 0
        self._seen_end = False

    def _head(self, content: dict[str, Any] | None) -> None:
        if content is None or content.get("format") != self._form:
            self._found("the first line is not the head of an audit file")
            return
        self._report.complete = content.get("complete") is True
        note = content.get("checkpoint")
        if note is None and content.get("size") == 0:
            return
        try:
            self._checkpoint = self._key.verify(str(note))
        except VaultError as error:
            self._found(error.detail)
            return
        self._report.size = self._checkpoint.size
        if content.get("size") != self._checkpoint.size:
            self._found("the head names another size than its checkpoint")

    def _signed_end(self, note: object) -> Checkpoint | None:
        """What the last line signs: the number of events, and all lines before it."""
        try:
            return self._key.named(PURPOSE).verify(str(note))
        except VaultError as error:
            self._found(f"the end of the file: {error.detail}")
            return None

    def _compare(self, end: Checkpoint) -> None:
        if end.size != self._report.events:
            self._found(f"the file was signed with {end.size} events and has {self._report.events}")
        if end.root != self._digest.digest() and not self._report.findings:
            self._found("the file was changed after it was signed")

    def _found(self, problem: str, event: str = "") -> None:
        self._report.findings.append(Finding(self._number, problem, event))
