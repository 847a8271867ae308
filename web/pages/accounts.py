"""My accounts: keeping, trying, replacing and removing the credentials of other systems."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.launch import owners_for
from connectors.systems import System
from core.database import Connection
from core.errors import YimenError
from sso.authentication.sessions import Session
from sso.directory.users import User
from vault.items import Item
from web.i18n import Catalogue
from web.pages.form import Form
from web.pages.portal import open_system, systems_for
from web.pages.surface import Surface, go


@dataclass(frozen=True)
class AccountLine:
    id: str
    slug: str
    system_name: str
    label: str
    login: str
    custody: str
    frozen: bool
    frozen_text: str
    last_result: str | None
    last_used_at: datetime | None
    testable: bool
    first_of_system: bool


@dataclass(frozen=True)
class SystemChoice:
    slug: str
    name: str


def account_routes(surface: Surface) -> list[Route]:
    accounts = _Accounts(surface)
    return [
        Route("/accounts", accounts.show, methods=["GET"]),
        Route("/accounts", accounts.add, methods=["POST"]),
        Route("/accounts/{item_id}/replace", accounts.replace, methods=["POST"]),
        Route("/accounts/{item_id}/remove", accounts.remove, methods=["POST"]),
        Route("/accounts/{item_id}/test", accounts.test, methods=["POST"]),
        Route("/accounts/{item_id}/relearn", accounts.relearn, methods=["POST"]),
    ]


class _Accounts:
    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._house = surface.house

    async def show(self, request: Request) -> Response:
        session = await self._surface.business_member(request)
        return await accounts_page(self._surface, request, session)

    async def add(self, request: Request) -> Response:
        session = await self._surface.business_member(request)
        sent = await self._surface.form(request)
        try:
            slug = await _add(self._surface, session, sent)
        except YimenError as problem:
            typed = {name: sent.as_typed(name) for name in ("system", "login", "label")}
            return await accounts_page(self._surface, request, session, problem=problem, typed=typed)
        return go("/accounts", done="added", system=slug)

    async def replace(self, request: Request) -> Response:
        session = await self._surface.business_member(request)
        sent = await self._surface.form(request)
        secret = bytearray(sent.password("secret"), "utf-8")
        try:
            async with self._house.database.write() as connection:
                item = await own_item(self._surface, connection, session.user, request.path_params["item_id"])
                system = await _system(self._surface, connection, item)
                await self._house.items.replace(
                    connection,
                    item.id,
                    destination=system.destination,
                    secret=secret,
                    login=sent.text("login") or None,
                    actor=_actor(session),
                )
        finally:
            secret[:] = bytes(len(secret))
        return go("/accounts", done="replaced", system=await _slug(self._surface, item))

    async def remove(self, request: Request) -> Response:
        session = await self._surface.business_member(request)
        await self._surface.form(request)
        async with self._house.database.write() as connection:
            item = await own_item(self._surface, connection, session.user, request.path_params["item_id"])
            await self._house.items.remove(connection, item.id, actor=_actor(session))
        return go("/accounts", done="removed", system=await _slug(self._surface, item))

    async def test(self, request: Request) -> Response:
        """Trying an account is opening its system with it: the login's own answer is the proof."""
        session = await self._surface.business_member(request)
        await self._surface.form(request)
        async with self._house.database.read() as connection:
            item = await usable_item(self._surface, connection, session.user, request.path_params["item_id"])
        return await open_system(self._surface, request, session, await _slug(self._surface, item), item.id)

    async def relearn(self, request: Request) -> Response:
        """The person says that the system's sign-in has changed: their next one is supervised."""
        session = await self._surface.business_member(request)
        await self._surface.form(request)
        async with self._house.database.write() as connection:
            item = await usable_item(self._surface, connection, session.user, request.path_params["item_id"])
            system = await _system(self._surface, connection, item)
            await self._house.login_requests.learn_again(connection, system.login, session.user.id)
        return go("/accounts", done="relearned", system=system.slug)


async def accounts_page(
    surface: Surface,
    request: Request,
    session: Session,
    *,
    problem: YimenError | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response:
    house, texts = surface.house, surface.texts(request)
    async with house.database.read() as connection:
        systems = {system.id: system for system in await house.systems.list(connection)}
        fillable = [one for one in await systems_for(surface, connection, session.user) if one.fills]
        items = await house.items.list(connection, owners=owners_for(session.user))
    chosen = request.query_params.get("system", "")
    return await surface.page(
        request,
        "accounts.html",
        status=problem.status if problem else 200,
        section="accounts",
        problem=problem,
        adding=typed is not None or (bool(chosen) and "done" not in request.query_params),
        typed=typed or {"system": chosen, "login": "", "label": ""},
        asks_code=await surface.has_totp(session),
        systems=[SystemChoice(one.slug, one.name.in_locale(texts.locale)) for one in fillable],
        accounts=lines_of(items, systems, session.user, texts),
    )


def lines_of(items: list[Item], systems: dict[str, System], user: User, texts: Catalogue) -> list[AccountLine]:
    """Refused passwords first: they wait for the person."""
    custodians = {f"organisation:{post.organisation_id}": post.organisation_name for post in user.posts}
    lines: list[AccountLine] = []
    seen: set[str] = set()
    for item in sorted(items, key=lambda one: (one.state == "active", one.system, one.id)):
        system = systems.get(item.system)
        if system is None:
            continue
        lines.append(_line(item, system, custodians.get(item.owner, ""), texts, first=system.id not in seen))
        seen.add(system.id)
    return lines


def _line(item: Item, system: System, custody: str, texts: Catalogue, *, first: bool) -> AccountLine:
    reason = f"accounts.frozen_reason.{item.frozen_reason}"
    return AccountLine(
        id=item.id,
        slug=system.slug,
        system_name=system.name.in_locale(texts.locale),
        label=item.label,
        login=item.login,
        custody=custody,
        frozen=item.state == "frozen",
        frozen_text=texts.text(reason if reason in texts else "accounts.frozen_more"),
        last_result=item.last_result,
        last_used_at=item.last_used_at,
        testable=system.fills and item.state == "active",
        first_of_system=first,
    )


async def usable_item(surface: Surface, connection: Connection, user: User, item_id: str) -> Item:
    """An Item that the person may use. Somebody else's is as unknown as none: ERR-ITEM."""
    item = await surface.house.items.find(connection, item_id)
    if item.owner not in owners_for(user):
        raise YimenError("ERR-ITEM", "the account belongs to somebody else", status=404)
    return item


async def own_item(surface: Surface, connection: Connection, user: User, item_id: str) -> Item:
    """An Item that the person owns; one in custody can be used, not seen or changed (DESIGN §4.14)."""
    item = await usable_item(surface, connection, user, item_id)
    if item.owner != f"user:{user.id}":
        raise YimenError("ERR-CUSTODY_ACCOUNT", "the account is in custody", status=403)
    return item


async def _add(surface: Surface, session: Session, sent: Form) -> str:
    house = surface.house
    slug, login = sent.required("system", most=40), sent.required("login")
    secret = bytearray(sent.password("secret"), "utf-8")
    try:
        async with house.database.write() as connection:
            allowed = await systems_for(surface, connection, session.user)
            system = next((one for one in allowed if one.slug == slug and one.fills), None)
            if system is None:
                raise YimenError("ERR-SYSTEM", "no such system for this person", status=404)
            await house.items.add(
                connection,
                owner=f"user:{session.user.id}",
                system=system.id,
                destination=system.destination,
                login=login,
                secret=secret,
                label=sent.text("label", most=60),
                actor=_actor(session),
            )
    finally:
        secret[:] = bytes(len(secret))
    return slug


async def _slug(surface: Surface, item: Item) -> str:
    async with surface.house.database.read() as connection:
        return (await _system(surface, connection, item)).slug


async def _system(surface: Surface, connection: Connection, item: Item) -> System:
    system = await surface.house.systems.find(connection, item.system)
    if system is None:
        raise YimenError("ERR-SYSTEM", "the account's system is gone", status=404)
    return system


def _actor(session: Session) -> str:
    return f"user:{session.user.id}"
