"""Checking an audit file with nothing but the log's public key.

The leaves of the file, and the nodes in place of what it leaves out, are folded into the root of a tree, which must be
the one that was signed. That proves all events at once, and takes no more than hashing their lines. The marks between
them prove nothing: where the root differs, they tell which event it is.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator
from itertools import chain

from vault.ledger import merkle
from vault.ledger.audit_format import BLOCK, EVENT_START, FORMAT, MARK_BYTES, marks_of
from vault.ledger.changed_events import changed_events
from vault.ledger.checkpoints import VerifierKey
from vault.ledger.report import Finding, Report, id_in, strict_object
from vault.ledger.signed_file import SignedFile
from vault.ledger.verify_first import FIRST_FORMAT, FirstVerification

_MOST_NAMED = 1000


def verify(lines: Iterable[bytes], key: VerifierKey) -> Report:
    """Reads the file once, in constant memory. Every finding names its line, and the event where it can."""
    remaining = iter(lines)
    head = next(remaining, b"")
    whole = chain([head], remaining)
    if (strict_object(head) or {}).get("format") == FIRST_FORMAT:
        return FirstVerification(key).run(whole)
    return _Verification(key).run(whole)


class _Verification(SignedFile):
    def __init__(self, key: VerifierKey) -> None:
        super().__init__(key, FORMAT)
        self._tree = merkle.Frontier()
        # True once the file cannot be folded into the signed root any more; what is wrong was found.
        self._is_broken = False
        # The events since the last marks, and how many of them are in the tree already.
        self._events: list[bytes] = []
        self._leaves: list[bytes] = []
        self._folded = 0
        # The place of the first of them; None where some are left out among them.
        self._first: int | None = 0

    def run(self, lines: Iterator[bytes]) -> Report:
        for line in self._controls(lines):
            if self._seen_end:
                self._found("something was added after the end")
                break
            if self._number == 1:
                self._head(strict_object(line))
            else:
                self._control(line)
            self._digest.update(line)
        if not self._seen_end:
            self._found("the file breaks off: its signed end is missing")
        return self._report

    def _controls(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        """Takes in the events, and gives the lines between them."""
        events, leaves, sha256, digest = self._events, self._leaves, hashlib.sha256, self._digest
        for number, line in enumerate(lines, 1):
            if line.startswith(EVENT_START) and not self._seen_end:
                if len(events) == BLOCK:
                    self._unmarked(number)
                events.append(line)
                leaves.append(sha256(b"\x00" + line[:-1]).digest())
                digest.update(line)
            else:
                self._number = number
                yield line

    def _unmarked(self, number: int) -> None:
        self._number = number
        self._found("the marks of the events before this line are missing")
        self._take_in()
        self._first = None if self._is_broken else self._tree.size

    def _control(self, line: bytes) -> None:
        match strict_object(line):
            case {"marks": str(marks), "next": int(following), **rest} if not rest:
                self._marks(marks, following)
            case {"skip": [int(first), int(end)], "nodes": list(nodes), **rest} if not rest:
                self._skip(first, end, nodes)
            case {"end": str(note), **rest} if not rest:
                self._end(note)
            case _:
                self._is_broken = True
                self._found("the line is damaged", id_in(line))

    def _marks(self, marks: str, following: int) -> None:
        try:
            raw = base64.b64decode(marks, validate=True)
        except ValueError:
            raw = b""
        written = [raw[start : start + MARK_BYTES] for start in range(0, len(raw), MARK_BYTES)]
        found = marks_of(self._leaves)
        if found != written:
            self._is_broken = True
            self._name(found, written)
        elif not self._is_broken and following != self._tree.size + len(self._leaves) - self._folded:
            self._is_broken = True
            self._found("the marks name another place than the events before them have")
        self._take_in()
        self._first = following

    def _name(self, found: list[bytes], written: list[bytes]) -> None:
        first_line = self._number - len(self._events)
        for offset, problem, event in changed_events(self._events, found, written, self._first):
            if len(self._report.findings) >= _MOST_NAMED:
                return
            self._report.findings.append(Finding(first_line + offset, problem, event))

    def _skip(self, first: int, end: int, nodes: list[object]) -> None:
        self._fold()
        if self._report.complete:
            self._found("the file is said to be whole, and leaves events out", f"position {first}")
        self._first = None if self._events else end
        if self._is_broken:
            return
        subtrees = list(merkle.covering(first, end)) if 0 <= first < end <= self._report.size else []
        hashes = [_node(node) for node in nodes]
        if first != self._tree.size or len(subtrees) != len(hashes) or b"" in hashes:
            self._is_broken = True
            self._found("the line does not stand where these events are left out", f"position {first}")
            return
        for (level, _), node in zip(subtrees, hashes, strict=True):
            self._tree.skip(level, node)

    def _fold(self) -> None:
        if not self._is_broken:
            self._tree.extend(self._leaves[self._folded :])
        self._folded = len(self._leaves)

    def _take_in(self) -> None:
        """What was read since the last marks needs to be kept no longer."""
        self._fold()
        self._report.events += len(self._events)
        self._events.clear()
        self._leaves.clear()
        self._folded = 0

    def _end(self, note: str) -> None:
        self._seen_end = True
        if self._events:
            self._found("the marks of the last events are missing")
            self._take_in()
        end = self._signed_end(note)
        if end is None:
            return
        size, root = (self._checkpoint.size, self._checkpoint.root) if self._checkpoint else (0, merkle.EMPTY_ROOT)
        if not self._is_broken and (self._tree.size != size or self._tree.root() != root):
            self._found("these are not the events that were signed")
        self._compare(end)

    def _found(self, problem: str, event: str = "") -> None:
        if len(self._report.findings) < _MOST_NAMED:
            super()._found(problem, event)


def _node(encoded: object) -> bytes:
    """The hash, or nothing where it is none."""
    try:
        node = base64.b64decode(str(encoded), validate=True)
    except ValueError:
        return b""
    return node if len(node) == merkle.HASH_BYTES else b""
