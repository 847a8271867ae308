"""HTML documents on their way to the browser: a login page is filled, an offer is shown, addresses are rewritten."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from connectors.gateway.captures import Captures
from connectors.gateway.fills import Fill, Fills, Undecided
from connectors.gateway.inject import letting_script_through, nonce_for, with_script
from connectors.gateway.notices import refusals
from connectors.gateway.parts import GatewayParts
from connectors.gateway.results import Results
from connectors.gateway.salts import salts_in
from connectors.gateway.sessions import GatewaySession
from connectors.gateway.steps import note_step
from connectors.gateway.wire.headers import Header, never_kept
from connectors.gateway.wire.rewrite import OriginMap
from connectors.legacy.filling.plan import FillPlan, fill_plan, opener_plan, step_plan, waiting_plan
from connectors.legacy.outcome.addresses import path_of
from connectors.legacy.outcome.answer import Outcome
from connectors.legacy.recipe.recipe import Recipe
from connectors.legacy.recipe.variables import from_page
from connectors.systems import System
from vault.items import Item

MAX_DOCUMENT_BYTES = 2 * 1024 * 1024

_TEXTS = {
    "person": (
        "一门已填好账号，请完成验证码等剩余步骤后登录",
        "Yimen has filled in your account. Do the last step and sign in",
    ),
    "presses": ("一门正在为您登录…", "Yimen is signing you in…"),
    "filled": ("一门已填好账号，点登录即可", "Filled in by Yimen. Press the sign-in button"),
    "missing": (
        "一门没有在这个页面上找到登录框，请自己登录；若一直如此，请告诉管理员",
        "Yimen finds no place to sign in on this page. Sign in yourself, and tell the administrator if it stays so",
    ),
    "unsent": (
        "一门点了登录，但页面什么也没有发出。请看看页面要什么，再自己点登录",
        "Yimen pressed the sign-in button, but the page sent nothing. See what it asks for, and press it yourself",
    ),
    "frozen": (
        "上次登录时密码被拒绝，已停止自动填写，以免账号被锁",
        "The password was refused last time, so Yimen no longer fills it in, lest the account gets locked",
    ),
    "replace": ("更换密码", "Replace it"),
    "offer": ("要让一门保管刚才的账号，下次自动登录吗？", "Shall Yimen keep this account and sign you in next time?"),
    "portal": ("回到一门", "Back to Yimen"),
    "keep": ("保管", "Keep it"),
}


_TOLD = ("person", "presses", "filled", "portal", "missing", "unsent")


@dataclass(frozen=True)
class Document:
    """A page as the legacy server sent it: `url` is its address there. `is_shown`: it is the page that the person looks
    at, and no error."""

    url: str
    body: bytes
    charset: str | None
    headers: Sequence[Header]
    english: bool
    is_shown: bool = True

    @property
    def path(self) -> str:
        return urlsplit(self.url).path or "/"


class Documents:
    def __init__(self, parts: GatewayParts, fills: Fills, captures: Captures, results: Results) -> None:
        self._parts = parts
        self._results = results
        self._fills = fills
        self._captures = captures

    async def prepare(
        self, who: GatewaySession, system: System, recipe: Recipe | None, origins: OriginMap, document: Document
    ) -> tuple[bytes, list[Header]]:
        """The page and its header fields as the browser gets them."""
        plan = _plan(recipe, system, document) if system.fills else None
        await self._decide(who, system, document, plan)
        told = await self._told(who, system, recipe, document, plan)
        body, headers = origins.rewrite(document.body), list(document.headers)
        if plan is not None or told is not None:
            headers = never_kept(headers)
        if told is None:
            return body, headers
        nonce = nonce_for(headers)
        return with_script(body, told, nonce), letting_script_through(headers, origins.gateway_origin, nonce)

    async def _decide(self, who: GatewaySession, system: System, document: Document, plan: FillPlan | None) -> None:
        """A sign-in whose answer told nothing led here: the page that the person sees says how it went."""
        if not document.is_shown or (plan is not None and plan.form is None):
            return  # A page that its script draws says nothing yet.
        async with self._parts.database.read() as connection:
            undecided = await self._fills.has_undecided(connection, who.id)
            held = await self._captures.is_held(connection, who.id)
        if undecided:
            async with self._parts.database.write() as connection:
                told = await self._fills.take_undecided(connection, who.id)
            for one in told:
                outcome = _outcome(one, document, plan)
                if outcome is not None:
                    await self._results.record(who, system, one.item_id, outcome)
        if held and plan is None:
            async with self._parts.database.write() as connection:
                await self._captures.offer_held(connection, who.id)

    async def _told(
        self, who: GatewaySession, system: System, recipe: Recipe | None, document: Document, plan: FillPlan | None
    ) -> dict[str, Any] | None:
        """What our script is told in this page; None where it has nothing to do."""
        offer = await self._offer(who, document)
        if offer is not None and (plan is None or plan.form is None):
            return offer
        if plan is not None:
            return await self._fill(who, system, recipe, document, plan)
        if recipe is not None or not _is_login_address(system, document):
            return None
        known = (document.body, document.url, document.charset)
        last_resort = opener_plan(*known) or waiting_plan(*known)
        if last_resort is None:
            return None
        return await self._fill(who, system, recipe, document, last_resort, only_launched=True)

    async def _fill(
        self,
        who: GatewaySession,
        system: System,
        recipe: Recipe | None,
        document: Document,
        plan: FillPlan,
        *,
        only_launched: bool = False,
    ) -> dict[str, Any] | None:
        """`only_launched`: the page need not be a login page, so it is filled only when the person has just asked."""
        async with self._parts.database.write() as connection:
            intent = await self._parts.launcher.consume_intent(connection, who.session.id, system.id)
            if only_launched and intent is None:
                return None
            await note_step(connection, system.id, left=bool(plan.person))
            chosen = intent.item_id if intent is not None else None
            item = await self._parts.launcher.item_for(connection, who.session.user, system, item_id=chosen)
            if item is not None and item.state != "active":
                return self._frozen(document)
            variables = (
                from_page(recipe, document.body, document.charset) if recipe is not None else salts_in(document.body)
            )
            fill = await self._fills.create(
                connection,
                who.id,
                plan,
                document.url,
                item_id=item.id if item is not None else None,
                variables=variables,
            )
            if item is None:
                return _watching(document, self._parts.settings.issuer)
            presses = plan.submits and intent is not None and _may_press(item) and not (plan.steps and intent.stepped)
            if presses and plan.steps:
                await self._parts.launcher.keep_intent(connection, who.session.id, system.id, chosen, stepped=True)
            login = await self._parts.items.login_name(connection, item.id)
        told = _told_of(plan, fill, login, presses=presses, english=document.english)
        return {**told, "portal": self._parts.settings.issuer}

    async def _offer(self, who: GatewaySession, document: Document) -> dict[str, Any] | None:
        async with self._parts.database.read() as connection:
            capture_id = await self._captures.offered_in(connection, who.id)
        if capture_id is None:
            return None
        return self._notice(document, "offer", "keep", f"/captures/{capture_id}")

    def _frozen(self, document: Document) -> dict[str, Any]:
        return self._notice(document, "frozen", "replace", "/accounts")

    def _notice(self, document: Document, text: str, label: str, path: str) -> dict[str, Any]:
        address = f"{self._parts.settings.issuer}{path}"
        place = int(document.english)
        return {"notice": {"text": _TEXTS[text][place], "label": _TEXTS[label][place], "address": address}}


def _may_press(item: Item) -> bool:
    """Where the last sign-in did not tell how it went, nothing is tried again by itself: it may have been a refusal."""
    was_replaced = item.last_used_at is None or item.updated_at > item.last_used_at
    return item.last_result != "unknown" or was_replaced


def _watching(document: Document, issuer: str) -> dict[str, Any]:
    """For a page where the person types their own: how to offer to keep it when the page stays."""
    place = int(document.english)
    offer = {"text": _TEXTS["offer"][place], "label": _TEXTS["keep"][place], "address": f"{issuer}/captures/"}
    return {"offer": offer}


def _outcome(one: Undecided, document: Document, plan: FillPlan | None) -> Outcome | None:
    if plan is None:
        return Outcome("success", "it leads to a page that asks for no password")
    if one.leads_back and path_of(one.login_url) == path_of(document.url):
        return Outcome("failure", "the login page is shown again")
    return None


def _plan(recipe: Recipe | None, system: System, document: Document) -> FillPlan | None:
    """A page that its script draws is taken for a login page only where the system says its login page is."""
    plan = fill_plan(recipe, document.body, document.url, document.charset)
    if recipe is not None or (plan is not None and not (plan.waits and plan.form is None)):
        return plan
    if not _is_login_address(system, document):
        return None
    return plan or step_plan(document.body, document.url, document.charset)


def _is_login_address(system: System, document: Document) -> bool:
    return document.path == urlsplit(system.registration.login_path).path


def _told_of(plan: FillPlan, fill: Fill, login: str, *, presses: bool, english: bool) -> dict[str, Any]:
    content = plan.to_json()
    return {
        **{name: content[name] for name in ("username", "password", "person", "submit", "opener", "waits", "steps")},
        "fill": fill.id,
        "presses": presses,
        "login": login,
        "dummy": fill.dummy,
        "texts": {
            **{name: _TEXTS[name][int(english)] for name in _TOLD},
            "refusals": refusals(english=english),
        },
    }
