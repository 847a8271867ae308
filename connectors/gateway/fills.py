"""Fills: what the gateway has put into a login page, and so what it will recognise in the request that page sends.

A fill's dummy is no secret: it means something only in its own gateway session, for one request, for ten minutes. A
fill that is spent - used, or too old - is still known, so that its dummy never reaches a legacy server as a wrong
password. A fill without an Item holds no dummy: it says where a person types their own password, so that it can be
kept for them.
"""

import re
import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Column, Row, String, Table, case, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.gateway.bodies import Place
from connectors.legacy.filling.plan import FillPlan
from connectors.legacy.page import words
from connectors.legacy.recipe.globs import matches_path
from connectors.legacy.recipe.recipe import Recipe
from core.clock import Clock
from core.database import Bytes, Json, UtcDateTime, metadata
from core.identifiers import new_id

LIFETIME = timedelta(minutes=10)
# A page may stand open for a working day; no gateway session lasts longer (its sign-in does not).
REMEMBERED = timedelta(hours=24)
# Login pages that one session may have open at once, and come back from.
_MOST_KNOWN = 30
_ALPHABET = string.ascii_letters + string.digits
# Short enough for the length limits of old pages, of every kind of character that rules commonly ask for.
_DUMMY_RANDOM = 9
DUMMY_PREFIX = "Ym7"
_LOGIN_PATH = re.compile(
    r"log[-_]?[io]n|sign[-_]?in|denglu|passport|\b(sso|cas|dl)\b|\bo?auth(2|enticate|orize)?\b", re.IGNORECASE
)

# Where a request may hold a user name and a password and not be a sign-in.
_OTHER_PURPOSE = re.compile(
    r"\b(regist\w*|sign ?up|reset|forg[eo]t|chang\w*|modif\w*|updat\w*|edit|profile|settings?|sav(e|ing)|creat\w*|add"
    r"|insert|comments?|messages?|upload|search|users|members|employees|zhuce|xiugai)\b"
)
# Fields that hold what scripts and servers tell each other.
_STATE = re.compile(
    r"\b(\w*token|csrf|xsrf|view ?state|state|nonce|sign(ature)?|time ?stamp|session|ticket|client|code)\b"
)
# A page that has its sign-in checked first, and then sends it, does so at once.
REUSABLE = timedelta(seconds=15)
# How soon the browser has followed a redirect to the page that tells how the sign-in went.
_FOLLOWED = timedelta(seconds=60)

fill_table = Table(
    "connectors_fill",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("gateway_session_id", String(26), nullable=False, index=True),
    Column("item_id", String(26)),
    Column("dummy", String(32), nullable=False),
    Column("target_path", String(2000)),
    Column("username_field", String(200)),
    Column("password_field", String(200)),
    Column("charset", String(40), nullable=False),
    Column("login_url", String(2000), nullable=False),
    Column("variables", Json, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("used_at", UtcDateTime),
    Column("reusable_until", UtcDateTime),
    # The answer did not tell how the sign-in went: the page that comes next does.
    Column("undecided", String(8)),
    # The password once more, so that an echo of it on the pages that follow is found.
    Column("sealed_echo", Bytes),
)


@dataclass(frozen=True)
class Fill:
    id: str
    item_id: str | None
    dummy: str
    target_path: str | None
    username_field: str | None
    password_field: str | None
    charset: str
    login_url: str
    variables: Mapping[str, str] = field(repr=False)
    is_used: bool = False
    is_expired: bool = False

    @property
    def is_spent(self) -> bool:
        return self.is_used or self.is_expired

    def allows(
        self,
        recipe: Recipe | None,
        path: str,
        method: str,
        place: Place,
        places: Sequence[Place],
        login: str | None = None,
    ) -> bool:
        """Whether the password may go to `path` in this place (a form field or a JSON pointer) of the body.

        A recipe that names the request is taken at its word. Else it is the page's own form; and as scripts often
        send a form elsewhere, also an address that speaks of signing in, or any that does not speak of something
        else when a user name stands beside, `login` or in a field that is named for one; always in a field that
        speaks of a password.
        """
        name = place.field
        if recipe is not None and recipe.request.path is not None:
            if method != recipe.request.method or not matches_path(recipe.request.path, path):
                return False
            wanted = recipe.request.password_field
            return wanted in (None, name) or (wanted is not None and name == f"/{wanted}")
        if method not in ("POST", "PUT"):
            return False
        if not self._names_password(name):
            return False
        if self._signs_in_at(path):
            return True
        return _OTHER_PURPOSE.search(words.identifier(path)) is None and any(
            one.value == login or (self.names_user(one.field) and one.value) for one in places if one is not place
        )

    def may_be_sealed_in(self, path: str, method: str, place: Place, places: Sequence[Place]) -> bool:
        """Whether this place of a sign-in may hold user name and password together: no field is named for either."""
        if method not in ("POST", "PUT") or not self._signs_in_at(path) or _STATE.search(words.identifier(place.field)):
            return False
        return not any(self.names_user(one.field) or self._names_password(one.field) for one in places)

    def _signs_in_at(self, path: str) -> bool:
        return path == self.target_path or _LOGIN_PATH.search(path) is not None

    def _names_password(self, name: str) -> bool:
        return _last(name) == self.password_field or words.names_password(name)

    def names_user(self, name: str) -> bool:
        """Whether a field holds the user name: the page's own, or one that is named for it."""
        last = words.identifier(_last(name))
        return _last(name) == self.username_field or words.names_username(last)


@dataclass(frozen=True)
class Undecided:
    """A sign-in whose answer told nothing. `leads_back`: it sent the browser to the login page's own address."""

    item_id: str
    login_url: str
    leads_back: bool


_COLUMNS = tuple(name for name in Fill.__dataclass_fields__ if name not in ("is_used", "is_expired"))


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1]


class Fills:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def create(
        self,
        connection: AsyncConnection,
        gateway_session_id: str,
        plan: FillPlan,
        login_url: str,
        *,
        item_id: str | None,
        variables: Mapping[str, str],
    ) -> Fill:
        fill = Fill(
            id=new_id(),
            item_id=item_id,
            dummy=new_dummy() if item_id is not None else "",
            target_path=urlsplit(plan.action).path or "/" if plan.form is not None and plan.method == "POST" else None,
            username_field=(plan.username.name or plan.username.id) or None if plan.username is not None else None,
            password_field=(plan.password.name or plan.password.id) or None if plan.password is not None else None,
            charset=plan.charset,
            login_url=login_url,
            variables=dict(variables),
        )
        await connection.execute(
            insert(fill_table).values(
                **{name: getattr(fill, name) for name in _COLUMNS},
                gateway_session_id=gateway_session_id,
                expires_at=self._clock.now() + LIFETIME,
            )
        )
        return fill

    async def known(self, connection: AsyncConnection, gateway_session_id: str) -> list[Fill]:
        """The session's fills, newest first; spent ones too."""
        query = select(fill_table).where(fill_table.c.gateway_session_id == gateway_session_id)
        rows = await connection.execute(query.order_by(fill_table.c.id.desc()).limit(_MOST_KNOWN))
        return [self._fill(row) for row in rows]

    async def consume(self, connection: AsyncConnection, fill: Fill) -> bool:
        """True for exactly one request, and for one more each time that it was made good again."""
        now = self._clock.now()
        consumed = await connection.execute(
            update(fill_table)
            .where(
                fill_table.c.id == fill.id,
                or_(fill_table.c.used_at.is_(None), fill_table.c.reusable_until > now),
                fill_table.c.expires_at > now,
            )
            .values(used_at=now, reusable_until=None)
        )
        return consumed.rowcount == 1

    async def make_good_again(self, connection: AsyncConnection, fill: Fill) -> None:
        """After an answer that refused nothing, or a redirect that repeats the request (307, 308): a moment more, and
        never longer than that after the first of such answers."""
        until = self._clock.now() + REUSABLE
        await connection.execute(
            update(fill_table)
            .where(fill_table.c.id == fill.id)
            .values(
                reusable_until=until,
                expires_at=case((fill_table.c.expires_at > until, until), else_=fill_table.c.expires_at),
            )
        )

    async def leave_undecided(self, connection: AsyncConnection, fill: Fill, *, leads_back: bool) -> None:
        """`leads_back`: a redirect leads to the login page's own address, so the page there is the answer."""
        awaited = "back" if leads_back else "page"
        await connection.execute(update(fill_table).where(fill_table.c.id == fill.id).values(undecided=awaited))

    async def has_undecided(self, connection: AsyncConnection, gateway_session_id: str) -> bool:
        query = select(fill_table.c.id).where(
            fill_table.c.gateway_session_id == gateway_session_id, fill_table.c.undecided.is_not(None)
        )
        return (await connection.execute(query.limit(1))).first() is not None

    async def take_undecided(self, connection: AsyncConnection, gateway_session_id: str) -> list[Undecided]:
        """The sign-ins that the page which comes now tells about, each once."""
        waiting = (
            fill_table.c.gateway_session_id == gateway_session_id,
            fill_table.c.undecided.is_not(None),
            fill_table.c.used_at > self._clock.now() - _FOLLOWED,
        )
        query = select(fill_table.c.id, fill_table.c.item_id, fill_table.c.login_url, fill_table.c.undecided)
        found = (await connection.execute(query.where(*waiting).with_for_update())).all()
        await connection.execute(
            update(fill_table).where(fill_table.c.id.in_([row.id for row in found])).values(undecided=None)
        )
        return [Undecided(row.item_id, row.login_url, row.undecided == "back") for row in found]

    def _fill(self, row: Row[Any]) -> Fill:
        values = {name: getattr(row, name) for name in _COLUMNS}
        now = self._clock.now()
        is_good = row.reusable_until is not None and row.reusable_until > now
        return Fill(**values, is_used=row.used_at is not None and not is_good, is_expired=row.expires_at <= now)

    async def learn(self, connection: AsyncConnection, fill: Fill, variables: Mapping[str, str]) -> None:
        """More values for the recipe's transform, from a later answer of the system."""
        together = {**fill.variables, **variables}
        await connection.execute(update(fill_table).where(fill_table.c.id == fill.id).values(variables=together))


def new_dummy() -> str:
    return DUMMY_PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_DUMMY_RANDOM))
