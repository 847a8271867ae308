"""People: their names, posts, roles and status. Sensitive personal data is sealed, and found by a blind index."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Boolean, Column, Date, Index, LargeBinary, Row, String, Table, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock
from core.database import Json, UtcDateTime, metadata
from core.identifiers import new_id
from sso.directory.organisations import organisation_table, with_ancestors
from sso.directory.roles import ADMINISTRATORS, Role, require_compatible
from sso.errors import SsoError
from sso.names import fold_username, require_username
from vault.ledger import Event, Ledger
from vault.masking import mask
from vault.sealing import Binding, Sealer

# What is kept sealed: collected only where given, shown masked, never in a token (PIPL art. 28-30).
SEALED_FIELDS = ("mobile", "id_card")


@dataclass(frozen=True)
class Post:
    """A post somebody holds; one person may hold several."""

    organisation_id: str
    title: str = ""
    main: bool = False
    since: date | None = None
    until: date | None = None
    organisation_name: str = ""

    def is_held_on(self, day: date) -> bool:
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)


@dataclass(frozen=True)
class User:
    """A person as every other part sees them. `posts` are those held today; `organisations` theirs and all above."""

    id: str
    username: str
    name: str
    status: str
    roles: frozenset[Role]
    posts: tuple[Post, ...] = ()
    organisations: frozenset[str] = frozenset()
    email: str | None = None
    masked_mobile: str | None = None
    employee_number: str | None = None
    title: str | None = None
    locale: str | None = None
    must_change_password: bool = False
    totp_required: bool = False
    updated_at: datetime | None = None

    @property
    def is_active(self) -> bool:
        return self.status == "active"

    @property
    def is_administrator(self) -> bool:
        return bool(self.roles & ADMINISTRATORS)


@dataclass(frozen=True)
class UserRegistration:
    """What an upsert says about a person. None leaves a sealed field as it is."""

    username: str
    name: str
    roles: Sequence[str] = ("cadre",)
    posts: tuple[Post, ...] = ()
    email: str | None = None
    mobile: str | None = field(default=None, repr=False)
    id_card: str | None = field(default=None, repr=False)
    employee_number: str | None = None
    title: str | None = None
    status: str = "active"
    must_change_password: bool | None = None


user_table = Table(
    "sso_user",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("username", String(64), nullable=False, unique=True),
    Column("name", String(50), nullable=False),
    Column("status", String(16), nullable=False),
    Column("roles", Json, nullable=False),
    Column("email", String(254)),
    Column("employee_number", String(64), index=True),
    Column("title", String(50)),
    Column("locale", String(16)),
    Column("masked_mobile", String(32)),
    Column("sealed_mobile", LargeBinary),
    Column("sealed_id_card", LargeBinary),
    Column("index_mobile", LargeBinary, index=True),
    Column("index_id_card", LargeBinary, index=True),
    Column("must_change_password", Boolean, nullable=False),
    Column("totp_required", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

post_table = Table(
    "sso_post",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("user_id", String(26), nullable=False),
    Column("organisation_id", String(64), nullable=False),
    Column("title", String(50), nullable=False),
    Column("main", Boolean, nullable=False),
    Column("since", Date),
    Column("until", Date),
    Index("ix_sso_post_user", "user_id"),
    Index("ix_sso_post_organisation", "organisation_id"),
)


class Users:
    def __init__(self, clock: Clock, ledger: Ledger, sealer: Sealer) -> None:
        self._clock = clock
        self._ledger = ledger
        self._sealer = sealer

    async def find(self, connection: AsyncConnection, user_id: str) -> User | None:
        return await self._one(connection, user_table.c.id == user_id)

    async def find_by_username(self, connection: AsyncConnection, username: str) -> User | None:
        return await self._one(connection, user_table.c.username == fold_username(username))

    async def search(
        self, connection: AsyncConnection, *, text: str = "", after: str = "", limit: int = 50
    ) -> list[User]:
        """People by username, a page at a time; `text` is a part of the name or user name."""
        query = select(user_table).where(user_table.c.username > after)
        if text:
            wanted = fold_username(text)
            query = query.where(
                user_table.c.username.contains(wanted, autoescape=True)
                | user_table.c.name.contains(text, autoescape=True)
            )
        rows = (await connection.execute(query.order_by(user_table.c.username).limit(limit))).all()
        return [await self._complete(connection, row) for row in rows]

    async def upsert(
        self, connection: AsyncConnection, registration: UserRegistration, *, actor: str
    ) -> tuple[str, tuple[str, ...]]:
        """Creates or changes the person of that user name; gives the id and the names of changed fields."""
        username = require_username(registration.username)
        roles = require_compatible(registration.roles)
        await self._check_posts(connection, registration)
        known = await self._row(connection, user_table.c.username == username)
        user_id = known.id if known is not None else new_id()
        values: dict[str, Any] = {
            "name": registration.name,
            "status": registration.status,
            "roles": sorted(roles),
            "email": registration.email,
            "employee_number": registration.employee_number,
            "title": registration.title,
        }
        if registration.must_change_password is not None:
            values["must_change_password"] = registration.must_change_password
        values.update(await self._sealed(connection, user_id, registration, known))
        if known is None:
            changed: tuple[str, ...] = ("created",)
            defaults = {"must_change_password": False, "totp_required": bool(roles & ADMINISTRATORS)}
            now = self._clock.now()
            await connection.execute(
                insert(user_table).values(
                    id=user_id, username=username, created_at=now, updated_at=now, **{**defaults, **values}
                )
            )
            await self._write_posts(connection, user_id, registration.posts)
        else:
            changed = tuple(
                name.removeprefix("sealed_")
                for name, value in values.items()
                if value != getattr(known, name) and not name.startswith(("index_", "masked_"))
            )
            if set(await self._posts(connection, user_id)) != set(registration.posts):
                changed = (*changed, "posts")
                await self._write_posts(connection, user_id, registration.posts)
            if not changed:
                return user_id, ()
            await connection.execute(
                update(user_table).where(user_table.c.id == user_id).values(**values, updated_at=self._clock.now())
            )
        await self._record(connection, user_id, changed, actor)
        return user_id, changed

    async def set_status(self, connection: AsyncConnection, user_id: str, status: str, *, actor: str) -> None:
        """`active` or `disabled`. Disabled is disabled at once: every read of a session asks (DESIGN §4.4)."""
        await connection.execute(
            update(user_table).where(user_table.c.id == user_id).values(status=status, updated_at=self._clock.now())
        )
        await self._record(connection, user_id, ("status",), actor, status=status)

    async def set_flags(self, connection: AsyncConnection, user_id: str, **flags: bool) -> None:
        """`must_change_password` and `totp_required`."""
        await connection.execute(update(user_table).where(user_table.c.id == user_id).values(**flags))

    async def set_locale(self, connection: AsyncConnection, user_id: str, locale: str) -> None:
        await connection.execute(update(user_table).where(user_table.c.id == user_id).values(locale=locale))

    async def _record(
        self, connection: AsyncConnection, user_id: str, changed: tuple[str, ...], actor: str, **detail: str
    ) -> None:
        await self._ledger.record(
            connection,
            Event(
                action="directory.user",
                result="success",
                actor=actor,
                subject=f"user:{user_id}",
                detail={"changed": ",".join(changed), **detail},
            ),
        )

    async def _sealed(
        self, connection: AsyncConnection, user_id: str, registration: UserRegistration, known: Row[Any] | None
    ) -> dict[str, Any]:
        """Columns of the sealed fields that differ from what is kept; the blind index tells without opening."""
        values: dict[str, Any] = {}
        for name in SEALED_FIELDS:
            value = getattr(registration, name)
            if value is None:
                continue
            index = self._sealer.mac(f"index/{name}", value.encode())
            if known is not None and getattr(known, f"index_{name}") == index:
                continue
            binding = Binding("sso:people", "directory", user_id, 1, f"{name}/1")
            values[f"sealed_{name}"] = await self._sealer.seal(connection, binding, value.encode())
            values[f"index_{name}"] = index
            if name == "mobile":
                values["masked_mobile"] = mask(value)
        return values

    async def _check_posts(self, connection: AsyncConnection, registration: UserRegistration) -> None:
        wanted = {post.organisation_id for post in registration.posts}
        if not wanted:
            return
        query = select(organisation_table.c.id).where(organisation_table.c.id.in_(wanted))
        missing = wanted - set((await connection.scalars(query)).all())
        if missing:
            raise SsoError("ERR-POST", f"{registration.username}: there is no organisation {min(missing)}")

    async def _write_posts(self, connection: AsyncConnection, user_id: str, posts: Sequence[Post]) -> None:
        await connection.execute(delete(post_table).where(post_table.c.user_id == user_id))
        if posts:
            rows = [
                {
                    "id": new_id(),
                    "user_id": user_id,
                    "organisation_id": post.organisation_id,
                    "title": post.title,
                    "main": post.main,
                    "since": post.since,
                    "until": post.until,
                }
                for post in posts
            ]
            await connection.execute(insert(post_table), rows)

    async def _posts(self, connection: AsyncConnection, user_id: str) -> list[Post]:
        query = select(post_table).where(post_table.c.user_id == user_id).order_by(post_table.c.id)
        return [
            Post(row.organisation_id, row.title, row.main, row.since, row.until)
            for row in await connection.execute(query)
        ]

    async def _row(self, connection: AsyncConnection, condition: Any) -> Row[Any] | None:
        return (await connection.execute(select(user_table).where(condition))).one_or_none()

    async def _one(self, connection: AsyncConnection, condition: Any) -> User | None:
        row = await self._row(connection, condition)
        return None if row is None else await self._complete(connection, row)

    async def _complete(self, connection: AsyncConnection, row: Row[Any]) -> User:
        return await user_of_row(connection, row, self._clock.now().date())


async def user_of_row(connection: AsyncConnection, row: Row[Any], today: date) -> User:
    """The User of a row of `user_table`, with the posts held today."""
    query = (
        select(post_table, organisation_table.c.name)
        .join_from(post_table, organisation_table, post_table.c.organisation_id == organisation_table.c.id)
        .where(post_table.c.user_id == row.id)
        .order_by(post_table.c.main.desc(), post_table.c.id)
    )
    every = [
        Post(post.organisation_id, post.title, post.main, post.since, post.until, post.name)
        for post in await connection.execute(query)
    ]
    posts = tuple(post for post in every if post.is_held_on(today))
    above = await with_ancestors(connection, [post.organisation_id for post in posts]) if posts else frozenset()
    return User(
        id=row.id,
        username=row.username,
        name=row.name,
        status=row.status,
        roles=frozenset(Role(role) for role in row.roles),
        posts=posts,
        organisations=above,
        email=row.email,
        masked_mobile=row.masked_mobile,
        employee_number=row.employee_number,
        title=row.title,
        locale=row.locale,
        must_change_password=row.must_change_password,
        totp_required=row.totp_required,
        updated_at=row.updated_at,
    )
