"""Fills: what the gateway has put into a login page, and so what it will recognise in the request that page sends.

A fill's dummy is no secret: it means something only in its own visit, for one sign-in, for ten minutes. A fill that is
spent - used, or too old - is still known, so that its dummy never reaches a legacy server as a wrong password. A fill
without an Item holds no dummy: it says where a person types their own password, so that it can be kept for them.
"""

import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Boolean, Column, Row, String, Table, case, or_, select, update

from connectors.legacy.filling.plan import FillPlan
from connectors.login_requests import LoginRequest
from connectors.login_requests.presets import Presets
from core.clock import Clock
from core.database import Connection, Json, UtcDateTime, metadata
from core.expiry import forgotten
from core.identifiers import new_id
from core.integrity import mac_column, signed
from vault.rows import SignedRows

LIFETIME = timedelta(minutes=10)
# A page may stand open for a working day; no gateway session lasts longer (its sign-in does not).
REMEMBERED = timedelta(hours=24)
# Login pages that one visit may have open at once, and come back from.
_MOST_KNOWN = 30
# Requests that one sign-in may be made of.
_MOST_LESSONS = 3
_ALPHABET = string.ascii_letters + string.digits
# Short enough for the length limits of old pages, of every kind of character that rules commonly ask for.
_DUMMY_RANDOM = 9
DUMMY_PREFIX = "Ym7"
# A page that has its sign-in checked first, and then sends it, does so at once.
REUSABLE = timedelta(seconds=15)
# How soon the browser has followed a redirect to the page that tells how the sign-in went.
_FOLLOWED = timedelta(seconds=60)

fill_table = Table(
    "connectors_fill",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("visit_id", String(26), nullable=False, index=True),
    Column("item_id", String(26)),
    Column("dummy", String(32), nullable=False),
    Column("asks_username", Boolean, nullable=False),
    # Names and ids of the fields in the page.
    Column("username_names", Json, nullable=False),
    Column("password_names", Json, nullable=False),
    Column("charset", String(40), nullable=False),
    Column("login_url", String(2000), nullable=False),
    Column("variables", Json, nullable=False),
    # The page was given in a supervised sign-in, so what it sends may be learned.
    Column("supervised", Boolean, nullable=False),
    # What its form presets beside the password (login_requests/presets.py).
    Column("presets", Json, nullable=False),
    # What it would teach, once the sign-in is seen to succeed; and the known login request that it used.
    Column("taught", Json, nullable=False),
    Column("known_id", String(26)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("used_at", UtcDateTime),
    Column("reusable_until", UtcDateTime),
    # The answer did not tell how the sign-in went: the page that comes next does.
    Column("undecided", String(8)),
    mac_column(),
    info=forgotten("expires_at", kept=REMEMBERED)
    | signed(
        left_out={
            "used_at": "setting it takes the dummy's use away; clearing it gives one more sign-in by the same request",
            "reusable_until": "it gives one more sign-in by the same request",
            "undecided": "it makes the next page decide how a sign-in went, which it decides for its own account alone",
            "variables": "values that the page tells anyway: they decide how the dummy is recognised, not where",
            "expires_at": "it gives the dummy more time, for the same request",
        }
    ),
)


@dataclass(frozen=True)
class Fill:
    id: str
    item_id: str | None
    dummy: str
    asks_username: bool
    username_names: tuple[str, ...]
    password_names: tuple[str, ...]
    charset: str
    login_url: str
    variables: Mapping[str, str] = field(repr=False)
    supervised: bool
    presets: Presets
    taught: tuple[LoginRequest, ...]
    known_id: str | None
    created_at: datetime
    is_used: bool = False
    is_good_again: bool = False
    is_expired: bool = False

    @property
    def is_spent(self) -> bool:
        return self.is_expired or (self.is_used and not self.is_good_again)


@dataclass(frozen=True)
class Undecided:
    """A sign-in about which the next page may tell more. `awaits` says what its answer was: nothing that tells
    (`page`), a redirect to the login page's own address (`back`), or a redirect that leads away from it, and so a
    success unless the page there is the login form again with an error (`led`)."""

    fill: Fill
    awaits: "Awaits"


Awaits = Literal["page", "back", "led"]


class Fills:
    def __init__(self, clock: Clock, rows: SignedRows) -> None:
        self._clock = clock
        self._rows = rows

    async def create(
        self,
        connection: Connection,
        visit_id: str,
        plan: FillPlan,
        login_url: str,
        *,
        item_id: str | None,
        variables: Mapping[str, str],
        supervised: bool,
    ) -> Fill:
        now, fill_id = self._clock.now(), new_id()
        await self._rows.insert(
            connection,
            fill_table,
            id=fill_id,
            visit_id=visit_id,
            item_id=item_id,
            dummy=new_dummy() if item_id is not None else "",
            asks_username=plan.username is not None,
            username_names=_names(plan.username),
            password_names=_names(plan.password),
            charset=plan.charset,
            login_url=login_url,
            variables=dict(variables),
            supervised=supervised,
            presets=Presets.of(plan).model_dump(mode="json"),
            taught=[],
            known_id=None,
            created_at=now,
            expires_at=now + LIFETIME,
            used_at=None,
            reusable_until=None,
            undecided=None,
        )
        return await self.find(connection, fill_id)

    async def known(self, connection: Connection, visit_id: str) -> list[Fill]:
        """The visit's fills, newest first; spent ones too."""
        query = select(fill_table).where(fill_table.c.visit_id == visit_id)
        rows = await connection.execute(query.order_by(fill_table.c.id.desc()).limit(_MOST_KNOWN))
        return [self._fill(row) for row in rows]

    async def consume(
        self, connection: Connection, fill: Fill, *, known_id: str | None, taught: LoginRequest | None
    ) -> bool:
        """True for exactly one request, and for one more each time that it was made good again."""
        now = self._clock.now()
        consumed = await self._rows.change(
            connection,
            fill_table,
            {"id": fill.id},
            or_(fill_table.c.used_at.is_(None), fill_table.c.reusable_until > now),
            fill_table.c.expires_at > now,
            used_at=now,
            reusable_until=None,
            known_id=known_id,
            taught=_lessons(fill, taught),
        )
        return consumed is not None

    async def teach(self, connection: Connection, fill: Fill, request: LoginRequest) -> None:
        """The system itself has sent the sign-in on to this request."""
        await self._rows.change(connection, fill_table, {"id": fill.id}, taught=_lessons(fill, request))

    async def make_good_again(self, connection: Connection, fill: Fill) -> None:
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

    async def find(self, connection: Connection, fill_id: str) -> Fill:
        return self._fill((await connection.execute(select(fill_table).where(fill_table.c.id == fill_id))).one())

    async def leave_undecided(self, connection: Connection, fill: Fill, awaits: Awaits) -> None:
        await connection.execute(update(fill_table).where(fill_table.c.id == fill.id).values(undecided=awaits))

    async def has_undecided(self, connection: Connection, visit_id: str) -> bool:
        query = select(fill_table.c.id).where(fill_table.c.visit_id == visit_id, fill_table.c.undecided.is_not(None))
        return (await connection.execute(query.limit(1))).first() is not None

    async def take_undecided(self, connection: Connection, visit_id: str, kinds: Sequence[Awaits]) -> list[Undecided]:
        """The sign-ins of these kinds that the page which comes now tells about, each once."""
        waiting = (
            fill_table.c.visit_id == visit_id,
            fill_table.c.undecided.in_(kinds),
            fill_table.c.used_at > self._clock.now() - _FOLLOWED,
        )
        found = (await connection.execute(select(fill_table).where(*waiting).with_for_update())).all()
        await connection.execute(
            update(fill_table).where(fill_table.c.id.in_([row.id for row in found])).values(undecided=None)
        )
        return [Undecided(self._fill(row), row.undecided) for row in found]

    async def add_variables(self, connection: Connection, fill: Fill, variables: Mapping[str, str]) -> None:
        """More values for the page's transform, from a later answer of the system."""
        together = {**fill.variables, **variables}
        await connection.execute(update(fill_table).where(fill_table.c.id == fill.id).values(variables=together))

    def _fill(self, row: Row[Any]) -> Fill:
        """Raises ERR-ROW_TAMPERED for a row that Yimen did not write."""
        self._rows.require(fill_table, row)
        now = self._clock.now()
        return Fill(
            id=row.id,
            item_id=row.item_id,
            dummy=row.dummy,
            asks_username=row.asks_username,
            username_names=tuple(row.username_names),
            password_names=tuple(row.password_names),
            charset=row.charset,
            login_url=row.login_url,
            variables=row.variables,
            supervised=row.supervised,
            presets=Presets.model_validate(row.presets),
            taught=tuple(map(LoginRequest.model_validate, row.taught)),
            known_id=row.known_id,
            created_at=row.created_at,
            is_used=row.used_at is not None,
            is_good_again=row.reusable_until is not None and row.reusable_until > now,
            is_expired=row.expires_at <= now,
        )


def _lessons(fill: Fill, more: LoginRequest | None) -> list[dict[str, Any]]:
    lessons = (*fill.taught, *((more,) if more is not None and more not in fill.taught else ()))
    return [one.model_dump(mode="json") for one in lessons[-_MOST_LESSONS:]]


def new_dummy() -> str:
    return DUMMY_PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_DUMMY_RANDOM))


def _names(target: object) -> Sequence[str]:
    """The names by which a page may send a field: its name and its id."""
    return [one for one in (getattr(target, "name", ""), getattr(target, "id", "")) if one]
