"""The tree of organisations: areas, units, offices; from province to village, with division codes."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Integer, Row, String, Table, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock
from core.database import UtcDateTime, metadata
from sso.errors import SsoError
from vault.ledger import Event, Ledger

# Deeper trees do not exist in the field; the bound stops a circle that a hand-made row would draw.
MAX_DEPTH = 16
_CODE = re.compile(r"\d{12}\Z")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


class Kind(StrEnum):
    """区域 / 单位 / 科室 / 下属单位 / 虚拟组织"""

    AREA = "area"
    UNIT = "unit"
    OFFICE = "office"
    SUBORDINATE = "subordinate"
    VIRTUAL = "virtual"


class Level(StrEnum):
    """省 / 市 / 县 / 镇 / 村"""

    PROVINCE = "sheng"
    CITY = "shi"
    COUNTY = "xian"
    TOWN = "zhen"
    VILLAGE = "cun"


@dataclass(frozen=True)
class Organisation:
    id: str
    name: str
    kind: Kind = Kind.UNIT
    level: Level | None = None
    code: str | None = None
    parent: str | None = None
    order: int = 0


organisation_table = Table(
    "sso_organisation",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("level", String(8)),
    Column("code", String(12)),
    Column("parent", String(64), index=True),
    Column("order", Integer, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)


class Organisations:
    def __init__(self, clock: Clock, ledger: Ledger) -> None:
        self._clock = clock
        self._ledger = ledger

    async def find(self, connection: AsyncConnection, organisation_id: str) -> Organisation | None:
        query = select(organisation_table).where(organisation_table.c.id == organisation_id)
        row = (await connection.execute(query)).one_or_none()
        return None if row is None else _organisation(row)

    async def list(self, connection: AsyncConnection, *, after: str = "", limit: int = 1000) -> list[Organisation]:
        query = select(organisation_table).where(organisation_table.c.id > after)
        rows = await connection.execute(query.order_by(organisation_table.c.id).limit(limit))
        return [_organisation(row) for row in rows]

    async def upsert(
        self, connection: AsyncConnection, organisation: Organisation, *, actor: str
    ) -> tuple[str, ...] | None:
        """Creates or changes it; gives the names of changed fields, None when nothing differs."""
        await self._check(connection, organisation)
        known = await self.find(connection, organisation.id)
        values = asdict(organisation)
        if known is None:
            changed: tuple[str, ...] = ("created",)
            await connection.execute(insert(organisation_table).values(**values, updated_at=self._clock.now()))
        else:
            before = asdict(known)
            changed = tuple(name for name in values if values[name] != before[name])
            if not changed:
                return None
            await connection.execute(
                update(organisation_table)
                .where(organisation_table.c.id == organisation.id)
                .values(**values, updated_at=self._clock.now())
            )
        await self._ledger.record(
            connection,
            Event(
                action="directory.organisation",
                result="success",
                actor=actor,
                subject=f"organisation:{organisation.id}",
                detail={"changed": ",".join(changed)},
            ),
        )
        return changed

    async def _check(self, connection: AsyncConnection, organisation: Organisation) -> None:
        if not _ID.match(organisation.id):
            raise SsoError("ERR-ORGANISATION", "an id has letters, digits, dots, underscores and hyphens")
        if organisation.code is not None and not _CODE.match(organisation.code):
            raise SsoError("ERR-ORGANISATION", f"{organisation.id}: a division code has 12 digits")
        if organisation.parent is None:
            return
        if await self.find(connection, organisation.parent) is None:
            raise SsoError("ERR-ORGANISATION", f"{organisation.id}: there is no organisation {organisation.parent}")
        above = await with_ancestors(connection, [organisation.parent])
        if organisation.id in above:
            raise SsoError("ERR-ORGANISATION", f"{organisation.id} would stand above itself")


async def with_ancestors(connection: AsyncConnection, organisation_ids: Iterable[str]) -> frozenset[str]:
    """The organisations and all those above them, in one round trip."""
    start = list(organisation_ids)
    if not start:
        return frozenset()
    columns = (organisation_table.c.id, organisation_table.c.parent)
    found = (
        select(*columns, literal(0).label("depth"))
        .where(organisation_table.c.id.in_(start))
        .cte("found", recursive=True)
    )
    found = found.union_all(
        select(*columns, found.c.depth + 1).where(organisation_table.c.id == found.c.parent, found.c.depth < MAX_DEPTH)
    )
    return frozenset((await connection.scalars(select(found.c.id))).all())


def _organisation(row: Row[Any]) -> Organisation:
    return Organisation(
        row.id, row.name, Kind(row.kind), Level(row.level) if row.level else None, row.code, row.parent, row.order
    )
