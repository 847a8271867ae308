"""Posts: who holds which one in which organisation, and from when until when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Boolean, Column, Date, Index, Integer, String, Table, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import metadata
from core.identifiers import new_id
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
    Column("since", Date),
    Column("until", Date),
    # Where the person stands among those of the organisation.
    Column("order", Integer, nullable=False, server_default="0"),
    Index("ix_sso_post_user", "user_id"),
    Index("ix_sso_post_organisation", "organisation_id"),
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


async def require_sound_posts(connection: AsyncConnection, posts: Sequence[Post]) -> None:
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


async def posts_of(connection: AsyncConnection, user_id: str) -> list[Post]:
    """Every post of a person, also past and coming ones."""
    query = select(post_table).where(post_table.c.user_id == user_id).order_by(post_table.c.id)
    return [
        Post(row.organisation_id, row.title, row.main, row.since, row.until, row.order)
        for row in await connection.execute(query)
    ]


async def replace_posts(connection: AsyncConnection, user_id: str, posts: Sequence[Post]) -> None:
    await connection.execute(delete(post_table).where(post_table.c.user_id == user_id))
    rows = [
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
    if rows:
        await connection.execute(insert(post_table), rows)
