"""The store of recipes: every version is kept, each signed by Yimen, so that a changed row fills nothing.

The newest version also stands in the ledger, so taking the newest row away, or putting an old one back, is found too.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Column, Integer, Row, String, Table, Text, func, insert, select

from connectors.errors import ConnectorError
from connectors.legacy.recipe.recipe import Recipe
from core.clock import Clock
from core.database import Bytes, Connection, UtcDateTime, metadata
from core.integrity import guarded
from vault.ledger import Event, Ledger
from vault.ledger.events import event_table

TAMPERED_RECIPE = "ERR-RECIPE_SIGNATURE"
_ACTION = "recipe.change"

recipe_table = Table(
    "connectors_recipe",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("document", Text, nullable=False),
    Column("signature", Bytes, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    info=guarded(
        by="the signature of each version, and the ledger's event that names the newest; its date is only shown"
    ),
)


@dataclass(frozen=True)
class KeptRecipe:
    """A version of a recipe as it is listed; `version` is the store's count, `hash` is SHA-256, hex."""

    id: str
    title: str
    version: int
    hash: str
    created_at: datetime


class Recipes:
    def __init__(self, clock: Clock, ledger: Ledger, signing_key: Ed25519PrivateKey) -> None:
        self._clock = clock
        self._ledger = ledger
        self._signing_key = signing_key
        self._public_key = signing_key.public_key()

    async def find(self, connection: Connection, recipe_id: str, *, at_least: int = 0) -> Recipe | None:
        """The newest version. Raises ERR-RECIPE_SIGNATURE when it is not what Yimen signed last, or is older than
        `at_least`, the version that its system knows of."""
        row = await self._newest(connection, recipe_id)
        event = await self._ledger.latest(connection, (_ACTION,), _subject(recipe_id))
        told = (event.detail.get("version"), event.detail.get("hash")) if event else None
        if told != ((row.version, _digest(row.document)) if row else None):
            raise _tampered(recipe_id, "it is not the version that the ledger knows")
        if at_least > (row.version if row else 0):
            raise _tampered(recipe_id, f"version {at_least} is gone: an older one was put back")
        return self._verified(row) if row else None

    async def newest_version(self, connection: Connection, recipe_id: str) -> int:
        """The number of the newest version, whoever wrote it; 0 where there is none."""
        row = await self._newest(connection, recipe_id)
        return row.version if row else 0

    async def ids(self, connection: Connection) -> set[str]:
        """Of all that are kept or that the ledger tells of: one that was deleted is not forgotten."""
        told = select(event_table.c.subject).where(event_table.c.action == _ACTION).distinct()
        subjects = await connection.scalars(told)
        return {
            *await connection.scalars(select(recipe_table.c.id).distinct()),
            *(subject.removeprefix(_subject("")) for subject in subjects),
        }

    async def list(self, connection: Connection) -> list[KeptRecipe]:
        """The newest version of each, by id. Raises ERR-RECIPE_SIGNATURE."""
        newest = (
            select(recipe_table.c.id, func.max(recipe_table.c.version).label("version"))
            .group_by(recipe_table.c.id)
            .subquery()
        )
        both = (recipe_table.c.id == newest.c.id) & (recipe_table.c.version == newest.c.version)
        query = select(recipe_table).join(newest, both).order_by(recipe_table.c.id)
        return [
            KeptRecipe(row.id, self._verified(row).title, row.version, _digest(row.document), row.created_at)
            for row in await connection.execute(query)
        ]

    async def upsert(self, connection: Connection, recipe: Recipe, *, actor: str) -> bool:
        """Keeps a new version and records it; False when the newest one says the same already."""
        newest = await self._newest(connection, recipe.id)
        if (
            newest is not None
            and newest.document == recipe.canonical
            and await self.find(connection, recipe.id) == recipe
        ):
            return False
        version = await self._last_number(connection, recipe.id, newest) + 1
        await connection.execute(
            insert(recipe_table).values(
                id=recipe.id,
                version=version,
                document=recipe.canonical,
                signature=self._signing_key.sign(_message(recipe.id, version, recipe.hash)),
                created_at=self._clock.now(),
            )
        )
        await self._ledger.record(
            connection,
            Event(
                action=_ACTION,
                result="success",
                actor=actor,
                subject=_subject(recipe.id),
                detail={"version": version, "hash": recipe.hash},
            ),
        )
        return True

    async def _last_number(self, connection: Connection, recipe_id: str, newest: Row[tuple[object, ...]] | None) -> int:
        """Also of a version that somebody took out of the table: a number is given once."""
        event = await self._ledger.latest(connection, (_ACTION,), _subject(recipe_id))
        told = int(str(event.detail["version"])) if event is not None else 0
        return max(told, newest.version if newest is not None else 0)

    async def _newest(self, connection: Connection, recipe_id: str) -> Row[tuple[object, ...]] | None:
        query = select(recipe_table).where(recipe_table.c.id == recipe_id)
        return (await connection.execute(query.order_by(recipe_table.c.version.desc()).limit(1))).one_or_none()

    def _verified(self, row: Row[tuple[object, ...]]) -> Recipe:
        try:
            self._public_key.verify(row.signature, _message(row.id, row.version, _digest(row.document)))
        except InvalidSignature:
            raise _tampered(row.id, "its signature is wrong") from None
        return Recipe.model_validate(json.loads(row.document))


def _digest(document: str) -> str:
    return hashlib.sha256(document.encode()).hexdigest()


def _subject(recipe_id: str) -> str:
    return f"recipe:{recipe_id}"


def _message(recipe_id: str, version: int, digest: str) -> bytes:
    # None of the three can hold a line break.
    return f"yimen-recipe/1\n{recipe_id}\n{version}\n{digest}".encode()


def _tampered(recipe_id: str, why: str) -> ConnectorError:
    return ConnectorError(TAMPERED_RECIPE, f"recipe {recipe_id}: {why}", status=409)
