"""RFC 9162 §2.1, against the recursive definition and the certificate-transparency reference tree."""

from hypothesis import given
from hypothesis import strategies as st

from vault.ledger import merkle

# The reference inputs and roots of the RFC 6962/9162 test tree (certificate-transparency, merkletree tests).
INPUTS = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    bytes(range(0x50, 0x58)),
    bytes(range(0x60, 0x70)),
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",  # pragma: allowlist secret
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",  # pragma: allowlist secret
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",  # pragma: allowlist secret
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",  # pragma: allowlist secret
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",  # pragma: allowlist secret
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",  # pragma: allowlist secret
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",  # pragma: allowlist secret
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",  # pragma: allowlist secret
]


def mth(entries: list[bytes]) -> bytes:
    """The definition of §2.1.1, word for word."""
    if not entries:
        return merkle.EMPTY_ROOT
    if len(entries) == 1:
        return merkle.hash_leaf(entries[0])
    split = 1
    while split * 2 < len(entries):
        split *= 2
    return merkle.hash_node(mth(entries[:split]), mth(entries[split:]))


def grown(entries: list[bytes]) -> tuple[merkle.Frontier, dict[merkle.Coordinate, bytes]]:
    frontier = merkle.Frontier()
    nodes: dict[merkle.Coordinate, bytes] = {}
    for entry in entries:
        nodes.update(frontier.append(merkle.hash_leaf(entry)))
    return frontier, nodes


def test_the_reference_tree_has_the_reference_roots() -> None:
    for size, root in enumerate(ROOTS, 1):
        assert grown(INPUTS[:size])[0].root().hex() == root
    assert (
        grown([])[0].root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )  # pragma: allowlist secret


entries = st.lists(st.binary(max_size=4), min_size=1, max_size=70)


@given(entries)
def test_a_grown_tree_has_the_root_of_the_definition_and_resumes_from_its_peaks(values: list[bytes]) -> None:
    frontier, nodes = grown(values)
    assert frontier.root() == mth(values)
    peaks = [nodes[coordinate] for coordinate in merkle.peak_coordinates(len(values))]
    assert merkle.Frontier(len(values), peaks).root() == frontier.root()


@given(entries, st.data())
def test_every_leaf_proves_its_place_and_no_other(values: list[bytes], data: st.DataObject) -> None:
    frontier, nodes = grown(values)
    size, root = len(values), frontier.root()
    position = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(lambda level, index: nodes[(level, index)], position, size)
    leaf = merkle.hash_leaf(values[position])
    assert merkle.verify_inclusion(leaf, position, size, proof, root)
    assert not merkle.verify_inclusion(merkle.hash_leaf(b"other" + values[position]), position, size, proof, root)
    assert not merkle.verify_inclusion(leaf, position, size, [*proof, root], root)
    if proof:
        assert not merkle.verify_inclusion(leaf, position, size, proof[:-1], root)
    for elsewhere in range(size):
        if elsewhere != position and values[elsewhere] != values[position]:
            assert not merkle.verify_inclusion(leaf, elsewhere, size, proof, root)


@given(entries, st.data())
def test_an_older_tree_proves_to_be_the_beginning_of_a_newer_one(values: list[bytes], data: st.DataObject) -> None:
    size = len(values)
    first = data.draw(st.integers(1, size))
    older, _ = grown(values[:first])
    newer, nodes = grown(values)
    proof = merkle.consistency_proof(lambda level, index: nodes[(level, index)], first, size)
    assert merkle.verify_consistency(first, size, older.root(), newer.root(), proof)
    forged, _ = grown([b"forged", *values[1:first]])
    if forged.root() != older.root():
        assert not merkle.verify_consistency(first, size, forged.root(), newer.root(), proof)


def test_the_nodes_a_proof_needs_grow_with_the_logarithm_only() -> None:
    size = 1_000_003
    asked = merkle.coordinates_of(lambda fetch: merkle.inclusion_proof(fetch, 500_000, size))
    assert len(asked) <= 2 * size.bit_length()


@given(st.integers(0, 400), st.integers(0, 400))
def test_the_subtrees_over_a_run_hold_each_of_its_leaves_once(one: int, other: int) -> None:
    start, end = sorted((one, other))
    held = [
        leaf for level, index in merkle.covering(start, end) for leaf in range(index << level, (index + 1) << level)
    ]
    assert held == list(range(start, end))
    assert len(list(merkle.covering(start, end))) <= 2 * max(1, end.bit_length())


@given(st.lists(st.integers(1, 70), max_size=8), st.data())
def test_leaves_and_subtrees_in_their_places_make_the_same_root(runs: list[int], data: st.DataObject) -> None:
    one_by_one, together = merkle.Frontier(), merkle.Frontier()
    nodes: dict[merkle.Coordinate, bytes] = {}
    leaves = [merkle.hash_leaf(bytes([number % 251])) for number in range(sum(runs))]
    for leaf in leaves:
        nodes.update(one_by_one.append(leaf))
    start = 0
    for length in runs:
        end = start + length
        if data.draw(st.booleans()):
            together.extend(leaves[start:end])
        else:
            for coordinate in merkle.covering(start, end):
                together.skip(coordinate[0], nodes[coordinate])
        start = end
    assert (together.size, together.root()) == (one_by_one.size, one_by_one.root())
