"""The provider's signing keys: published before they are used, kept until no token needs them (checklist 49)."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from joserfc.jwk import ECKey, Key, RSAKey
from sqlalchemy import Column, Row, String, Table, UniqueConstraint, select

from core.clock import Clock
from core.database import Bytes, Connection, Database, IntegrityError, Json, UtcDateTime, metadata
from core.fresh import Fresh
from core.held import require_nothing_held
from core.identifiers import new_id
from core.integrity import mac_column, signed
from sso.oidc.jws import JwsSigner, PublicKey
from vault.errors import VaultError
from vault.keys.sealing import Binding, Sealer
from vault.ledger import Event, Ledger
from vault.rows import TAMPERED_ROW, SignedRows

ALGORITHMS = ("ES256", "RS256")
# How long verifiers may cache the JWKS, so how long a key is published before it signs.
PUBLISHED_AHEAD = timedelta(minutes=5)
# The longest life of a token, with slack for clocks.
KEPT_AFTER = timedelta(hours=2)

signing_key_table = Table(
    "sso_signing_key",
    metadata,
    Column("kid", String(26), primary_key=True),
    Column("alg", String(8), nullable=False),
    Column("sealed", Bytes, nullable=False),
    Column("public", Json, nullable=False),
    # 1 for the first key of an algorithm; unique, so that of several first starts one makes it.
    Column("generation", String(26), nullable=False),
    Column("usable_from", UtcDateTime, nullable=False),
    mac_column(),
    UniqueConstraint("alg", "generation"),
    info=signed(announced=True),
)


@dataclass(frozen=True)
class SigningKey:
    """A private key, loaded once: parsing RSA takes longer than signing."""

    kid: str
    alg: str
    usable_from: datetime
    signer: JwsSigner = field(repr=False)
    public: dict[str, Any]
    verifying: PublicKey = field(repr=False)


class SigningKeys:
    def __init__(self, database: Database, clock: Clock, sealer: Sealer, ledger: Ledger, rows: SignedRows) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer
        self._ledger = ledger
        self._rows = rows
        self._keys: dict[str, SigningKey] = {}
        self._newest_first: dict[str, list[SigningKey]] = {alg: [] for alg in ALGORITHMS}
        self._loaded: Fresh[str, bool] = Fresh(changes=database.changes, table=signing_key_table.name)

    async def start(self) -> None:
        """Makes the first key of each algorithm where there is none, and loads them all."""
        async with self._database.read() as connection:
            known = await connection.scalars(select(signing_key_table.c.alg).distinct())
        made = [_Made.of(alg) for alg in ALGORITHMS if alg not in known.all()]
        async with self._database.write() as connection:
            for key in made:
                with suppress(IntegrityError):  # another process was first
                    async with connection.begin_nested():
                        await self._keep(connection, key, "first", self._clock.now())
        await self.refresh()

    async def rotate(self, *, actor: str) -> str:
        """A new key for each algorithm, published now and used in five minutes; gives the key ids."""
        made = [_Made.of(alg) for alg in ALGORITHMS]
        kids = [key.kid for key in made]
        async with self._database.write() as connection:
            for key in made:
                await self._keep(connection, key, new_id(), self._clock.now() + PUBLISHED_AHEAD)
            await self._ledger.record(
                connection,
                Event(
                    action="vault.rotate",
                    result="success",
                    actor=actor,
                    subject="signing-keys",
                    detail={"kids": ",".join(kids)},
                ),
            )
        self._loaded.forget_all()
        await self.refresh()
        return ", ".join(kids)

    async def refresh(self) -> None:
        """Loads keys that are new; those of a second ago will do.

        Raises ERR-SEAL when a row is not as Yimen wrote it, and records that: what a planted public key would verify
        must not be believed, neither here nor by those who read the JWKS.
        """
        await self._loaded.get("all", self._load_new)

    async def _load_new(self) -> bool:
        try:
            async with self._database.read() as connection:
                for row in (await connection.execute(select(signing_key_table))).all():
                    await self._take(connection, row)
        except VaultError as error:
            await self._ledger.tell("signing-keys", error.detail, reason=error.code)
            raise
        return True

    def signing_key(self, alg: str) -> SigningKey:
        """The newest key of the algorithm that has been published long enough."""
        now = self._clock.now()
        for key in self._newest_first[alg]:
            if key.usable_from <= now:
                return key
        raise VaultError("ERR-CUSTODY", f"there is no signing key for {alg}")

    def published(self) -> list[SigningKey]:
        """Keys that sign, will sign soon, or whose tokens may still live."""
        now, kept = self._clock.now(), []
        for alg in ALGORITHMS:
            keys = self._newest_first[alg][::-1]
            for key, successor in zip(keys, [*keys[1:], None], strict=True):
                if successor is None or successor.usable_from + KEPT_AFTER > now:
                    kept.append(key)
        return kept

    def jwks(self) -> dict[str, Sequence[dict[str, Any]]]:
        return {"keys": [key.public for key in self.published()]}

    def verification_key(self, kid: str) -> tuple[str, PublicKey] | None:
        """Algorithm and public half of one of our keys."""
        key = self._keys.get(kid)
        return (key.alg, key.verifying) if key is not None else None

    async def _keep(self, connection: Connection, made: "_Made", generation: str, usable_from: datetime) -> None:
        await self._rows.insert(
            connection,
            signing_key_table,
            kid=made.kid,
            alg=made.alg,
            sealed=await self._sealer.seal(connection, _binding(made.kid), made.private),
            public=_published(made.key, made.kid, made.alg),
            generation=generation,
            usable_from=usable_from,
        )

    async def _take(self, connection: Connection, row: Row[Any]) -> None:
        known = self._keys.get(row.kid)
        key = await self._load(connection, row) if known is None else known
        if (row.alg, row.public) != (key.alg, key.public):
            raise VaultError("ERR-SEAL", f"the public half of signing key {row.kid} is not that of its private key")
        if problem := self._rows.problem(signing_key_table, row):
            raise VaultError(TAMPERED_ROW, f"signing key {row.kid}: {problem}")
        if known is None:
            self._keys[row.kid] = key
            alike = [one for one in self._keys.values() if one.alg == key.alg]
            self._newest_first[key.alg] = sorted(alike, key=lambda one: (one.usable_from, one.kid), reverse=True)

    async def _load(self, connection: Connection, row: Row[Any]) -> SigningKey:
        """The key as it was sealed; when it may be used stands beside it, under the row's MAC."""
        with await self._sealer.open(connection, _binding(row.kid), row.sealed) as plain:
            members = json.loads(plain)
        alg = members["alg"]
        private = RSAKey.import_key(members) if alg == "RS256" else ECKey.import_key(members)
        if private.private_key is None:
            raise VaultError("ERR-SEAL", f"signing key {row.kid} has no private half")
        signer = JwsSigner(alg, row.kid, private.private_key)
        public = _published(private, row.kid, alg)
        return SigningKey(row.kid, alg, row.usable_from, signer, public, private.public_key)


@dataclass(frozen=True)
class _Made:
    """A new key, that nobody keeps yet."""

    kid: str
    alg: str
    key: Key = field(repr=False)

    @classmethod
    def of(cls, alg: str) -> Self:
        """Takes a while: no unit of work waits for it."""
        require_nothing_held("making a key")
        return cls(new_id(), alg, RSAKey.generate_key(2048) if alg == "RS256" else ECKey.generate_key("P-256"))

    @property
    def private(self) -> bytes:
        members = {"kid": self.kid, "use": "sig", "alg": self.alg}
        return json.dumps({**self.key.as_dict(private=True), **members}).encode()


def _binding(kid: str) -> Binding:
    return Binding("sso:provider", "signing-key", kid, 1, "jwk/1")


def _published(key: Key, kid: str, alg: str) -> dict[str, Any]:
    """What the JWKS shows of a key."""
    public = {name: value for name, value in key.as_dict(private=False).items() if name not in ("kid", "use", "alg")}
    return {**public, "kid": kid, "use": "sig", "alg": alg}
