"""What the ledger keeps: one event, its canonical bytes, and its row."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Row,
    String,
    Table,
    false,
)

from core.database import Bytes, Json, UtcDateTime, metadata
from core.integrity import guarded
from core.logs import request_id

Result = Literal["success", "failure", "refused"]
Detail = Mapping[str, str | int | bool]

EVENT_SCHEMA = 1
PSEUDONYM_PREFIX = "unknown:"
_UNSET = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Event:
    """Who did what to what, and how it ended. `detail` never holds a secret.

    actor: `user:<id>`, `client:<id>`, `operator:<name>` or `system`. reason: the stable code of a refusal. A name that
    somebody typed and nobody has stands nowhere in an event, but as its `Ledger.pseudonym`.
    """

    action: str
    result: Result
    actor: str | None = None
    subject: str | None = None
    system: str | None = None
    client: str | None = None
    session: str | None = None
    address: str | None = None
    request_id: str | None = field(default_factory=request_id)
    reason: str | None = None
    detail: Detail = field(default_factory=dict)


@dataclass(frozen=True)
class RecordedEvent(Event):
    """An event as it stands in the ledger; `position` is its place in the tree once it has one."""

    id: str = ""
    recorded_at: datetime = _UNSET
    position: int | None = None


event_table = Table(
    "vault_ledger_event",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("action", String(64), nullable=False),
    Column("result", String(8), nullable=False),
    Column("actor", String(255)),
    Column("subject", String(255)),
    Column("system", String(64)),
    Column("client", String(255)),
    Column("session", String(64)),
    Column("address", String(64)),
    Column("request_id", String(64)),
    Column("reason", String(64)),
    Column("detail", Json, nullable=False),
    Column("mac", Bytes, nullable=False),
    Column("quarantined", Boolean, nullable=False, server_default=false()),
    Index("ix_vault_ledger_event_subject", "subject", "action", "id"),
    Index("ix_vault_ledger_event_actor", "actor", "id"),
    Index("ix_vault_ledger_event_system", "system", "id"),
    Index("ix_vault_ledger_event_action", "action", "id"),
    Index("ix_vault_ledger_event_result", "result", "id"),
    Index("ix_vault_ledger_event_recorded", "recorded_at", "id"),
    info=guarded(by="a MAC of its own over the event, and its place in the tree"),
)
Index(
    "ix_vault_ledger_event_quarantined",
    event_table.c.id,
    sqlite_where=event_table.c.quarantined.is_(True),
    postgresql_where=event_table.c.quarantined.is_(True),
)

# What a leaf covers, beside the schema's number.
LEAF_COLUMNS = tuple(column for column in event_table.c if column.name not in ("mac", "quarantined"))
_LEAF_NAMES = tuple(str(column.name) for column in LEAF_COLUMNS)

# Events that have no place in the tree yet. A trigger of the database (`web/migrations/ledger_triggers.py`) writes them
# here, so no way to write an event forgets it. The event itself is never written again: with all its indexes that would
# cost more than everything else about it. The same triggers refuse to change or delete an event, or its place.
waiting_table = Table(
    "vault_ledger_waiting",
    metadata,
    Column("event_id", String(26), primary_key=True),
    info=guarded(by="the watch: every event waits, or has a place, or was turned away"),
)
place_table = Table(
    "vault_ledger_place",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", String(26), nullable=False, unique=True),
    info=guarded(by="the leaf at this position of the tree"),
)


def canonical(content: Mapping[str, Any]) -> bytes:
    """The one byte form: JSON with sorted keys, no white space, UTF-8 as it is."""
    try:
        return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        # Whole numbers of more than 64 bits, which only another writer has.
        return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def content_of(event: Event, event_id: str, recorded_at: datetime) -> dict[str, Any]:
    """Everything about an event that its MAC and its leaf hash cover."""
    return {
        "schema": EVENT_SCHEMA,
        "id": event_id,
        "recorded_at": recorded_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "action": event.action,
        "result": event.result,
        "actor": event.actor,
        "subject": event.subject,
        "system": event.system,
        "client": event.client,
        "session": event.session,
        "address": event.address,
        "request_id": event.request_id,
        "reason": event.reason,
        "detail": dict(event.detail),
    }


def leaf_of(row: Row[Any]) -> bytes:
    """The bytes that the event's MAC and its leaf are made of; the row has all columns of an event."""
    return _leaf([row._mapping[name] for name in _LEAF_NAMES])


def leaf_of_columns(row: Row[Any]) -> bytes:
    """As `leaf_of`, in half the time, of a row that begins with `LEAF_COLUMNS`."""
    return _leaf(row)


def _leaf(values: Sequence[Any]) -> bytes:
    content = dict(zip(_LEAF_NAMES, values, strict=False))
    content["recorded_at"] = values[1].isoformat(timespec="microseconds")
    content["schema"] = EVENT_SCHEMA
    return canonical(content)


def event_of_row(row: Row[Any]) -> RecordedEvent:
    """`position` where the row was read together with its place."""
    return RecordedEvent(
        id=row.id,
        recorded_at=row.recorded_at,
        position=row._mapping.get("position"),
        action=row.action,
        result=row.result,
        actor=row.actor,
        subject=row.subject,
        system=row.system,
        client=row.client,
        session=row.session,
        address=row.address,
        request_id=row.request_id,
        reason=row.reason,
        detail=row.detail,
    )
