"""An audit file, format `yimen-audit/2`, and how one is written (docs/audit-file.md says it for other readers).

    {"checkpoint":…,"complete":…,"format":…,"size":…}   the head: the signed tree, and whether all of it is here
    {"action":…}                                        an event: the very bytes of its leaf
    {"nodes":[…],"skip":[first,end]}                    places that are left out, and the nodes over them
    {"marks":…,"next":…}                                the marks of the events since the last ones
    {"end":…}                                           signed: how many events, and a digest of all lines before

No event has a proof of its own. All lines together are the tree: leaves, and nodes in place of what is left out.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence

from vault.ledger import merkle
from vault.ledger.checkpoints import Signer
from vault.ledger.events import canonical

FORMAT = "yimen-audit/2"
# What the ledger's key is named by where it signs the end of a file.
PURPOSE = "export"
# Members are sorted, and `action` is the first one of an event.
EVENT_START = b'{"action":'
# At most so many events stand between two lines of marks.
BLOCK = 1000
MARK_BYTES = 4


class FileWriter:
    """Gives the pieces of a file in their order. `position` is the first one that nothing was written of."""

    def __init__(self) -> None:
        self.position = 0
        self._count = 0
        self._digest = hashlib.sha256()
        self._unmarked: list[bytes] = []

    def head(self, note: str | None, size: int, *, complete: bool) -> bytes:
        return self._written([canonical({"format": FORMAT, "complete": complete, "size": size, "checkpoint": note})])

    def missing(self, positions: Iterable[int]) -> list[merkle.Coordinate]:
        """The nodes over what lies between the events at these positions, which come next."""
        nodes: list[merkle.Coordinate] = []
        following = self.position
        for position in positions:
            nodes.extend(merkle.covering(following, position))
            following = position + 1
        return nodes

    def events(
        self, lines: Mapping[int, bytes], leaves: Mapping[int, bytes], nodes: Mapping[merkle.Coordinate, bytes]
    ) -> bytes:
        """Events by position, in order. A place with a leaf and no line has lost its event: the marks will tell."""
        written: list[bytes] = []
        for position, leaf in leaves.items():
            if position > self.position:
                written += self._skipped(position, nodes)
            if position in lines:
                written.append(lines[position])
                self._count += 1
            self._unmarked.append(leaf)
            self.position = position + 1
            if len(self._unmarked) == BLOCK:
                written.append(self._marks())
        if self._unmarked:
            written.append(self._marks())
        return self._written(written)

    def skip(self, end: int, nodes: Mapping[merkle.Coordinate, bytes]) -> bytes:
        """Everything up to `end` is left out."""
        return self._written(self._skipped(end, nodes))

    def end(self, signer: Signer) -> bytes:
        return canonical({"end": signer.sign(self._count, self._digest.digest())}) + b"\n"

    def _skipped(self, end: int, nodes: Mapping[merkle.Coordinate, bytes]) -> list[bytes]:
        if self.position >= end:
            return []
        over = [_text(nodes[coordinate]) for coordinate in merkle.covering(self.position, end)]
        line = canonical({"skip": [self.position, end], "nodes": over})
        self.position = end
        return [line]

    def _marks(self) -> bytes:
        marks = _text(b"".join(marks_of(self._unmarked)))
        self._unmarked.clear()
        return canonical({"marks": marks, "next": self.position})

    def _written(self, lines: Sequence[bytes]) -> bytes:
        piece = b"".join([line + b"\n" for line in lines])
        self._digest.update(piece)
        return piece


def marks_of(leaves: Sequence[bytes]) -> list[bytes]:
    """The first bytes of each leaf's hash: they prove nothing, and tell which event is another one."""
    return [leaf[:MARK_BYTES] for leaf in leaves]


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
