"""Passwords and clients' secrets as they are kept. Hashing takes long by intention, so it is done before the unit of
work that keeps them is opened."""

import asyncio
from collections.abc import Iterable

from connectors.apply.document import ClientEntry, UserEntry
from connectors.apply.entries import Address, Entry
from connectors.apply.secrets import reveal
from connectors.errors import ConnectorError
from core.database import Connection, Database
from core.errors import YimenError
from sso.authentication.password_policy import MAX_LENGTH
from sso.authentication.passwords import Passwords
from sso.clients import ClientRegistration, Clients
from sso.directory.users import Users

# What stands for a hash where nothing will stay.
_REHEARSED = "rehearsed"


class Hashes:
    """What `ready` made ready, by entry; none where what is kept stays."""

    def __init__(self, database: Database, users: Users, passwords: Passwords, clients: Clients) -> None:
        self._database = database
        self._users = users
        self._passwords = passwords
        self._clients = clients
        self._made: dict[Address, str] = {}
        # Which kept hash was found to be of the password that the file gives: it is not tried again.
        self._matched: dict[Address, str] = {}

    def of(self, address: Address) -> str | None:
        return self._made.get(address)

    async def ready(self, entries: Iterable[Entry], *, rehearsal: bool) -> None:
        """For these entries, and none before them. In a rehearsal passwords are not hashed, only compared."""
        self._made.clear()
        secret = [entry for entry in entries if _gives_secret(entry)]
        if not secret:
            return
        async with self._database.read() as connection:
            kept = [await self._kept(connection, entry) for entry in secret]
        await asyncio.gather(*(self._make(entry, was, rehearsal) for entry, was in zip(secret, kept, strict=True)))

    async def _kept(self, connection: Connection, entry: Entry) -> str | None:
        if entry.kind == "client":
            return await self._clients.kept_secret(connection, entry.says.client_id)
        user = await self._users.find_by_username(connection, entry.says.username)
        return None if user is None else await self._passwords.current(connection, user.id)

    async def _make(self, entry: Entry, kept: str | None, rehearsal: bool) -> None:
        """Raises ERR-APPLY_SECRET, with the entry's name in front."""
        try:
            hashed = await (
                self._of_client(entry, kept) if entry.kind == "client" else self._of_user(entry, kept, rehearsal)
            )
        except YimenError as error:
            raise named(entry, error) from None
        if hashed is not None:
            self._made[entry.address] = hashed

    async def _of_client(self, entry: Entry, kept: str | None) -> str | None:
        says: ClientEntry = entry.says
        assert says.client_secret is not None
        secret = reveal(says.client_secret, "client_secret")
        return (await self._clients.readied(ClientRegistration(says.client_id, secret), kept)).secret_hash

    async def _of_user(self, entry: Entry, kept: str | None, rehearsal: bool) -> str | None:
        says: UserEntry = entry.says
        assert says.password is not None
        password = reveal(says.password, "password")
        if len(password) > MAX_LENGTH:
            raise ConnectorError("ERR-APPLY_SECRET", f"password: it has at most {MAX_LENGTH} characters")
        if kept is not None and (says.must_change_password or await self._is(entry.address, kept, password)):
            # A first password is for the first time only: later runs leave what the person chose.
            return None
        return _REHEARSED if rehearsal else await self._passwords.given(password)

    async def _is(self, address: Address, kept: str, password: str) -> bool:
        if self._matched.get(address) == kept:
            return True
        if not await self._passwords.verify(kept, password):
            return False
        self._matched[address] = kept
        return True


def named(entry: Entry, error: YimenError) -> ConnectorError:
    """The error with the entry in front, for whoever wrote the file."""
    return ConnectorError(error.code, f"{entry.kind} {entry.name}: {error.detail or error.code}", status=error.status)


def _gives_secret(entry: Entry) -> bool:
    says = entry.says
    return (entry.kind == "user" and says.password is not None) or (
        entry.kind == "client" and says.client_secret is not None
    )
