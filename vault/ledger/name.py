"""The ledger's name: the origin of its checkpoints (C2SP tlog-checkpoint), made once, at the first start.

It stands in every checkpoint, under the ledger's own signature, and is kept nowhere else: whoever writes to the
database without the ledger's key cannot give the ledger another one. No setting has a say in it. A ledger of before was
named after the issuer of its first day, and keeps that name for good.
"""

import re

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select

from core.database import Connection
from core.identifiers import new_id
from vault.errors import VaultError
from vault.ledger.checkpoints import VerifierKey
from vault.ledger.tree import checkpoint_table

# What the key signs for another purpose has a longer name (`Signer.named`), so it never passes for a checkpoint here.
_NAME = re.compile(r"[^\s/+]+/ledger")
# Notes that somebody spoiled are passed over, this many of them.
_MOST_READ = 100


def new_name() -> str:
    return f"yimen-{new_id().lower()}/ledger"


async def signed_name(connection: Connection, key: Ed25519PublicKey) -> str | None:
    """The name in the newest checkpoint that `key` has signed; None where it has signed none."""
    newest = select(checkpoint_table.c.note).order_by(checkpoint_table.c.size.desc()).limit(_MOST_READ)
    names = (_name_in(note, key) for note in await connection.scalars(newest))
    return next((name for name in names if name is not None), None)


def _name_in(note: str, key: Ed25519PublicKey) -> str | None:
    claimed = note.partition("\n")[0]
    if not _NAME.fullmatch(claimed):
        return None
    try:
        return VerifierKey(claimed, key).verify(note).origin
    except VaultError:
        return None
