"""What the API answers, as its description tells it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from vault.ledger.events import RecordedEvent
from vault.ledger.queries import LedgerPage


class Failure(BaseModel):
    """Every error answers so."""

    code: str = Field(examples=["ERR-SESSION"])
    message: str
    request_id: str


class Me(BaseModel):
    id: str
    username: str
    name: str
    roles: list[str]
    posts: list[str]
    email: str | None
    mobile: str | None = Field(description="Masked")
    acr: str
    amr: list[str]


class SystemOut(BaseModel):
    slug: str
    name: str
    owner: str
    category: str
    state: Literal["federated", "auto", "one_step", "needs_account", "frozen", "link", "none"]
    favourite: bool
    reason: str


class ItemOut(BaseModel):
    id: str
    system: str
    label: str
    login: str = Field(description="Masked")
    custody: bool
    state: Literal["active", "frozen"]
    frozen_reason: str | None
    updated_at: datetime
    last_used_at: datetime | None
    last_result: str | None


class SessionOut(BaseModel):
    id: str
    device: str
    address: str
    started_at: datetime
    last_seen_at: datetime
    current: bool


class EventOut(BaseModel):
    id: str
    at: datetime
    position: int | None = Field(description="Place in the ledger's tree, once it has one")
    action: str
    result: Literal["success", "failure", "refused"]
    actor: str | None
    subject: str | None
    system: str | None
    client: str | None
    session: str | None
    address: str | None
    reason: str | None
    detail: dict[str, str | int | bool]


class EventPage(BaseModel):
    events: list[EventOut]
    next_cursor: str | None
    searched_to: datetime | None = Field(
        default=None, description="Where the page is not full and there is more to look through: how far it looked"
    )


class HealthOut(BaseModel):
    size: int
    root: str
    checkpoint_at: datetime | None
    unsequenced: int
    quarantined: int
    verified: bool
    public_key: str


def event_page(found: LedgerPage) -> EventPage:
    events = [_event(event) for event in found.events]
    return EventPage(events=events, next_cursor=found.next_cursor, searched_to=found.searched_to)


def _event(event: RecordedEvent) -> EventOut:
    return EventOut(
        id=event.id,
        at=event.recorded_at,
        position=event.position,
        action=event.action,
        result=event.result,
        actor=event.actor,
        subject=event.subject,
        system=event.system,
        client=event.client,
        session=event.session,
        address=event.address,
        reason=event.reason,
        detail=dict(event.detail),
    )
