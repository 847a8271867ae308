"""HTML documents on their way to the browser: a login page is filled, an offer is shown, addresses are rewritten."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from connectors.gateway.answers.results import Results
from connectors.gateway.pages.inject import letting_script_through, nonce_for, with_script
from connectors.gateway.pages.notices import refusals
from connectors.gateway.pages.salts import salts_in
from connectors.gateway.pages.steps import note_step
from connectors.gateway.parts import GatewayParts
from connectors.gateway.session.fills import Awaits, Fill, Fills, Undecided
from connectors.gateway.session.sessions import GatewaySessions
from connectors.gateway.swap.form_reader import FormReader
from connectors.gateway.swap.knowledge import LoginKnowledge
from connectors.gateway.visit import Visit
from connectors.gateway.wire.headers import Header, never_kept
from connectors.launch import Intent
from connectors.legacy.filling.plan import FillPlan, fill_plan, leads_elsewhere, opener_plan, step_plan, waiting_plan
from connectors.legacy.outcome.addresses import path_of
from connectors.legacy.outcome.answer import Outcome
from connectors.legacy.outcome.judge import refusal_on
from connectors.legacy.recipe.recipe import Recipe
from connectors.legacy.recipe.variables import from_page
from connectors.systems import System
from core.offload import off_loop
from vault.items import Item

MAX_DOCUMENT_BYTES = 2 * 1024 * 1024

_TOLD_OF_PLAN = ("username", "password", "person", "submit", "opener", "waits", "steps")
_TOLD_TEXTS = ("person", "presses", "filled", "portal", "missing", "unsent")


@dataclass(frozen=True)
class Document:
    """A page as the legacy server sent it: `url` is its address there. `is_shown`: it is the page that the person looks
    at."""

    url: str
    body: bytes
    charset: str | None
    headers: Sequence[Header]
    status: int = 200
    is_shown: bool = True

    @property
    def path(self) -> str:
        return urlsplit(self.url).path or "/"


class Documents:
    def __init__(
        self,
        parts: GatewayParts,
        sessions: GatewaySessions,
        fills: Fills,
        knowledge: LoginKnowledge,
        forms: FormReader,
        results: Results,
    ) -> None:
        self._parts = parts
        self._sessions = sessions
        self._fills = fills
        self._knowledge = knowledge
        self._forms = forms
        self._results = results

    async def prepare(self, visit: Visit, document: Document) -> tuple[bytes, list[Header]]:
        """The page and its header fields as the browser gets them."""
        size = len(document.body)
        plan, shell = await off_loop(size, _plans, visit.recipe, visit.system, document)
        await self._decide(visit, document, plan)
        told = await self._told(visit, document, plan, shell)
        body = await off_loop(size, visit.origins.rewrite, document.body)
        headers = list(document.headers)
        if plan is not None or told is not None:
            headers = never_kept(headers)
        if told is None:
            return body, headers
        nonce = nonce_for(headers)
        widened = letting_script_through(headers, visit.origins.gateway_origin, nonce)
        return await off_loop(size, with_script, body, told, nonce), widened

    async def _decide(self, visit: Visit, document: Document, plan: FillPlan | None) -> None:
        """A sign-in whose answer told nothing led here: the page that the person sees says how it went."""
        if not document.is_shown or (plan is not None and plan.form is None):
            return  # A page that its script draws says nothing yet.
        who, captures = visit.who, self._parts.captures
        async with self._parts.database.read() as connection:
            undecided = await self._fills.has_undecided(connection, who.id)
            held = await captures.is_held(connection, who.id)
        if undecided:
            async with self._parts.database.write() as connection:
                kinds = _told_by(document, plan)
                waiting = await self._fills.take_undecided(connection, who.id, kinds)
            for one in waiting:
                outcome = await off_loop(len(document.body), _outcome, one, document, plan)
                if outcome is not None:
                    await self._results.decide(who, visit.system, one, outcome)
        if held and plan is None and document.status < 400:
            async with self._parts.database.write() as connection:
                await captures.offer_held(connection, who.id)

    async def _told(
        self, visit: Visit, document: Document, plan: FillPlan | None, shell: FillPlan | None
    ) -> dict[str, Any] | None:
        """What our script is told in this page; None where it has nothing to do."""
        offer = await self._offer(visit)
        if offer is not None and (plan is None or plan.form is None):
            return offer
        if plan is not None:
            return await self._fill(visit, document, plan)
        # A first, supervised sign-in may lead on from the login path to where the page's script draws the login.
        is_expected = _is_login_address(visit.system, document) or visit.who.supervision is not None
        if visit.recipe is not None or not is_expected:
            # A login path may lead on, within a launch, to the page of which a script makes the login.
            return await self._fill(visit, document, shell, only_launched=True) if shell is not None else None
        if await off_loop(len(document.body), _leads_elsewhere, visit.system, document):
            return self._notice(visit, "elsewhere", "portal", "")
        last_resort = await off_loop(len(document.body), _last_resort, document)
        if last_resort is None:
            return None
        return await self._fill(visit, document, last_resort, only_launched=True)

    async def _fill(
        self, visit: Visit, document: Document, plan: FillPlan, *, only_launched: bool = False
    ) -> dict[str, Any] | None:
        """`only_launched`: the page need not be a login page, so it is filled only when the person has just asked."""
        who, system, launcher = visit.who, visit.system, self._parts.launcher
        is_known = await self._is_known(visit, plan)
        variables = await off_loop(len(document.body), _variables, visit.recipe, document)
        async with self._parts.database.write() as connection:
            intent = await launcher.consume_intent(connection, who.session.id, system.id)
            if only_launched and intent is None:
                return None
            await note_step(connection, system.id, left=bool(plan.person))
            chosen = intent.item_id if intent is not None else None
            item = await launcher.item_for(connection, who.session.user, system, item_id=chosen)
            if item is not None and item.state != "active":
                return self._notice(visit, "frozen", "replace", "/accounts")
            supervised = who.supervision is not None and (intent is not None or _is_login_address(system, document))
            if item is not None and not is_known and not supervised:
                # What this page would send is not known, and nobody watches over what it may teach.
                return self._notice(visit, "first", "portal", "") if plan.form is not None else None
            fill = await self._fills.create(
                connection,
                who.id,
                plan,
                document.url,
                item_id=item.id if item is not None else None,
                variables=variables,
                supervised=supervised,
            )
            if item is None:
                return self._watching(visit)
            await self._sessions.begin_filling(connection, who.id)
            presses = plan.submits and intent is not None and _may_press(item) and not (plan.steps and intent.stepped)
            kept = _for_pages_to_come(intent, plan) if intent is not None else None
            if kept is not None:
                await launcher.keep_intent(connection, who.session.id, system.id, kept)
            login = await self._parts.items.login_name(connection, item.id)
        return self._told_of(visit, plan, fill, login, presses=presses)

    async def _is_known(self, visit: Visit, plan: FillPlan) -> bool:
        """Whether it is known where this system takes a password; its form is read where nobody has read it yet."""
        user_id = visit.who.session.user.id
        if (await self._knowledge.of(visit.system, user_id, visit.recipe)).requests:
            return True
        if plan.form is None or visit.who.supervision is not None:
            return False
        await self._forms.learn(visit.system)
        return bool((await self._knowledge.of(visit.system, user_id, visit.recipe)).requests)

    async def _offer(self, visit: Visit) -> dict[str, Any] | None:
        async with self._parts.database.read() as connection:
            capture_id = await self._parts.captures.offered_in(connection, visit.who.id)
        return self._notice(visit, "offer", "keep", f"/captures/{capture_id}") if capture_id is not None else None

    def _notice(self, visit: Visit, text: str, label: str, path: str) -> dict[str, Any]:
        return {"notice": self._linked(visit, text, label, path)}

    def _watching(self, visit: Visit) -> dict[str, Any]:
        """For a page where the person types their own: how to offer to keep it when the page stays."""
        return {"offer": self._linked(visit, "offer", "keep", "/captures/")}

    def _linked(self, visit: Visit, text: str, label: str, path: str) -> dict[str, str]:
        issuer = self._parts.settings.issuer
        return {"text": self._text(visit, text), "label": self._text(visit, label), "address": f"{issuer}{path}"}

    def _text(self, visit: Visit, name: str) -> str:
        return self._parts.texts(visit.locale, f"gateway.page.{name}") or ""

    def _told_of(self, visit: Visit, plan: FillPlan, fill: Fill, login: str, *, presses: bool) -> dict[str, Any]:
        content = plan.to_json()
        return {
            **{name: content[name] for name in _TOLD_OF_PLAN},
            "fill": fill.id,
            "presses": presses,
            "login": login,
            "dummy": fill.dummy,
            "portal": self._parts.settings.issuer,
            "texts": {
                **{name: self._text(visit, name) for name in _TOLD_TEXTS},
                "refusals": refusals(self._parts.texts, visit.locale),
            },
        }


def _may_press(item: Item) -> bool:
    """Where the last sign-in did not tell how it went, nothing is tried again by itself: it may have been a refusal."""
    was_replaced = item.last_used_at is None or item.updated_at > item.last_used_at
    return item.last_result != "unknown" or was_replaced


def _for_pages_to_come(intent: Intent, plan: FillPlan) -> Intent | None:
    """What of a launch outlives this page. The page that asks for the password may be still to come; and where this one
    has no form of its own, its script draws the form here or leads on to it. The password, once sent, ends it."""
    if plan.steps:
        return replace(intent, stepped=True)
    return intent if plan.form is None else None


def _told_by(document: Document, plan: FillPlan | None) -> Sequence[Awaits]:
    """The sign-ins about which this page may say something. An error is no page that a good sign-in leads to; only
    with the login form on it does it speak of the sign-in that came back to it."""
    if document.status < 400:
        return ("page", "back", "led")
    return ("back", "led") if plan is not None else ("led",)


def _outcome(one: Undecided, document: Document, plan: FillPlan | None) -> Outcome | None:
    if one.awaits == "led":
        return _form_again(document) if plan is not None else None
    if plan is None:
        return Outcome("success", "it leads to a page that asks for no password")
    if one.awaits == "back" and path_of(one.fill.login_url) == path_of(document.url):
        return Outcome("failure", "the login page is shown again")
    return None


def _form_again(document: Document) -> Outcome | None:
    """A redirect that seemed to lead away from signing in led to a login form. That alone may be a box that a front
    page always shows, so its status or its words decide."""
    if document.status >= 400:
        return Outcome("failure", f"it leads to the login form again: HTTP {document.status}")
    return refusal_on(document.body, document.url, document.charset)


def _variables(recipe: Recipe | None, document: Document) -> dict[str, str]:
    if recipe is not None:
        return from_page(recipe, document.body, document.charset)
    return salts_in(document.body)


def _leads_elsewhere(system: System, document: Document) -> bool:
    origins = [endpoint.origin for endpoint in system.endpoints]
    return leads_elsewhere(document.body, document.url, document.charset, origins=origins) is not None


def _last_resort(document: Document) -> FillPlan | None:
    known = (document.body, document.url, document.charset)
    return opener_plan(*known) or waiting_plan(*known)


def _plans(recipe: Recipe | None, system: System, document: Document) -> tuple[FillPlan | None, FillPlan | None]:
    """That of a login page; else, second, that of a page which its script draws. Where the system says its login page
    is, such a page is one; elsewhere it may be anything."""
    if not system.fills:
        return None, None
    origins = [endpoint.origin for endpoint in system.endpoints]
    plan = fill_plan(recipe, document.body, document.url, document.charset, origins=origins)
    if recipe is not None or (plan is not None and not plan.steps and not (plan.waits and plan.form is None)):
        return plan, None
    if not _is_login_address(system, document):
        return None, plan if plan is not None and not plan.steps else None
    return plan or step_plan(document.body, document.url, document.charset), None


def _is_login_address(system: System, document: Document) -> bool:
    return document.path == urlsplit(system.registration.login_path).path
