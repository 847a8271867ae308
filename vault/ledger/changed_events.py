"""Which events of a block are not those that were written: their marks tell."""

from collections import Counter
from collections.abc import Iterator, Sequence

from vault.ledger.report import id_in

CHANGED = "the event is not as it was written, or stands in another's place"
ADDED = "the event was added, or stands twice"
REMOVED = "an event was removed"


def changed_events(
    lines: Sequence[bytes], found: Sequence[bytes], written: Sequence[bytes], position: int | None
) -> Iterator[tuple[int, str, str]]:
    """The offset in the block, what is wrong, and the event's id or place. `found` are the marks of `lines`, `written`
    those in the file. `position` is that of the first event; None where places are left out between them."""
    start = _common(found, written)
    end = _common(found[start:][::-1], written[start:][::-1])
    found_here, written_here = found[start : len(found) - end], written[start : len(written) - end]
    if len(found_here) == len(written_here):
        for offset, (one, other) in enumerate(zip(found_here, written_here, strict=True), start):
            if one != other:
                yield offset, CHANGED, id_in(lines[offset])
        return
    yield from _added(lines, found_here, written_here, start)
    for offset in _surplus(written_here, found_here):
        yield start, REMOVED, "" if position is None else f"position {position + start + offset}"


def _added(
    lines: Sequence[bytes], found: Sequence[bytes], written: Sequence[bytes], start: int
) -> Iterator[tuple[int, str, str]]:
    for offset in _surplus(found, written):
        yield start + offset, ADDED, id_in(lines[start + offset])


def _surplus(marks: Sequence[bytes], others: Sequence[bytes]) -> Iterator[int]:
    """The offsets of those that are not, or not so often, among the others."""
    there = Counter(others)
    for offset, mark in enumerate(marks):
        if there[mark]:
            there[mark] -= 1
        else:
            yield offset


def _common(some: Sequence[bytes], others: Sequence[bytes]) -> int:
    """How many are the same at the beginning."""
    count = 0
    for one, other in zip(some, others, strict=False):
        if one != other:
            break
        count += 1
    return count
