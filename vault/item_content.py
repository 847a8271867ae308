"""What of an item is sealed - the account's name and its password - and how it is read back."""

from typing import Any

from sqlalchemy import Row

from core.database import Connection
from vault.errors import VaultError
from vault.keys.sealing import Binding, Opened, Sealer

_LOGIN_SCHEMA = "login/1"
_SECRET_SCHEMA = "password/2"
_UNBOUND_SCHEMA = "password/1"


async def seal_content(
    sealer: Sealer,
    connection: Connection,
    place: tuple[str, str, str, int],
    destination: str,
    login: bytes | bytearray,
    secret: bytes | bytearray,
) -> dict[str, str | bytes]:
    """The sealed columns of an item. `place` is its owner, system, id and version; the password opens for its
    `destination` only."""
    return {
        "destination": destination,
        "sealed_login": await sealer.seal(connection, Binding(*place, _LOGIN_SCHEMA), login),
        "sealed_secret": await sealer.seal(connection, Binding(*place, _SECRET_SCHEMA, destination), secret),
    }


async def open_login(sealer: Sealer, connection: Connection, item: Row[Any]) -> Opened:
    """The account's name. Raises ERR-ITEM_TAMPERED when the row is not as it was sealed."""
    return await _open(sealer, connection, item, _LOGIN_SCHEMA, item.sealed_login, None)


async def open_secret(sealer: Sealer, connection: Connection, item: Row[Any], destination: str | None) -> Opened:
    """The password, for that destination. Raises ERR-ITEM_TAMPERED when the row is not as it was sealed, or was sealed
    for another destination."""
    return await _open(sealer, connection, item, _SECRET_SCHEMA, item.sealed_secret, destination)


async def open_unbound(sealer: Sealer, connection: Connection, item: Row[Any]) -> Opened:
    """The password of an item from before items had a destination; for the upgrade that gives it one."""
    return await _open(sealer, connection, item, _UNBOUND_SCHEMA, item.sealed_secret, None)


async def _open(
    sealer: Sealer, connection: Connection, item: Row[Any], schema: str, sealed: bytes, destination: str | None
) -> Opened:
    try:
        binding = Binding(item.owner, item.system, item.id, item.version, schema, destination)
        return await sealer.open(connection, binding, sealed)
    except VaultError as error:
        if error.code != "ERR-SEAL":
            raise
        raise VaultError("ERR-ITEM_TAMPERED", f"{item.owner}: item {item.id}: {error.detail}", status=409) from None
