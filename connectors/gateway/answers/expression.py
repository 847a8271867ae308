"""Small parts of an expression, each in two forms: what it matches, and what such a match can begin with.

The second form tells how much of a stream's end must be held back, because the next piece may complete it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# As many parts of a row are followed exactly to tell whether it has begun. An expression that follows them all would
# take far longer to build than the whole answer to read.
_FOLLOWED = 5


@dataclass(frozen=True, slots=True, repr=False)
class Part:
    """`whole` matches the part; `begun` matches each of its beginnings, the empty one and the whole among them."""

    whole: bytes
    begun: bytes
    longest: int
    # The bytes that it can hold.
    alphabet: frozenset[int]
    # One byte exactly: there is nothing between not begun and whole.
    is_byte: bool = False
    # What may stand between the characters of a secret without being one.
    is_gap: bool = False


Row = list[Part]


def one_of(values: Iterable[int]) -> Part:
    """One byte out of several."""
    chosen = sorted(set(values))
    written = b"".join(b"\\x%02x" % value for value in chosen)
    whole = written if len(chosen) == 1 else b"[%s]" % written
    return Part(whole, whole + b"?", 1, frozenset(chosen), is_byte=True)


def literal(text: bytes) -> Part:
    return sequence([one_of((value,)) for value in text])


def any_case(text: bytes) -> Part:
    return sequence([one_of((value, *cased(value))) for value in text])


def cased(value: int) -> tuple[int, ...]:
    """The same ASCII letter in the other case."""
    return (value ^ 0x20,) if bytes((value,)).isalpha() else ()


def sequence(parts: Sequence[Part]) -> Part:
    if len(parts) == 1:
        return parts[0]
    return Part(_whole(parts), _begun(parts), sum(part.longest for part in parts), _alphabet(parts))


def either(parts: Iterable[Part]) -> Part:
    different = list(dict.fromkeys(parts))
    if len(different) == 1:
        return different[0]
    return Part(
        b"(?:%s)" % b"|".join(part.whole for part in different),
        b"(?:%s)" % b"|".join(part.begun for part in different),
        max(part.longest for part in different),
        _alphabet(different),
    )


def repeated(part: Part, least: int, most: int) -> Part:
    whole = b"(?:%s)" % part.whole
    begun = whole + b"{0,%d}%s" % (most - 1, part.begun)
    return Part(whole + b"{%d,%d}" % (least, most), begun, part.longest * most, part.alphabet)


def optional(part: Part) -> Part:
    return Part(b"(?:%s)?" % part.whole, part.begun, part.longest, part.alphabet)


def gap(part: Part) -> Part:
    return Part(part.whole, part.begun, part.longest, part.alphabet, is_gap=True)


def words(texts: Iterable[bytes]) -> Part:
    """One of several words; words that differ in one place only become one word with a choice there."""
    different = sorted(set(texts))
    columns = [sorted(set(column)) for column in zip(*different, strict=False)]
    alike = len({len(text) for text in different}) == 1
    if alike and sum(len(column) > 1 for column in columns) <= 1:
        return sequence([one_of(column) for column in columns])
    return either(map(literal, different))


def occurrence(rows: Iterable[Row]) -> bytes:
    """Matches what any of the rows matches from its first part to its last."""
    return b"|".join(_whole(row) for row in rows)


def beginning(rows: Iterable[Row]) -> bytes:
    """Matches at the end of a text what may be the beginning of an occurrence: all such, and few others."""
    return b"(?:%s)\\z" % b"|".join(_begun(_abridged(row)) for row in rows)


def longest(rows: Iterable[Row]) -> int:
    """Bytes that an occurrence has at most."""
    return max(sum(part.longest for part in row) for row in rows)


def _abridged(row: Row) -> Row:
    """The first parts as they are, and for the others: any of their bytes and any gap, in any order and number."""
    others = row[_FOLLOWED:]
    if not others:
        return row
    kinds = either([one_of(_alphabet(part for part in others if not part.is_gap)), *filter(_is_gap, others)])
    any_number = b"(?:%s)*" % kinds.whole
    return [*row[:_FOLLOWED], Part(any_number, any_number + kinds.begun, 0, frozenset())]


def _is_gap(part: Part) -> bool:
    return part.is_gap


def _alphabet(parts: Iterable[Part]) -> frozenset[int]:
    return frozenset().union(*(part.alphabet for part in parts))


def _whole(parts: Sequence[Part]) -> bytes:
    return b"".join(part.whole for part in parts)


def _begun(parts: Sequence[Part]) -> bytes:
    """All beginnings of the sequence, nested to the right."""
    nested = b""
    for part in reversed(parts):
        if part.is_byte:
            nested = b"(?:%s%s)?" % (part.whole, nested)
        else:
            nested = b"(?:%s|%s%s)" % (part.begun, part.whole, nested)
    return nested
