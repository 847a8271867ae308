"""The Merkle tree of RFC 9162 §2.1: hashing, proofs, and their verification. Pure functions over node hashes.

Complete subtrees are named by (level, index): level 0 holds the leaves, (l, i) covers leaves i·2^l … (i+1)·2^l - 1.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence

Coordinate = tuple[int, int]
Fetch = Callable[[int, int], bytes]

EMPTY_ROOT = hashlib.sha256().digest()
HASH_BYTES = 32


def hash_leaf(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def reduced(nodes: Sequence[bytes]) -> bytes:
    """The root over these neighbours of one level; their number is a power of two."""
    sha256 = hashlib.sha256
    while len(nodes) > 1:
        nodes = [sha256(b"\x01" + left + right).digest() for left, right in zip(nodes[::2], nodes[1::2], strict=True)]
    return nodes[0]


class Frontier:
    """The right edge of a tree: all that is needed to append to it and to know its root."""

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        self.size = size
        self._peaks = list(peaks)

    def append(self, leaf: bytes, level: int = 0) -> Iterator[tuple[Coordinate, bytes]]:
        """Adds a leaf hash, or a complete subtree where one fits; yields every node that becomes complete by it."""
        index, node = self.size >> level, leaf
        self.size += 1 << level
        yield (level, index), node
        while index % 2 == 1:
            node = hash_node(self._peaks.pop(), node)
            level, index = level + 1, index // 2
            yield (level, index), node
        self._peaks.append(node)

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Adds many leaf hashes, and keeps no node."""
        start = 0
        for level, _ in covering(self.size, self.size + len(leaves)):
            end = start + (1 << level)
            self.skip(level, reduced(leaves[start:end]))
            start = end

    def skip(self, level: int, node: bytes) -> None:
        """Adds a complete subtree of which only the root is known."""
        for _ in self.append(node, level):
            pass

    def root(self) -> bytes:
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = hash_node(peak, root)
        return root


def peak_coordinates(size: int) -> list[Coordinate]:
    """The complete subtrees that a tree of `size` leaves is made of, left to right."""
    peaks, start = [], 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            peaks.append((level, start >> level))
            start += 1 << level
    return peaks


def covering(start: int, end: int) -> Iterator[Coordinate]:
    """The largest complete subtrees that together hold the leaves from `start` to `end` - 1, left to right."""
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        yield level, start >> level
        start += 1 << level


def subtree_hash(fetch: Fetch, start: int, end: int) -> bytes:
    """MTH(D[start:end]) where `start` is a multiple of the smallest power of two that holds the range."""
    width = end - start
    if width & (width - 1) == 0:
        level = width.bit_length() - 1
        return fetch(level, start >> level)
    middle = start + _split(width)
    return hash_node(subtree_hash(fetch, start, middle), subtree_hash(fetch, middle, end))


def inclusion_proof(fetch: Fetch, position: int, size: int) -> list[bytes]:
    """PATH(m, D_n) of RFC 9162 §2.1.3.1."""
    if not 0 <= position < size:
        raise ValueError("the position is not in the tree")
    return _path(fetch, position, 0, size)


def _path(fetch: Fetch, position: int, start: int, end: int) -> list[bytes]:
    if end - start == 1:
        return []
    middle = start + _split(end - start)
    if position < middle:
        return [*_path(fetch, position, start, middle), subtree_hash(fetch, middle, end)]
    return [*_path(fetch, position, middle, end), subtree_hash(fetch, start, middle)]


def consistency_proof(fetch: Fetch, first: int, second: int) -> list[bytes]:
    """PROOF(m, D_n) of RFC 9162 §2.1.4.1."""
    if not 0 < first <= second:
        raise ValueError("the sizes are not in order")
    return _subproof(fetch, first, 0, second, whole=True) if first < second else []


def _subproof(fetch: Fetch, first: int, start: int, end: int, *, whole: bool) -> list[bytes]:
    width = end - start
    if first == width:
        return [] if whole else [subtree_hash(fetch, start, end)]
    middle = _split(width)
    if first <= middle:
        left = _subproof(fetch, first, start, start + middle, whole=whole)
        return [*left, subtree_hash(fetch, start + middle, end)]
    right = _subproof(fetch, first - middle, start + middle, end, whole=False)
    return [*right, subtree_hash(fetch, start, start + middle)]


def coordinates_of(build: Callable[[Fetch], object]) -> list[Coordinate]:
    """Which nodes `build` will fetch, so that they can be read from the database in one query."""
    asked: dict[Coordinate, None] = {}

    def note(level: int, index: int) -> bytes:
        asked[(level, index)] = None
        return bytes(HASH_BYTES)

    build(note)
    return list(asked)


def verify_inclusion(leaf: bytes, position: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """RFC 9162 §2.1.3.2."""
    if not 0 <= position < size:
        return False
    node, last, current = leaf, size - 1, position
    for step in proof:
        if last == 0:
            return False
        if current & 1 or current == last:
            node = hash_node(step, node)
            while not current & 1 and current != 0:
                current, last = current >> 1, last >> 1
        else:
            node = hash_node(node, step)
        current, last = current >> 1, last >> 1
    return last == 0 and node == root


def verify_consistency(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """RFC 9162 §2.1.4.2."""
    if first == second:
        return not proof and first_root == second_root
    if not 0 < first < second or not proof:
        return False
    path = list(proof) if first & (first - 1) else [first_root, *proof]
    current, last = first - 1, second - 1
    while current & 1:
        current, last = current >> 1, last >> 1
    old = new = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if current & 1 or current == last:
            old, new = hash_node(step, old), hash_node(step, new)
            while not current & 1 and current != 0:
                current, last = current >> 1, last >> 1
        else:
            new = hash_node(new, step)
        current, last = current >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def _split(width: int) -> int:
    """The largest power of two smaller than `width`."""
    return 1 << (width - 1).bit_length() - 1
