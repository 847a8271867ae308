"""What a person signs in with, as one signed row: digests of their password, their second factor and recovery codes.

The rows of those three stand in tables of their own. None of them can be changed, moved from another person, added,
taken away or put back without this row saying otherwise: a second factor that somebody deleted is missed at the next
sign-in, and a password that was replaced never comes back.
"""

from typing import Any

from sqlalchemy import Column, Row, String, Table

from core.database import Bytes, Connection, metadata
from core.integrity import Anchor, anchor_column, mac_column, signed
from vault.ledger import Event
from vault.rows import SignedRows, read

proofs_table = Table(
    "sso_proofs",
    metadata,
    Column("user_id", String(26), primary_key=True),
    Column("password_digest", Bytes),
    Column("totp_digest", Bytes),
    Column("recovery_digest", Bytes),
    anchor_column(),
    mac_column(),
    info=signed(anchor=Anchor("user:", ("directory.password", "directory.totp"))),
)


async def proofs_of(connection: Connection, rows: SignedRows, user_id: str) -> Row[Any] | None:
    """The row of a person, checked; for a write to what it encloses, until this unit of work ends."""
    query = read(proofs_table).where(proofs_table.c.user_id == user_id).with_for_update(of=proofs_table)
    row: Row[Any] | None = (await connection.execute(query)).one_or_none()
    if row is not None:
        rows.require(proofs_table, row)
    return row


async def note_proofs(
    connection: Connection, rows: SignedRows, user_id: str, event: Event, **digests: bytes | None
) -> None:
    """Ends a write to what the row encloses: it keeps the new digests, and `event` tells of the change."""
    if await rows.change_told(connection, proofs_table, {"user_id": user_id}, event, **digests) is None:
        await rows.insert_told(connection, proofs_table, event, user_id=user_id, **digests)
