"""OpenID Connect clients: what departments register (RFC 7591 metadata beside our own fields), and the registry."""

import builtins
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, Literal

from pydantic import ValidationError
from sqlalchemy import Column, Integer, Row, Select, String, Table, bindparam

from core.clock import Clock
from core.database import Changes, Connection, Json, Prepared, UtcDateTime, metadata
from core.fresh import Fresh
from core.integrity import Anchor, anchor_column, mac_column, signed
from core.settings import Settings
from sso.access import AccessRule
from sso.client_metadata import ClientMetadata
from sso.client_secrets import ClientSecrets
from sso.errors import SsoError
from sso.redirect_uris import as_of_now, origin_of, require_registrable, to_keep
from vault.ledger import Event
from vault.rows import SignedRows, read

Policy = Literal["oidc", "strict"]

SCOPES = ("openid", "profile", "email", "phone", "organization", "offline_access")
SIGNING_ALGORITHMS = ("ES256", "RS256")
# A secret is guessed from many addresses at once, so it must be more than a person's password; sixteen characters are
# 64 bits even when they are only hexadecimal digits (RFC 6749 §10.10).
MIN_SECRET_LENGTH = 16
# Members that only tell something, so that there is nothing to act on.
_INFORMATIVE = frozenset({"contacts", "policy_uri", "tos_uri", "software_id", "software_version"})
_LIKE_A_PERSON = re.compile(r"[0-9a-z]{26}\Z")


@dataclass(frozen=True)
class ClientRegistration:
    """What an upsert says about a client. A secret of None leaves the kept one as it is.

    `secret_hash` is what is kept of the secret, where that changes (`Clients.readied`).
    """

    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    secret_hash: str | None = field(default=None, repr=False)
    name: Mapping[str, str] = field(default_factory=dict)
    policy: Policy = "strict"
    owner: str | None = None
    first_party: bool = False
    access: AccessRule = field(default_factory=AccessRule)
    status: Literal["active", "disabled"] = "active"
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Client:
    """A registered client, typed."""

    client_id: str
    secret_hash: str | None = field(repr=False)
    name: Mapping[str, str]
    policy: Policy
    owner: str | None
    first_party: bool
    access: AccessRule
    status: str
    metadata: ClientMetadata
    version: int

    @property
    def is_active(self) -> bool:
        return self.status == "active"

    @property
    def is_public(self) -> bool:
        return self.metadata.token_endpoint_auth_method == "none"

    @property
    def is_native(self) -> bool:
        return self.metadata.application_type == "native"

    @property
    def id_token_alg(self) -> str:
        """OpenID Registration §2 says RS256 unless the client asks; strict clients get ES256."""
        return self.metadata.id_token_signed_response_alg or ("ES256" if self.policy == "strict" else "RS256")

    @cached_property
    def scopes(self) -> frozenset[str]:
        """What it may ask for: what it registered, or everything about people."""
        return frozenset(self.metadata.scope.split()) or frozenset(SCOPES)

    @property
    def origins(self) -> frozenset[str]:
        """Web origins its pages run on, for CORS."""
        return frozenset(origin for uri in self.metadata.redirect_uris if (origin := origin_of(uri)))

    def display_name(self, locale: str) -> str:
        preferred = self.name.get("zh" if locale.startswith("zh") else "en")
        return preferred or self.name.get("zh") or self.metadata.client_name or self.client_id


client_table = Table(
    "sso_client",
    metadata,
    Column("client_id", String(255), primary_key=True),
    Column("secret_hash", String(200)),
    Column("name", Json, nullable=False),
    Column("policy", String(16), nullable=False),
    Column("owner", String(64), index=True),
    Column("first_party", Integer, nullable=False),
    Column("access", Json, nullable=False),
    Column("status", String(16), nullable=False),
    Column("metadata", Json, nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    anchor_column(),
    mac_column(),
    info=signed(anchor=Anchor("client:", ("client.change",)), announced=True),
)
_BY_ID = Prepared(read(client_table).where(client_table.c.client_id == bindparam("wanted")))


class Clients:
    def __init__(
        self,
        clock: Clock,
        settings: Settings,
        rows: SignedRows,
        client_secrets: ClientSecrets,
        changes: Changes | None = None,
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._rows = rows
        self._secrets = client_secrets
        self._known: Fresh[str, Client | None] = Fresh(changes=changes, table=client_table.name)
        self._origins: Fresh[str, frozenset[str]] = Fresh(changes=changes, table=client_table.name)

    def cached(self, client_id: str) -> Client | None:
        """The client if it is known as it was within the last second; costs no round trip."""
        return self._known.peek(client_id)

    async def find(self, connection: Connection, client_id: str) -> Client | None:
        """The client, active or not; None for an unknown id. At most a second old."""
        fresh = self.cached(client_id)
        if fresh is not None:
            return fresh
        if len(client_id) > 255 or "\x00" in client_id:
            return None
        client = await self._known.get(client_id, partial(self._read, connection, client_id))
        if client is None:
            # One that is made in a moment is there at once, and made-up ids drive nothing out.
            self._known.forget(client_id)
        return client

    async def list(self, connection: Connection, *, after: str = "", limit: int = 200) -> list[Client]:
        query = read(client_table).where(client_table.c.client_id > after).order_by(client_table.c.client_id)
        return await self._genuine(connection, query.limit(limit))

    async def has_origin(self, connection: Connection, origin: str) -> bool:
        """True for the web origin of an active client's page. At most a second old."""
        return origin in await self._origins.get("all", partial(self._read_origins, connection))

    def quickly_matches(self, client: Client | None, secret: str) -> bool:
        """True for a right secret when that costs nothing to see."""
        return self._secrets.quickly_matches(client.secret_hash if client else None, secret)

    async def verify_secret(self, client: Client | None, secret: str) -> bool:
        """A wrong secret takes the same time for every client, and for none."""
        return await self._secrets.verify(client.secret_hash if client else None, secret)

    def without_effect(self, registration: ClientRegistration) -> tuple[str, ...]:
        """The members that are kept as they are but change nothing here: whoever relies on one (a DPoP binding, an
        encrypted ID token, a back-channel logout) must be told. Raises ERR-CLIENT_METADATA."""
        others = self._parse(registration).model_extra or {}
        # A name with a language tag (OpenID Registration §2.1) only tells something, too.
        return tuple(name for name, value in others.items() if value and name not in _INFORMATIVE and "#" not in name)

    async def kept_secret(self, connection: Connection, client_id: str) -> str | None:
        """What is kept of the client's secret; None for a client that has none, or is none."""
        row = await self._row(connection, client_id)
        return None if row is None else row.secret_hash

    async def readied(self, registration: ClientRegistration, kept: str | None = None) -> ClientRegistration:
        """The registration with the hash of its secret, which may take long: for `upsert`, before its unit of work.
        Where `kept` is of that secret already it stays."""
        secret = registration.client_secret
        if secret is None or (kept is not None and await self._secrets.verify(kept, secret)):
            return registration
        return replace(registration, secret_hash=await self._secrets.hash(secret))

    async def upsert(self, connection: Connection, registration: ClientRegistration, *, actor: str) -> tuple[str, ...]:
        """Creates or changes a client; gives the names of changed fields. The registration is `readied` where it has a
        secret. Raises ERR-CLIENT_METADATA."""
        parsed = self._parse(registration)
        known = await self._row(connection, registration.client_id)
        values: dict[str, Any] = {
            "name": dict(registration.name),
            "policy": registration.policy,
            "owner": registration.owner,
            "first_party": int(registration.first_party),
            "access": registration.access.model_dump(mode="json"),
            "status": registration.status,
            "metadata": to_keep(parsed.model_dump(mode="json", exclude_unset=True), self._settings),
        }
        for rule in ("users", "organisations", "roles"):
            values["access"][rule].sort()
        if registration.secret_hash is not None:
            values["secret_hash"] = registration.secret_hash
        if known is None:
            self._require_credential(parsed, registration.secret_hash)
            changed: tuple[str, ...] = ("created",)
        else:
            changed = tuple(name for name, value in values.items() if value != getattr(known, name))
            if not changed:
                return ()
            changed = tuple("client_secret" if name == "secret_hash" else name for name in changed)
        await self._write(connection, registration.client_id, known, values, changed, actor)
        self._known.forget(registration.client_id)
        return changed

    async def _write(
        self,
        connection: Connection,
        client_id: str,
        known: Row[Any] | None,
        values: dict[str, Any],
        changed: tuple[str, ...],
        actor: str,
    ) -> None:
        event = Event(
            action="client.change",
            result="success",
            actor=actor,
            subject=f"client:{client_id}",
            client=client_id,
            detail={"changed": ",".join(changed)},
        )
        values = {**values, "updated_at": self._clock.now()}
        if known is None:
            await self._rows.insert_told(connection, client_table, event, client_id=client_id, version=1, **values)
        else:
            key = {"client_id": client_id}
            await self._rows.change_told(connection, client_table, key, event, version=known.version + 1, **values)

    async def _read(self, connection: Connection, client_id: str) -> Client | None:
        row = await self._row(connection, client_id)
        return None if row is None else self._client(row)

    async def _read_origins(self, connection: Connection) -> frozenset[str]:
        clients = await self._genuine(connection, read(client_table).where(client_table.c.status == "active"))
        return frozenset[str]().union(*(client.origins for client in clients))

    async def _row(self, connection: Connection, client_id: str) -> Row[Any] | None:
        """Raises ERR-ROW_TAMPERED."""
        row: Row[Any] | None = (await connection.execute(_BY_ID, {"wanted": client_id})).one_or_none()
        if row is not None:
            self._rows.require(client_table, row)
        return row

    async def _genuine(self, connection: Connection, query: Select[Any]) -> builtins.list[Client]:
        """In a list, a client that somebody else wrote is missing: it must not take the others with it."""
        rows = await connection.execute(query)
        return [self._client(row) for row in rows if self._rows.is_genuine(client_table, row)]

    def _parse(self, registration: ClientRegistration) -> ClientMetadata:
        client_id = registration.client_id
        if not (client_id.isascii() and client_id.isprintable() and 0 < len(client_id) <= 255):
            raise SsoError("ERR-CLIENT_METADATA", "a client_id is up to 255 characters of printable ASCII")
        if _LIKE_A_PERSON.match(client_id):
            # A client's own tokens have its id as `sub`, which must never be a person's (RFC 9700 §4.15).
            raise SsoError("ERR-CLIENT_METADATA", "a client_id must not look like the id of a person")
        secret = registration.client_secret
        if secret is not None and len(secret) < MIN_SECRET_LENGTH:
            raise SsoError("ERR-CLIENT_METADATA", f"a client_secret has at least {MIN_SECRET_LENGTH} characters")
        try:
            parsed = ClientMetadata.model_validate(registration.metadata)
        except ValidationError as error:
            problems = (
                f"{'.'.join(str(part) for part in problem['loc']) or 'metadata'}: "
                f"{problem['msg'].removeprefix('Value error, ')}"
                for problem in error.errors(include_input=False, include_context=False, include_url=False)
            )
            raise SsoError("ERR-CLIENT_METADATA", "; ".join(problems)) from None
        native = parsed.application_type == "native"
        for uri in (*parsed.redirect_uris, *parsed.post_logout_redirect_uris):
            require_registrable(uri, native=native, loopback_allowed=not self._settings.secure)
        if parsed.sector_identifier_uri is not None:
            require_registrable(parsed.sector_identifier_uri, native=False, loopback_allowed=not self._settings.secure)
        if parsed.subject_type == "pairwise" and len(parsed.sectors) > 1:
            raise SsoError("ERR-CLIENT_METADATA", "pairwise subjects for several hosts need a sector_identifier_uri")
        return parsed

    def _client(self, row: Row[Any]) -> Client:
        return Client(
            client_id=row.client_id,
            secret_hash=row.secret_hash,
            name=row.name,
            policy=row.policy,
            owner=row.owner,
            first_party=bool(row.first_party),
            access=AccessRule.model_validate(row.access),
            status=row.status,
            metadata=ClientMetadata.model_validate(as_of_now(row.metadata, self._settings)),
            version=row.version,
        )

    @staticmethod
    def _require_credential(parsed: ClientMetadata, secret_hash: str | None) -> None:
        if parsed.token_endpoint_auth_method.startswith("client_secret") and secret_hash is None:
            raise SsoError("ERR-CLIENT_METADATA", f"{parsed.token_endpoint_auth_method} needs a client_secret")
