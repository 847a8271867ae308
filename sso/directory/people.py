"""A person as rows keep them, and read: one row of their own, one for each post, checked together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Boolean, Column, ColumnElement, FromClause, Row, Select, String, Table, select

from core.database import Bytes, Json, Part, UtcDateTime, metadata
from core.integrity import Anchor, anchor_column, mac_column, signed
from sso.directory.organisations import ids_of_path, organisation_table
from sso.directory.posts import Post, post_of_row, post_table
from sso.directory.roles import Role, has_administrator
from vault.rows import SignedRows, columns_of


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
    short_number: str | None = None
    locale: str | None = None
    must_change_password: bool = False
    totp_required: bool = False
    updated_at: datetime | None = None

    @property
    def is_active(self) -> bool:
        return self.status == "active"

    @property
    def is_administrator(self) -> bool:
        return has_administrator(self.roles)


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
    Column("short_number", String(8)),
    Column("locale", String(16)),
    Column("masked_mobile", String(32)),
    Column("sealed_mobile", Bytes),
    Column("sealed_second_mobile", Bytes),
    Column("sealed_id_card", Bytes),
    Column("index_mobile", Bytes, index=True),
    Column("index_second_mobile", Bytes, index=True),
    Column("index_id_card", Bytes, index=True),
    Column("must_change_password", Boolean, nullable=False),
    Column("totp_required", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    # Of all rows of `sso_post` that are this person's.
    Column("posts_digest", Bytes),
    anchor_column(),
    mac_column(),
    info=signed(
        left_out={"locale": "harmless, because it chooses the language of pages and of nothing else"},
        anchor=Anchor("user:", ("directory.user",)),
    ),
)

# All columns, also those that no User shows: the check of a row needs them.
_PERSON = columns_of(user_table)
_POST = columns_of(post_table, "post_")
_ORGANISATION = columns_of(organisation_table, "organisation_")
PERSON_COLUMNS = len(_PERSON) + len(_POST) + len(_ORGANISATION)
POST_ORDER = (post_table.c.main.desc(), post_table.c.id)


def people(source: FromClause = user_table, *columns: ColumnElement[Any]) -> Select[Any]:
    """People with their posts in one round trip, a row a post. `source` has `user_table` in it."""
    return select(*columns, *_PERSON, *_POST, *_ORGANISATION).select_from(
        source.outerjoin(post_table, post_table.c.user_id == user_table.c.id).outerjoin(
            organisation_table, organisation_table.c.id == post_table.c.organisation_id
        )
    )


def user_of_parts(signed: SignedRows, parts: Sequence[Part], today: date) -> User:
    """As `user_of_rows`, of the last `PERSON_COLUMNS` of each row, without reading again what stands as it did."""
    raw = (today, [part.raw for part in parts])
    person = parts[0].raw[0]
    return signed.once(("person", person), raw, lambda: user_of_rows(signed, [part.row() for part in parts], today))


def user_of_rows(signed: SignedRows, rows: Sequence[Row[Any]], today: date) -> User:
    """One person of their rows of `people`, with the posts held today.

    Raises ERR-ROW_TAMPERED when the person, a post or its organisation is not as Yimen wrote it last.
    """
    row = rows[0]
    posts = [row for row in rows if row.post_id is not None]
    signed.require(user_table, row)
    signed.require_enclosed(post_table, posts, row.posts_digest, row.id, "post_")
    for one in posts:
        if one.organisation_id is not None:
            signed.require(organisation_table, one, "organisation_")
    held: list[tuple[Post, frozenset[str]]] = []
    for one in posts:
        post = post_of_row(one, "post_", one.organisation_name or "")
        if one.organisation_id is not None and post.is_held_on(today):
            held.append((post, ids_of_path(one.organisation_path)))
    return User(
        id=row.id,
        username=row.username,
        name=row.name,
        status=row.status,
        roles=frozenset(Role(role) for role in row.roles),
        posts=tuple(post for post, _ in held),
        organisations=frozenset().union(*(above for _, above in held)),
        email=row.email,
        masked_mobile=row.masked_mobile,
        employee_number=row.employee_number,
        title=row.title,
        short_number=row.short_number,
        locale=row.locale,
        must_change_password=row.must_change_password,
        totp_required=row.totp_required,
        updated_at=row.updated_at,
    )
