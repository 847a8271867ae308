"""The gateway on a real socket before a real legacy server, in a whole house; and a cadre's browser."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

import httpx
import pytest

import core.fresh
from connectors.gateway.session import secrets, sessions
from connectors.gateway_client import gateway_client
from connectors.registration import SystemRegistration
from connectors.systems import System
from core.clock import FrozenClock
from core.settings import Settings
from demo.serving import Listener
from sso.authentication.sessions import Session
from sso.directory.users import UserRegistration
from tests.connectors.gateway.browser import Browser, Shown
from tests.connectors.gateway.upstream import LegacyServer, login_page
from vault.items import Item
from web.app import open_gateway
from web.composition import House, open_house
from web.portal import portal_app
from web.request_context import RequestContext

SECRET = "Qīng&溪 <\"p'w%+2026>"
LOGIN = "wangxw"


class _Passing:
    """Time goes on by what somebody waits, and nobody has to."""

    def __init__(self) -> None:
        self._waited = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self._waited

    async def sleep(self, seconds: float) -> None:
        self._waited += seconds


@pytest.fixture(autouse=True)
def _passing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a secret leaves, Yimen waits until nothing that is remembered elsewhere is from before."""
    passing = _Passing()
    monkeypatch.setattr(secrets, "asyncio", passing)
    for module in (core.fresh, secrets, sessions):
        monkeypatch.setattr(module, "time", passing)


@pytest.fixture
async def house(settings: Settings, clock: FrozenClock) -> AsyncIterator[House]:
    async with open_house(settings, clock=clock) as house:
        yield house


@pytest.fixture
def legacy() -> LegacyServer:
    """The server of the system `oa`, at `legacy_origin`."""
    return LegacyServer({"GET /login": login_page()})


@pytest.fixture
async def legacy_origin(legacy: LegacyServer) -> AsyncIterator[str]:
    listener = Listener()
    await listener.start(legacy)
    yield listener.origin
    await listener.stop()


class AddSystem(Protocol):
    def __call__(self, slug: str = "oa", **changes: object) -> Awaitable[System]: ...


@pytest.fixture
def add_system(house: House, legacy_origin: str) -> AddSystem:
    """Registers a system as `yimen apply` does: with the client of its gateway host."""

    async def add(slug: str = "oa", **changes: object) -> System:
        described: dict[str, object] = {
            "slug": slug,
            "name": {"zh": "办公系统"},
            "way_in": [{"kind": "gateway"}],
            "upstream": legacy_origin,
            "login_path": "/login",
            "http_approved_by": "aq",
            **changes,
        }
        registration = SystemRegistration.model_validate(described)
        async with house.database.write() as connection:
            await house.systems.upsert(connection, registration, actor="operator:test")
            client = gateway_client(house.settings, registration)
            await house.clients.upsert(connection, client, actor="operator:test")
            system = await house.systems.find_by_slug(connection, slug)
        assert system is not None
        return system

    return add


@pytest.fixture
async def oa(add_system: AddSystem) -> System:
    return await add_system()


@pytest.fixture
async def gateway(house: House) -> AsyncIterator[str]:
    """The address of the socket that the gateway listens on."""
    listener = Listener()
    async with open_gateway(house) as app:
        await listener.start(RequestContext(app, house.settings, house.notices, "gateway"))
        yield listener.origin
        await listener.stop()


class Open(Protocol):
    def __call__(self, username: str = "wang") -> Awaitable[Browser]: ...


@pytest.fixture
async def open_browser(house: House, gateway: str) -> AsyncIterator[Open]:
    """A browser in which a cadre has signed in at the portal, and nowhere else yet."""
    opened: list[Browser] = []
    portal = httpx.ASGITransport(app=RequestContext(portal_app(house), house.settings, house.notices, "portal"))

    async def open_one(username: str = "wang") -> Browser:
        session, token = await start_session(house, username)
        browser = Browser(house.settings, gateway, portal, session, token)
        opened.append(browser)
        return browser

    yield open_one
    for browser in opened:
        await browser.close()


@pytest.fixture
async def browser(oa: System, open_browser: Open) -> Browser:
    return await open_browser()


@pytest.fixture
async def cadre(browser: Browser) -> Browser:
    """The same browser with a gateway session for `oa`."""
    await browser.sign_in()
    return browser


async def start_session(house: House, username: str) -> tuple[Session, str]:
    async with house.database.write() as connection:
        registration = UserRegistration(username=username, name="王晓雯")
        user_id, _ = await house.users.upsert(connection, registration, actor="operator:test")
        user = await house.users.find(connection, user_id)
        assert user is not None
        return await house.sessions.start(connection, user, amr=("pwd",), address="127.0.0.1", user_agent="")


class Launch(Protocol):
    def __call__(self, browser: Browser, slug: str = "oa") -> Awaitable[Shown]: ...


@pytest.fixture
def launch(house: House) -> Launch:
    """Opens a system as its tile does; gives the page that the person sees then."""

    async def open_system(browser: Browser, slug: str = "oa") -> Shown:
        await house.launcher.launch(browser.session, slug)
        shown = await browser.get("/.yimen/open", slug=slug)
        assert shown.status == 303, shown.text
        return await browser.get(shown.location, slug=slug)

    return open_system


AddItem = Callable[[Browser, System], Awaitable[Item]]


@pytest.fixture
def add_item(house: House) -> AddItem:
    async def add(browser: Browser, system: System) -> Item:
        async with house.database.write() as connection:
            return await house.items.add(
                connection,
                owner=f"user:{browser.session.user.id}",
                system=system.id,
                destination=system.destination,
                login=LOGIN,
                secret=bytearray(SECRET.encode()),
                actor="operator:test",
            )

    return add


@pytest.fixture
async def item(cadre: Browser, oa: System, add_item: AddItem) -> Item:
    return await add_item(cadre, oa)
