"""档案管理, a Django application of 2024: Django's admin as it comes from PyPI, served next to its static files."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from demo.legacy import django_admin
from demo.legacy.accounts import Account
from demo.legacy.people import Person
from demo.legacy.system import LegacySystem


class Danan(LegacySystem):
    """One at a time in a process: Django knows one configuration, so all of them would share its database."""

    slug = "danan"
    title = "档案管理"
    quirk = "未经修改的 Django 后台:Cookie 令牌与来源校验"
    login_path = "/admin/login/"
    home_path = "/admin/"

    def __init__(self, origin: str) -> None:
        self._django: ASGIApp | None = None
        super().__init__(origin)

    def routes(self) -> Sequence[BaseRoute]:
        return (
            Mount("/static", StaticFiles(directory=django_admin.STATIC)),
            Route("/favicon.ico", self._no_icon),
            Mount("/", self._ask_django),
        )

    @asynccontextmanager
    async def ready(self) -> AsyncIterator[None]:
        self._django = await asyncio.to_thread(django_admin.set_up)
        await asyncio.to_thread(django_admin.fill_shelves)
        yield

    async def enrol(self, person: Person, password: str) -> Account:
        account = await super().enrol(person, password)
        await asyncio.to_thread(django_admin.create_superuser, account)
        return account

    async def _no_icon(self, request: Request) -> Response:
        return Response(status_code=204)

    async def _ask_django(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._django is not None, "the system is not ready"
        await self._django({**scope, django_admin.ACCOUNTS: self.accounts}, receive, send)
