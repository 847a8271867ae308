"""The tree of organisations: areas, units, offices; from province to village, with division codes."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Integer, Row, String, Table, select, text

from core.clock import Clock
from core.database import Connection, UtcDateTime, metadata
from core.integrity import Anchor, anchor_column, mac_column, signed
from sso.errors import SsoError
from vault.ledger import Event
from vault.rows import SignedRows, read

# Deeper trees do not exist in the field.
MAX_DEPTH = 16
_MAX_NAME = 100
_MAX_FULL_NAME = 200
_CODE = re.compile(r"[0-9]{12}\Z")
# GB 32100-2015 §5: the alphabet leaves out I, O, S, V and Z.
_UNIFIED_CODE = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}\Z")
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
    full_name: str | None = None
    unified_code: str | None = None


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
    Column("full_name", String(_MAX_FULL_NAME)),
    Column("unified_code", String(18)),
    # The ids from the root down to this one, `/county/town/village/`: everything above in the row itself.
    Column("path", String(65 * MAX_DEPTH + 1), nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    anchor_column(),
    mac_column(),
    info=signed(anchor=Anchor("organisation:", ("directory.organisation",))),
)


class Organisations:
    def __init__(self, clock: Clock, rows: SignedRows) -> None:
        self._clock = clock
        self._rows = rows

    async def find(self, connection: Connection, organisation_id: str) -> Organisation | None:
        row = await self._row(connection, organisation_id)
        return None if row is None else _organisation(row)

    async def list(self, connection: Connection, *, after: str = "", limit: int = 1000) -> list[Organisation]:
        query = read(organisation_table).where(organisation_table.c.id > after)
        rows = await connection.execute(query.order_by(organisation_table.c.id).limit(limit))
        return [_organisation(row) for row in rows if self._rows.is_genuine(organisation_table, row)]

    async def upsert(self, connection: Connection, organisation: Organisation, *, actor: str) -> tuple[str, ...] | None:
        """Creates or changes it; gives the names of changed fields, None when nothing differs."""
        _check(organisation)
        known = await self._row(connection, organisation.id)
        values = asdict(organisation)
        changed: tuple[str, ...] = ("created",)
        if known is not None:
            changed = tuple(name for name in values if values[name] != known._mapping[name])
        if not changed:
            return None
        if known is None or "parent" in changed:
            await _lock_tree(connection)
            values["path"] = await self._path(connection, organisation)
        values["updated_at"] = self._clock.now()
        event = _event(organisation.id, changed, actor)
        if known is None:
            await self._rows.insert_told(connection, organisation_table, event, **values)
            return changed
        await self._rows.change_told(connection, organisation_table, {"id": organisation.id}, event, **values)
        if "path" in values:
            await self._move_those_below(connection, known.path, values["path"], actor)
        return changed

    async def _row(self, connection: Connection, organisation_id: str) -> Row[Any] | None:
        query = read(organisation_table).where(organisation_table.c.id == organisation_id)
        row: Row[Any] | None = (await connection.execute(query)).one_or_none()
        if row is not None:
            self._rows.require(organisation_table, row)
        return row

    async def _path(self, connection: Connection, organisation: Organisation) -> str:
        above = "/"
        if organisation.parent is not None:
            parent = await self._row(connection, organisation.parent)
            if parent is None:
                raise _refusal(organisation, f"there is no organisation {organisation.parent}")
            above = parent.path
        if organisation.id in ids_of_path(above):
            raise _refusal(organisation, "it would stand above itself")
        if len(ids_of_path(above)) >= MAX_DEPTH:
            raise _refusal(organisation, f"the tree is at most {MAX_DEPTH} levels deep")
        return f"{above}{organisation.id}/"

    async def _move_those_below(self, connection: Connection, before: str, after: str, actor: str) -> None:
        query = select(organisation_table.c.id, organisation_table.c.path).where(
            organisation_table.c.path.startswith(before, autoescape=True)
        )
        for row in (await connection.execute(query)).all():
            path = after + row.path.removeprefix(before)
            if len(ids_of_path(path)) > MAX_DEPTH:
                raise SsoError("ERR-ORGANISATION", f"{row.id}: the tree is at most {MAX_DEPTH} levels deep")
            event = _event(row.id, ("path",), actor)
            await self._rows.change_told(connection, organisation_table, {"id": row.id}, event, path=path)


def ids_of_path(path: str) -> frozenset[str]:
    """An organisation and all those above it, from its `path`."""
    return frozenset(part for part in path.split("/") if part)


async def with_ancestors(connection: Connection, organisation_ids: Iterable[str]) -> frozenset[str]:
    """The organisations and all those above them."""
    query = select(organisation_table.c.path).where(organisation_table.c.id.in_(list(organisation_ids)))
    return frozenset().union(*map(ids_of_path, (await connection.scalars(query)).all()))


async def _lock_tree(connection: Connection) -> None:
    """Two moves at the same time could draw a circle that neither sees. SQLite has one writer anyway."""
    if connection.dialect == "postgresql":
        await connection.execute(text("LOCK TABLE sso_organisation IN SHARE ROW EXCLUSIVE MODE"))


def _check(organisation: Organisation) -> None:
    if not _ID.match(organisation.id):
        raise SsoError("ERR-ORGANISATION", "an id has letters, digits, dots, underscores and hyphens")
    if not organisation.name.strip() or len(organisation.name) > _MAX_NAME:
        raise _refusal(organisation, f"a name has 1-{_MAX_NAME} characters")
    if organisation.code is not None and not _CODE.match(organisation.code):
        raise _refusal(organisation, "a division code has 12 digits")
    if len(organisation.full_name or "") > _MAX_FULL_NAME:
        raise _refusal(organisation, f"a full name has at most {_MAX_FULL_NAME} characters")
    if organisation.unified_code is not None and not _UNIFIED_CODE.match(organisation.unified_code):
        raise _refusal(organisation, "a unified social credit code has 18 characters")


def _refusal(organisation: Organisation, why: str) -> SsoError:
    return SsoError("ERR-ORGANISATION", f"{organisation.id}: {why}")


def _event(organisation_id: str, changed: tuple[str, ...], actor: str) -> Event:
    return Event(
        action="directory.organisation",
        result="success",
        actor=actor,
        subject=f"organisation:{organisation_id}",
        detail={"changed": ",".join(changed)},
    )


def _organisation(row: Row[Any]) -> Organisation:
    return Organisation(
        id=row.id,
        name=row.name,
        kind=Kind(row.kind),
        level=Level(row.level) if row.level else None,
        code=row.code,
        parent=row.parent,
        order=row.order,
        full_name=row.full_name,
        unified_code=row.unified_code,
    )
