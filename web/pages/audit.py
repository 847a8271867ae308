"""The audit administrator's page: filters, timeline, events, export, and how the ledger stands.

Looking is itself recorded: who asked for what stands in the same ledger.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from sso.directory.roles import Role
from vault.ledger.events import PSEUDONYM_PREFIX, RecordedEvent
from web.i18n import Catalogue
from web.pages.accounts import SystemChoice
from web.pages.audit_filters import RESULTS, Filters
from web.pages.names import action_name, actor_names, reason_text, system_names
from web.pages.surface import Surface
from web.troubles import Troubles

_PAGE = 50
_BUCKETS = 48


@dataclass(frozen=True)
class AuditLine:
    at: datetime
    actor: str
    action: str
    system: str
    result: str
    reason: str
    facts: dict[str, str]
    detail: dict[str, str | int | bool]


def audit_routes(surface: Surface) -> list[Route]:
    audit = _Audit(surface)
    return [
        Route("/audit", audit.show, methods=["GET"]),
        Route("/audit/export", audit.export, methods=["POST"]),
    ]


class _Audit:
    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._house = surface.house
        self._troubles = Troubles(surface.house)

    async def show(self, request: Request) -> Response:
        session = await self._surface.member(request, Role.AUDIT_ADMIN)
        texts = self._surface.texts(request)
        filters = Filters.of(request.query_params, self._surface.settings.local_time)
        query = await filters.query(self._house, cursor=request.query_params.get("before") or None, limit=_PAGE)
        await self._surface.record(request, session, "audit.query", await filters.recorded(self._house))
        found = await self._house.audit.query(query)
        async with self._house.database.scan() as connection:
            systems = await self._house.systems.list(connection)
            names = await system_names(self._surface, connection, texts)
            actors = await actor_names(connection, [event.actor for event in found.events])
        older = {**filters.fields, "before": found.next_cursor} if found.next_cursor else None
        return await self._surface.page(
            request,
            "audit.html",
            section="audit",
            filters=filters,
            health=await self._house.ledger.health(),
            troubles=await self._troubles.look(),
            public_key=self._house.ledger.public_key(),
            systems=[SystemChoice(system.slug, system.name.in_locale(texts.locale)) for system in systems],
            actions=[key.removeprefix("actions.") for key in texts.keys if key.startswith("actions.")],
            results=RESULTS,
            timeline=await self._house.timelines.of(query, _BUCKETS),
            searched_to=found.searched_to,
            events=lines_of(found.events, actors, names, texts),
            older=f"/audit?{urlencode(older)}" if older else "",
        )

    async def export(self, request: Request) -> Response:
        session = await self._surface.member(request, Role.AUDIT_ADMIN)
        sent = await self._surface.form(request)
        filters = Filters.of(sent.items(), self._surface.settings.local_time)
        query = await filters.query(self._house)
        await self._surface.record(request, session, "audit.export", await filters.recorded(self._house))
        stamp = self._house.clock.now().strftime("%Y%m%dT%H%M%SZ")
        headers = {"content-disposition": f'attachment; filename="yimen-audit-{stamp}.jsonl"'}
        return StreamingResponse(self._house.audit_file.export(query), media_type="application/jsonl", headers=headers)


def lines_of(
    events: Sequence[RecordedEvent], actors: dict[str, str], systems: dict[str, str], texts: Catalogue
) -> list[AuditLine]:
    return [
        AuditLine(
            at=event.recorded_at,
            actor=actors.get(event.actor or "", event.actor or "") or _unknown(event, texts),
            action=action_name(texts, event.action),
            system=systems.get(event.system or "", event.system or ""),
            result=event.result,
            reason=reason_text(texts, event.reason),
            facts=_facts(event),
            detail=dict(event.detail),
        )
        for event in events
    ]


def _unknown(event: RecordedEvent, texts: Catalogue) -> str:
    """Who said a name that nobody has: two events with the same mark are about the same name."""
    said = event.subject or ""
    is_unknown = said.startswith(PSEUDONYM_PREFIX)
    return texts.text("audit.unknown_name", mark=said.removeprefix(PSEUDONYM_PREFIX)) if is_unknown else ""


def _facts(event: RecordedEvent) -> dict[str, str]:
    facts = {
        "id": event.id,
        "position": "" if event.position is None else str(event.position),
        "actor": event.actor,
        "subject": event.subject,
        "client": event.client,
        "session": event.session,
        "address": event.address,
        "request": event.request_id,
    }
    return {name: value for name, value in facts.items() if value}
