"""What the ledger keeps: one event, its canonical bytes, and its row."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    Index,
    Row,
    String,
    Table,
    event,
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
    Column("position", BigInteger, unique=True),
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
    "ix_vault_ledger_event_staged",
    event_table.c.id,
    sqlite_where=event_table.c.position.is_(None),
    postgresql_where=event_table.c.position.is_(None),
)

Index(
    "ix_vault_ledger_event_quarantined",
    event_table.c.id,
    sqlite_where=event_table.c.quarantined.is_(True),
    postgresql_where=event_table.c.quarantined.is_(True),
)

_CONTENT = [column.name for column in event_table.c if column.name not in ("position", "quarantined")]
_SAME = " AND ".join(f'OLD."{name}" IS NEW."{name}"' for name in _CONTENT)
_SAME_PG = " AND ".join(f'OLD."{name}"::text IS NOT DISTINCT FROM NEW."{name}"::text' for name in _CONTENT)

# A placed event never changes, and no event is ever deleted. This stops mistakes and weak attackers; a strong one
# drops the trigger, and is found by the tree.
SQLITE_TRIGGERS = (
    f"""CREATE TRIGGER vault_ledger_event_no_update BEFORE UPDATE ON vault_ledger_event
    WHEN NOT (OLD.position IS NULL AND OLD.quarantined = 0 AND {_SAME})
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    """CREATE TRIGGER vault_ledger_event_no_delete BEFORE DELETE ON vault_ledger_event
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
)
POSTGRESQL_TRIGGERS = (
    f"""CREATE FUNCTION vault_ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' AND OLD.position IS NULL AND NOT OLD.quarantined AND {_SAME_PG} THEN RETURN NEW; END IF;
        RAISE EXCEPTION 'the ledger is append-only';
    END $$""",
    """CREATE TRIGGER vault_ledger_event_append_only BEFORE UPDATE OR DELETE ON vault_ledger_event
    FOR EACH ROW EXECUTE FUNCTION vault_ledger_append_only()""",
    """CREATE TRIGGER vault_ledger_event_no_truncate BEFORE TRUNCATE ON vault_ledger_event
    FOR EACH STATEMENT EXECUTE FUNCTION vault_ledger_append_only()""",
)
for _dialect, _statements in (("sqlite", SQLITE_TRIGGERS), ("postgresql", POSTGRESQL_TRIGGERS)):
    for _statement in _statements:
        event.listen(event_table, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]


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


def leaf_content(recorded: RecordedEvent) -> dict[str, Any]:
    return content_of(recorded, recorded.id, recorded.recorded_at)


def event_of_row(row: Row[Any]) -> RecordedEvent:
    return RecordedEvent(
        id=row.id,
        recorded_at=row.recorded_at,
        position=row.position,
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
