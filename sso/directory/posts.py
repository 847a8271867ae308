"""Posts: who holds which one in which organisation, and from when until when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Boolean, Column, Index, Integer, Row, String, Table, delete, insert, select

from core.database import Connection, Day, metadata
from core.identifiers import new_id
from core.integrity import enclosed
from sso.directory.organisations import organisation_table
from sso.errors import SsoError

_MAX_TITLE = 50

post_table = Table(
    "sso_post",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("user_id", String(26), nullable=False),
    Column("organisation_id", String(64), nullable=False),
    Column("title", String(_MAX_TITLE), nullable=False),
    Column("main", Boolean, nullable=False),
    Column("since", Day),
    Column("until", Day),
    # Where the person stands among those of the organisation.
    Column("order", Integer, nullable=False, server_default="0"),
    Index("ix_sso_post_user", "user_id"),
    Index("ix_sso_post_organisation", "organisation_id"),
    info=enclosed(by="sso_user.posts_digest", key="user_id"),
)


@dataclass(frozen=True)
class Post:
    """A post somebody holds; one person may hold several, one of them the main one."""

    organisation_id: str
    title: str = ""
    main: bool = False
    since: date | None = None
    until: date | None = None
    order: int = 0
    organisation_name: str = ""

    def is_held_on(self, day: date) -> bool:
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)


async def require_sound_posts(connection: Connection, posts: Sequence[Post]) -> None:
    """Raises ERR-POST for a post that nobody can hold."""
    if sum(post.main for post in posts) > 1:
        raise SsoError("ERR-POST", "a person has one main post")
    for post in posts:
        if len(post.title) > _MAX_TITLE:
            raise SsoError("ERR-POST", f"{post.organisation_id}: a title has at most {_MAX_TITLE} characters")
        if post.since is not None and post.until is not None and post.until < post.since:
            raise SsoError("ERR-POST", f"{post.organisation_id}: the post ends before it begins")
    wanted = {post.organisation_id for post in posts}
    query = select(organisation_table.c.id).where(organisation_table.c.id.in_(wanted))
    missing = wanted - set((await connection.scalars(query)).all()) if wanted else ()
    if missing:
        raise SsoError("ERR-POST", f"there is no organisation {min(missing)}")


def post_of_row(row: Row[Any], prefix: str = "", organisation_name: str = "") -> Post:
    """The post of a row whose columns have that prefix."""
    columns = row._mapping
    return Post(
        columns[f"{prefix}organisation_id"],
        columns[f"{prefix}title"],
        columns[f"{prefix}main"],
        columns[f"{prefix}since"],
        columns[f"{prefix}until"],
        columns[f"{prefix}order"],
        organisation_name,
    )


def rows_of(user_id: str, posts: Sequence[Post]) -> list[dict[str, Any]]:
    """The rows of a person's posts, new ones."""
    return [
        {
            "id": new_id(),
            "user_id": user_id,
            "organisation_id": post.organisation_id,
            "title": post.title,
            "main": post.main,
            "since": post.since,
            "until": post.until,
            "order": post.order,
        }
        for post in posts
    ]


async def replace_posts(connection: Connection, user_id: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """The person's signed row must keep the digest of exactly these."""
    await connection.execute(delete(post_table).where(post_table.c.user_id == user_id))
    if rows:
        await connection.execute(insert(post_table), list(rows))
