"""What the county's legacy systems have in common: they are small servers with accounts and pages."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, ClassVar

from jinja2 import Environment, FileSystemLoader
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from demo.legacy.accounts import Account, Accounts, Attempt
from demo.legacy.people import Person
from demo.legacy.records import Received, Records

PAGES = Path(__file__).parent / "pages"
RECIPES = Path(__file__).parents[1] / "recipes"
BEIJING = timezone(timedelta(hours=8))
_ENVIRONMENT = Environment(loader=FileSystemLoader(PAGES), autoescape=True, trim_blocks=True, lstrip_blocks=True)


def today(days: int = 0) -> str:
    """A date as people in the county write it; `days` counts from today."""
    return (datetime.now(UTC).astimezone(BEIJING) + timedelta(days=days)).strftime("%Y-%m-%d")


def now() -> str:
    return datetime.now(UTC).astimezone(BEIJING).strftime("%H:%M:%S")


class LegacySystem(ABC):
    """`origin` is known once the county has taken the port; systems build absolute addresses with it."""

    slug: ClassVar[str]
    title: ClassVar[str]
    quirk: ClassVar[str]
    login_path: ClassVar[str] = "/login"
    home_path: ClassVar[str] = "/"

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.accounts = Accounts()
        self._records = Records(self._application())

    @property
    def app(self) -> ASGIApp:
        return self._records

    @property
    def attempts(self) -> list[Attempt]:
        """Every sign-in that reached the server, oldest first."""
        return self.accounts.attempts

    @property
    def requests(self) -> deque[Received]:
        """The newest requests that reached the server, oldest first."""
        return self._records.requests

    @property
    def recipe(self) -> str | None:
        """The text of the recipe that Yimen needs for this system; None where the login page explains itself."""
        path = RECIPES / f"{self.slug}.yaml"
        return path.read_text(encoding="utf-8") if path.is_file() else None

    def login_of(self, person: Person) -> str:
        """What the system calls a person: mostly the pinyin."""
        return person.pinyin

    async def enrol(self, person: Person, password: str) -> Account:
        """Gives a person an account. Before the county starts, and whenever a test needs one more."""
        return self.accounts.add(self.login_of(person), person.name, password)

    @asynccontextmanager
    async def ready(self) -> AsyncIterator[None]:
        """Holds, while the system runs, what it needs from before the first account: a database, for one."""
        yield

    @abstractmethod
    def routes(self) -> Sequence[BaseRoute]:
        """The pages of the system."""

    def _application(self) -> ASGIApp:
        static = PAGES / self.slug / "static"
        mounts = [Mount("/static", StaticFiles(directory=static))] if static.is_dir() else []
        return Starlette(routes=[*self.routes(), *mounts])

    def text(self, template: str, **context: Any) -> str:
        return _ENVIRONMENT.get_template(f"{self.slug}/{template}").render(
            origin=self.origin, title=self.title, today=today(), **context
        )

    def page(self, template: str, *, status: int = 200, **context: Any) -> Response:
        response = HTMLResponse(self.text(template, **context), status)
        response.headers["Cache-Control"] = "no-cache"
        return response

    def redirect(self, path: str) -> Response:
        """Relative, as most systems do; a system that knows its own address overrides this."""
        return RedirectResponse(path, 302)
