"""The tree as the database keeps it: its nodes, its size, and the signed checkpoints of it."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text, select

from core.database import Bytes, Connection, UtcDateTime, metadata
from core.integrity import guarded
from vault.errors import VaultError
from vault.ledger import merkle
from vault.ledger.checkpoints import VerifierKey

Proof = TypeVar("Proof")

node_table = Table(
    "vault_ledger_node",
    metadata,
    Column("level", Integer, primary_key=True),
    Column("index", BigInteger, primary_key=True),
    Column("hash", Bytes, nullable=False),
    info=guarded(by="the root of the tree, in the signed checkpoint"),
)
tree_table = Table(
    "vault_ledger_tree",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("size", BigInteger, nullable=False),
    info=guarded(by="the signed checkpoint, which names the same size"),
)
checkpoint_table = Table(
    "vault_ledger_checkpoint",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
    Column("signed_at", UtcDateTime, nullable=False),
    info=guarded(by="the signature of each note; its date beside it is only shown"),
)
_MOST_AT_ONCE = 1000
TREE_SIZE = select(tree_table.c.size).where(tree_table.c.name == "events")
NEWEST_CHECKPOINT = select(checkpoint_table).order_by(checkpoint_table.c.size.desc()).limit(1)


async def read_nodes(connection: Connection, coordinates: Sequence[merkle.Coordinate]) -> list[bytes]:
    """The hashes of these nodes, in this order. Raises ERR-LEDGER_TAMPERED when one is missing."""
    levels: dict[int, list[int]] = {}
    for level, index in dict.fromkeys(coordinates):
        levels.setdefault(level, []).append(index)
    found: dict[merkle.Coordinate, bytes] = {}
    for level, indexes in levels.items():
        for start in range(0, len(indexes), _MOST_AT_ONCE):
            wanted = node_table.c.index.in_(indexes[start : start + _MOST_AT_ONCE])
            query = select(node_table.c.index, node_table.c.hash).where(node_table.c.level == level, wanted)
            found.update({(level, index): node for index, node in await connection.execute(query)})
    missing = [coordinate for coordinate in coordinates if coordinate not in found]
    if missing:
        raise VaultError("ERR-LEDGER_TAMPERED", f"the tree lacks its node {missing[0]}")
    return [found[coordinate] for coordinate in coordinates]


async def prove(connection: Connection, build: Callable[[merkle.Fetch], Proof]) -> Proof:
    """What `build` makes of the nodes it asks for; all of them are read at once."""
    coordinates = merkle.coordinates_of(build)
    known = dict(zip(coordinates, await read_nodes(connection, coordinates), strict=True))
    return build(lambda level, index: known[(level, index)])


async def signed_frontier(connection: Connection, key: VerifierKey, *, lock: bool = False) -> merkle.Frontier:
    """The stored tree's right edge. Raises ERR-LEDGER_TAMPERED or ERR-LEDGER_CHECKPOINT unless it is the tree that was
    signed last: nothing is appended to another one, and no other one is exported."""
    frontier, note = await _read_edge(connection, lock=lock)
    size, root = 0, merkle.EMPTY_ROOT
    if note is not None:
        signed = key.verify(note)
        size, root = signed.size, signed.root
    if frontier.size != size:
        raise VaultError("ERR-LEDGER_TAMPERED", f"the tree has size {frontier.size}; size {size} was signed last")
    if frontier.root() != root:
        raise VaultError("ERR-LEDGER_TAMPERED", f"the tree of size {size} has not the root that was signed")
    return frontier


async def _read_edge(connection: Connection, *, lock: bool) -> tuple[merkle.Frontier, str | None]:
    """The right edge of the stored tree, and the newest signed note; with `lock`, nobody else appends to the tree until
    this unit of work ends.

    Raises ERR-LEDGER_TAMPERED when the tree's size or one of its nodes is missing.
    """
    newest = select(checkpoint_table.c.note).order_by(checkpoint_table.c.size.desc()).limit(1)
    if lock:  # the note in a statement of its own: one that waited for the lock has read before it waited
        size, note = await connection.scalar(TREE_SIZE.with_for_update()), await connection.scalar(newest)
    else:  # both in one statement: between two, somebody may append
        row = (await connection.execute(TREE_SIZE.add_columns(newest.scalar_subquery().label("note")))).one_or_none()
        size, note = (None, None) if row is None else (row.size, row.note)
    if not isinstance(size, int) or size < 0:
        raise VaultError("ERR-LEDGER_TAMPERED", "the size of the tree is missing")
    return merkle.Frontier(size, await read_nodes(connection, merkle.peak_coordinates(size))), note
