"""Fills: what the gateway has put into a login page, and so what it will recognise in the request that page sends.

A fill's dummy is no secret: it means something only in its own gateway session, for one request, for ten minutes. A
fill that is spent - used, or too old - is still known, so that its dummy never reaches a legacy server as a wrong
password. A fill without an Item holds no dummy: it says where a person types their own password, so that it can be
kept for them.
"""

import re
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Column, Row, String, Table, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.legacy import words
from connectors.legacy.fill_plan import FillPlan
from connectors.legacy.globs import matches_path
from connectors.legacy.recipe import Recipe
from core.clock import Clock
from core.database import Json, UtcDateTime, metadata
from core.identifiers import new_id

LIFETIME = timedelta(minutes=10)
# A page may stand open for a working day; no gateway session lasts longer (its sign-in does not).
REMEMBERED = timedelta(hours=24)
# Login pages that one session may have open at once, and come back from.
_MOST_KNOWN = 30
_ALPHABET = string.ascii_letters + string.digits
# Short enough for the length limits of old pages, of every kind of character that rules commonly ask for.
_DUMMY_RANDOM = 13
DUMMY_PREFIX = "Ym7"
_LOGIN_PATH = re.compile(
    r"log[-_]?[io]n|sign[-_]?in|denglu|passport|\b(sso|cas|dl)\b|\bo?auth(2|enticate|orize)?\b", re.IGNORECASE
)

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

    def allows(self, recipe: Recipe | None, path: str, method: str, name: str) -> bool:
        """Whether the password may go to `path` in the field `name` (a form field or a JSON pointer).

        A recipe that names the request is taken at its word. Else it is the page's own form; and as scripts often
        send a form elsewhere, also an address that speaks of signing in, in a field that speaks of a password.
        """
        if recipe is not None and recipe.request.path is not None:
            if method != recipe.request.method or not matches_path(recipe.request.path, path):
                return False
            wanted = recipe.request.password_field
            return wanted in (None, name) or (wanted is not None and name == f"/{wanted}")
        if method not in ("POST", "PUT"):
            return False
        last = name.rsplit("/", 1)[-1]
        right_field = last == self.password_field or _speaks_of_a_password(last)
        right_path = path == self.target_path or _LOGIN_PATH.search(path) is not None
        return right_field and right_path


_COLUMNS = tuple(name for name in Fill.__dataclass_fields__ if name not in ("is_used", "is_expired"))


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
            username_field=plan.username.name or None if plan.username is not None else None,
            password_field=plan.password.name or None if plan.password is not None else None,
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
        """True for exactly one request."""
        consumed = await connection.execute(
            update(fill_table)
            .where(
                fill_table.c.id == fill.id,
                fill_table.c.used_at.is_(None),
                fill_table.c.expires_at > self._clock.now(),
            )
            .values(used_at=self._clock.now())
        )
        return consumed.rowcount == 1

    def _fill(self, row: Row[Any]) -> Fill:
        values = {name: getattr(row, name) for name in _COLUMNS}
        return Fill(**values, is_used=row.used_at is not None, is_expired=row.expires_at <= self._clock.now())

    async def learn(self, connection: AsyncConnection, fill: Fill, variables: Mapping[str, str]) -> None:
        """More values for the recipe's transform, from a later answer of the system."""
        together = {**fill.variables, **variables}
        await connection.execute(update(fill_table).where(fill_table.c.id == fill.id).values(variables=together))


def new_dummy() -> str:
    return DUMMY_PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_DUMMY_RANDOM))


def _speaks_of_a_password(name: str) -> bool:
    return words.IDENTIFIERS["password"].search(words.identifier(name)) is not None
