"""People: their names, posts, roles and status. Sensitive personal data is sealed, and found by a blind index."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    String,
    bindparam,
    cast,
    or_,
    select,
    update,
)

from core.clock import Clock
from core.database import Connection, Prepared
from core.identifiers import new_id
from core.local_time import LocalTime
from sso.authentication.endings import end_sessions
from sso.directory.people import POST_ORDER, User, people, user_of_rows, user_table
from sso.directory.posts import Post, post_of_row, post_table, replace_posts, require_sound_posts, rows_of
from sso.directory.registration import (
    STATUSES,
    UserRegistration,
    canonical_id_card,
    canonical_mobile,
    checked,
)
from sso.directory.roles import ADMINISTRATORS, Role, has_administrator
from sso.errors import SsoError
from sso.names import fold_username
from vault.errors import VaultError
from vault.keys.sealing import Binding, Sealer
from vault.ledger import Event, Ledger
from vault.masking import mask
from vault.rows import TAMPERED_ROW, SignedRows, read

__all__ = ["Post", "User", "UserRegistration", "Users"]

# What is kept sealed: collected only where given, shown masked, never in a token (PIPL art. 28-30). Of the official
# model, political affiliation is left out: nothing here needs it (art. 6).
SEALED_FIELDS = ("mobile", "second_mobile", "id_card")
# Changes after which a person must sign in again (DESIGN §3.5): the session was given to somebody with other powers.
_ENDS_SESSIONS = frozenset({"roles", "posts"})


_BY = {
    name: Prepared(
        people().where(user_table.c[name] == bindparam("wanted")).order_by(user_table.c.username, *POST_ORDER)
    )
    for name in ("id", "username", "index_id_card")
}


class Users:
    def __init__(self, clock: Clock, local_time: LocalTime, ledger: Ledger, sealer: Sealer, rows: SignedRows) -> None:
        self._clock = clock
        self._local_time = local_time
        self._ledger = ledger
        self._sealer = sealer
        self._rows = rows

    async def find(self, connection: Connection, user_id: str) -> User | None:
        return await self._one(connection, _BY["id"], user_id)

    async def find_by_username(self, connection: Connection, username: str) -> User | None:
        return await self._one(connection, _BY["username"], fold_username(username))

    async def find_by_id_card(self, connection: Connection, number: str) -> User | None:
        """The person of an ID card number, by its blind index: nothing is opened."""
        index = self._index("id_card", canonical_id_card(number))
        return await self._one(connection, _BY["index_id_card"], index)

    async def list_by_mobile(self, connection: Connection, number: str) -> list[User]:
        """The people of a mobile number, their first or second: several, where a village shares one telephone."""
        canonical = canonical_mobile(number)
        held = [user_table.c[f"index_{name}"] == self._index(name, canonical) for name in ("mobile", "second_mobile")]
        return await self._several(connection, people().where(or_(*held)))

    async def search(self, connection: Connection, *, text: str = "", after: str = "", limit: int = 50) -> list[User]:
        """People by username, a page at a time; `text` is a part of the name or user name."""
        page = select(user_table.c.id).where(user_table.c.username > after)
        if text:
            page = page.where(
                user_table.c.username.contains(fold_username(text), autoescape=True)
                | user_table.c.name.contains(text, autoescape=True)
            )
        page = page.order_by(user_table.c.username).limit(limit)
        page_of_people = people().where(user_table.c.id.in_(page.scalar_subquery()))
        return await self._several(connection, page_of_people)

    async def is_empty(self, connection: Connection) -> bool:
        """True where there is no row of a person at all, whoever wrote it."""
        return await connection.scalar(select(user_table.c.id).limit(1)) is None

    async def unheld_administration(self, connection: Connection) -> list[Role]:
        """The administrators' roles that nobody has. It reads every row: for a start or a command."""
        roles = cast(user_table.c.roles, String)
        return [
            role
            for role in sorted(ADMINISTRATORS)
            if await connection.scalar(select(user_table.c.id).where(roles.contains(f'"{role}"')).limit(1)) is None
        ]

    async def upsert(
        self, connection: Connection, registration: UserRegistration, *, actor: str
    ) -> tuple[str, tuple[str, ...]]:
        """Creates or changes the person of that user name; gives the id and the names of changed fields.

        Raises ERR-USERNAME, ERR-USER, ERR-ROLES or ERR-POST.
        """
        registration = checked(registration)
        await require_sound_posts(connection, registration.posts)
        query = read(user_table).where(user_table.c.username == registration.username)
        # Locked: posts and the row that keeps their digest are read as one.
        query = query.with_for_update(of=user_table)
        known = (await connection.execute(query)).one_or_none()
        if known is not None:
            self._rows.require(user_table, known)
        user_id = known.id if known is not None else new_id()
        values = _plain_values(registration) | await self._sealed_values(connection, user_id, registration, known)
        if known is None:
            await self._insert(connection, user_id, registration, values, actor)
            return user_id, ("created",)
        changed = await self._update(connection, known, registration, values, actor)
        if changed:
            await self._end_sessions(connection, user_id, changed, registration.status, actor)
        return user_id, changed

    async def set_status(self, connection: Connection, user_id: str, status: str, *, actor: str) -> None:
        """`active` or `disabled`. Disabled is disabled at once: every session ends with it (DESIGN §4.4)."""
        if status not in STATUSES:
            raise SsoError("ERR-USER", "no such status", parameters={"field": "status"})
        event = _event(user_id, ("status",), actor, status=status)
        differs, now = user_table.c.status != status, self._clock.now()
        if await self._change(connection, user_id, event, differs, status=status, updated_at=now):
            await self._end_sessions(connection, user_id, ("status",), status, actor)

    async def set_flags(self, connection: Connection, user_id: str, *, actor: str = "system", **flags: bool) -> None:
        """`must_change_password` and `totp_required`."""
        differs = or_(*(user_table.c[name] != value for name, value in flags.items()))
        await self._change(connection, user_id, _event(user_id, tuple(flags), actor, **flags), differs, **flags)

    async def set_locale(self, connection: Connection, user_id: str, locale: str) -> None:
        await connection.execute(update(user_table).where(user_table.c.id == user_id).values(locale=locale))

    async def _insert(
        self,
        connection: Connection,
        user_id: str,
        registration: UserRegistration,
        values: dict[str, Any],
        actor: str,
    ) -> None:
        now, posts = self._clock.now(), rows_of(user_id, registration.posts)
        defaults = {"must_change_password": False, "totp_required": has_administrator(registration.roles)}
        await self._rows.insert_told(
            connection,
            user_table,
            _event(user_id, ("created",), actor),
            id=user_id,
            username=registration.username,
            created_at=now,
            updated_at=now,
            posts_digest=self._rows.digest_of_new(post_table, posts),
            **(defaults | values),
        )
        await replace_posts(connection, user_id, posts)

    async def _update(
        self,
        connection: Connection,
        known: Row[Any],
        registration: UserRegistration,
        values: dict[str, Any],
        actor: str,
    ) -> tuple[str, ...]:
        changed = tuple(
            name.removeprefix("sealed_")
            for name, value in values.items()
            if value != getattr(known, name) and not name.startswith(("index_", "masked_"))
        )
        if await self._posts_differ(connection, known, registration.posts):
            changed = (*changed, "posts")
            posts = rows_of(known.id, registration.posts)
            values = {**values, "posts_digest": self._rows.digest_of_new(post_table, posts)}
            await replace_posts(connection, known.id, posts)
        if not changed:
            return ()
        if has_administrator(registration.roles) and not has_administrator(known.roles):
            # Two factors are an administrator's default, also for somebody who becomes one (等保 §8.1.4.1 d).
            values = {**values, "totp_required": True}
        event = _event(known.id, changed, actor)
        await self._change(connection, known.id, event, updated_at=self._clock.now(), **values)
        return changed

    async def _posts_differ(self, connection: Connection, known: Row[Any], posts: Sequence[Post]) -> bool:
        """True too where somebody else wrote to the posts: they are replaced by those that are right."""
        query = select(post_table).where(post_table.c.user_id == known.id)
        kept = (await connection.execute(query)).all()
        if problem := self._rows.problem_enclosed(post_table, kept, known.posts_digest):
            self._rows.tell(post_table, known.id, problem)
            return True
        return {post_of_row(row) for row in kept} != set(posts)

    async def _change(
        self, connection: Connection, user_id: str, event: Event, *where: ColumnElement[bool], **to: Any
    ) -> bool:
        changed = await self._rows.change_told(connection, user_table, {"id": user_id}, event, *where, **to)
        return changed is not None

    async def _end_sessions(
        self, connection: Connection, user_id: str, changed: tuple[str, ...], status: str, actor: str
    ) -> None:
        disabled = status != "active"
        if (disabled and "status" in changed) or not _ENDS_SESSIONS.isdisjoint(changed):
            reason = "user_disabled" if disabled else "user_changed"
            await end_sessions(connection, self._ledger, self._clock.now(), user_id, actor=actor, reason=reason)

    async def _sealed_values(
        self, connection: Connection, user_id: str, registration: UserRegistration, known: Row[Any] | None
    ) -> dict[str, Any]:
        """Columns of the sealed fields that differ from what is kept; the blind index tells without opening."""
        values: dict[str, Any] = {}
        for name in SEALED_FIELDS:
            value = getattr(registration, name)
            index = self._index(name, value) if value else None
            if value is None or index == (getattr(known, f"index_{name}") if known is not None else None):
                continue
            binding = Binding("sso:people", "directory", user_id, 1, f"{name}/1")
            values[f"sealed_{name}"] = await self._sealer.seal(connection, binding, value.encode()) if value else None
            values[f"index_{name}"] = index
            if name == "mobile":
                values["masked_mobile"] = mask(value) if value else None
        return values

    def _index(self, name: str, value: str) -> bytes:
        return self._sealer.mac(f"index/{name}", value.encode())

    async def _one(self, connection: Connection, query: Prepared, wanted: str | bytes) -> User | None:
        rows = await connection.execute(query, {"wanted": wanted})
        return next(iter(self._read(rows, left_out=False)), None)

    async def _several(self, connection: Connection, query: Select[Any]) -> list[User]:
        """People whose rows were tampered with are missing."""
        rows = await connection.execute(query.order_by(user_table.c.username, *POST_ORDER))
        return self._read(rows, left_out=True)

    def _read(self, rows: Iterable[Row[Any]], *, left_out: bool) -> list[User]:
        """With `left_out`, people whose rows were tampered with are missing; else ERR-ROW_TAMPERED is raised."""
        today = self._local_time.day_of(self._clock.now())
        found: list[User] = []
        for _, group in groupby(rows, lambda row: row.id):
            try:
                found.append(user_of_rows(self._rows, list(group), today))
            except VaultError as error:
                if not left_out or error.code != TAMPERED_ROW:
                    raise
        return found


def _event(user_id: str, changed: tuple[str, ...], actor: str, **detail: str | bool) -> Event:
    return Event(
        action="directory.user",
        result="success",
        actor=actor,
        subject=f"user:{user_id}",
        detail={"changed": ",".join(changed), **detail},
    )


def _plain_values(registration: UserRegistration) -> dict[str, Any]:
    values: dict[str, Any] = {
        "name": registration.name,
        "status": registration.status,
        "roles": list(registration.roles),
        "email": registration.email,
        "employee_number": registration.employee_number,
        "title": registration.title,
        "short_number": registration.short_number,
    }
    if registration.must_change_password is not None:
        values["must_change_password"] = registration.must_change_password
    return values
