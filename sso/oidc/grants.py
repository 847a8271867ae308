"""Grants: what one authorization gave a client. Codes, refresh tokens and access tokens all hang on one grant, so
revoking it ends them all. Every single-use thing is consumed by one conditional statement (DESIGN §4.2)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Row,
    String,
    Table,
    Text,
    Update,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    update,
)

from core.clock import Clock
from core.database import Bytes, Connection, Part, Prepared, Together, UtcDateTime, Values, metadata
from core.expiry import forgotten
from core.identifiers import new_id, new_token, token_digest
from core.integrity import mac_column, signed
from core.local_time import LocalTime
from sso.authentication.endings import session_table
from sso.authentication.sessions import Session
from sso.directory.people import PERSON_COLUMNS, POST_ORDER, User, people, user_of_parts, user_table
from sso.oidc.authorization_request import AuthorizationRequest
from sso.oidc.grant_table import grant_table
from vault.anchors import constant
from vault.ledger.events import event_table
from vault.rows import SignedRows, columns_of

CODE_LIFETIME = timedelta(seconds=60)
REFRESH_IDLE = timedelta(days=14)
OFFLINE_LIFETIME = timedelta(days=90)
# The events that tell of a code or refresh token that was used; their detail names the grant.
TOKEN_ACTION = "oidc.token"

# A late replay of a code or refresh token is still recognised.
_KEPT_FOR_REPLAYS = timedelta(days=1)

_USED_ONCE = signed(
    left_out={"used_at": "setting it uses the token up; clearing it is found, because the ledger tells of the use"}
)

code_table = Table(
    "sso_code",
    metadata,
    Column("digest", Bytes, primary_key=True),
    Column("grant_id", String(26), nullable=False),
    Column("client_id", String(255), nullable=False),
    Column("redirect_uri", String(2000), nullable=False),
    Column("redirect_uri_sent", Boolean, nullable=False),
    Column("code_challenge", String(43)),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("used_at", UtcDateTime),
    # Sorts before every event of the ledger that tells of its use.
    Column("since", String(26)),
    mac_column(),
    info=_USED_ONCE | forgotten("expires_at", kept=_KEPT_FOR_REPLAYS),
)

refresh_table = Table(
    "sso_refresh_token",
    metadata,
    Column("digest", Bytes, primary_key=True),
    Column("grant_id", String(26), nullable=False, index=True),
    Column("client_id", String(255), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("used_at", UtcDateTime),
    # Sorts before every event of the ledger that tells of its use.
    Column("since", String(26)),
    mac_column(),
    info=_USED_ONCE | forgotten("expires_at", kept=_KEPT_FOR_REPLAYS),
)

_HOLDERS = grant_table.join(user_table, user_table.c.id == grant_table.c.user_id).outerjoin(
    session_table, session_table.c.id == grant_table.c.session_id
)
_GRANT = (*columns_of(grant_table, "grant_"), session_table.c.ended_at.label("session_ended_at"))


def _is_spent(table: Table) -> ColumnElement[bool]:
    """True when the ledger tells of a use of the token, whatever its row says."""
    told = event_table.alias()
    return (
        select(told.c.id)
        .where(
            told.c.subject == constant("user:") + grant_table.c.user_id,
            told.c.action == constant(TOKEN_ACTION),
            told.c.id > table.c.since,
            cast(told.c.detail, Text).like(literal_column("'%'") + grant_table.c.id + literal_column("'%'")),
        )
        .correlate(table, grant_table)
        .exists()
    )


def _presented_by(table: Table) -> Prepared:
    """A token's row with its grant, session, person and posts: one round trip."""
    source = table.join(_HOLDERS, table.c.grant_id == grant_table.c.id)
    columns = (*columns_of(table, "token_"), _is_spent(table).label("token_spent"))
    query = people(source, *columns, *_GRANT).where(table.c.digest == bindparam("wanted"))
    return Prepared(query.order_by(*POST_ORDER), (len(columns), len(_GRANT), PERSON_COLUMNS))


def _consuming(table: Table) -> Update:
    unused = (table.c.digest == bindparam("wanted"), table.c.used_at.is_(None), table.c.expires_at > bindparam("at"))
    return update(table).where(*unused).values(used_at=bindparam("at"))


_PRESENTED = {table.name: _presented_by(table) for table in (code_table, refresh_table)}
_CREATING = Together(grant_table, code_table, event_table, shared=True)
# A use, the event that tells of it, and perhaps a refresh token: all of it for exactly one caller.
_SPENDING = {
    (table.name, renews): Together(
        event_table, *([refresh_table] if renews else []), guard=_consuming(table), shared=True
    )
    for table in (code_table, refresh_table)
    for renews in (False, True)
}
_BY_ID = Prepared(
    people(_HOLDERS, *_GRANT).where(grant_table.c.id == bindparam("wanted")).order_by(*POST_ORDER),
    (len(_GRANT), PERSON_COLUMNS),
)


@dataclass(frozen=True)
class Grant:
    id: str
    client_id: str
    user_id: str
    session_id: str
    scopes: tuple[str, ...]
    claims: dict[str, list[str]]
    nonce: str | None
    amr: tuple[str, ...]
    acr: str
    auth_time: datetime
    offline: bool
    expires_at: datetime


@dataclass(frozen=True)
class Held:
    """A grant with its person. `is_live`: not revoked, not over, its session (unless offline) and person active."""

    grant: Grant
    user: User
    is_live: bool


@dataclass(frozen=True)
class Renewal:
    """A refresh token that is about to be given, and its row."""

    token: str = field(repr=False)
    row: Values = field(repr=False)


@dataclass(frozen=True)
class PresentedCode:
    held: Held
    client_id: str
    redirect_uri: str
    redirect_uri_sent: bool
    code_challenge: str | None
    is_used: bool
    is_over: bool
    since: str


@dataclass(frozen=True)
class PresentedRefreshToken:
    held: Held
    client_id: str
    used_at: datetime | None
    is_over: bool
    since: str


class Grants:
    def __init__(self, clock: Clock, local_time: LocalTime, rows: SignedRows) -> None:
        self._clock = clock
        self._local_time = local_time
        self._rows = rows

    async def create(
        self, connection: Connection, request: AuthorizationRequest, session: Session, told: Values
    ) -> str:
        """A grant and its authorization code; gives the code. `told` is the ledger's row of it: the unit of work's last
        write."""
        now, code, grant_id = self._clock.now(), new_token(), new_id()
        offline = "offline_access" in request.scopes
        grant = {
            "id": grant_id,
            "client_id": request.client.client_id,
            "user_id": session.user.id,
            "session_id": session.id,
            "scopes": list(request.scopes),
            "claims": {"userinfo": request.claims.userinfo, "id_token": request.claims.id_token},
            "nonce": request.nonce,
            "amr": list(session.amr),
            "acr": session.acr,
            "auth_time": session.auth_time,
            "offline": offline,
            "created_at": now,
            "expires_at": now + OFFLINE_LIFETIME if offline else session.expires_at,
        }
        issued = {
            "digest": token_digest(code),
            "grant_id": grant_id,
            "client_id": request.client.client_id,
            "redirect_uri": request.redirect_uri,
            "redirect_uri_sent": request.redirect_uri_sent,
            "code_challenge": request.code_challenge,
            "expires_at": now + CODE_LIFETIME,
            "since": new_id(),
        }
        rows = [self._rows.signed(grant_table, grant), self._rows.signed(code_table, issued), told]
        await _CREATING.write(connection, rows)
        return code

    async def find(self, connection: Connection, grant_id: str) -> Held | None:
        """The grant with its person, live or not, in one round trip."""
        rows = await connection.find(_BY_ID, {"wanted": grant_id})
        return self._held(rows[0][0], [parts[1] for parts in rows]) if rows else None

    async def by_code(self, connection: Connection, code: str) -> PresentedCode | None:
        """The code, used or not, with its grant and person."""
        found = await self._presented(connection, code_table, code)
        if found is None:
            return None
        row, held = found
        return PresentedCode(
            held,
            row.token_client_id,
            row.token_redirect_uri,
            row.token_redirect_uri_sent,
            row.token_code_challenge,
            row.token_used_at is not None,
            row.token_expires_at <= self._clock.now(),
            row.token_since or "",
        )

    async def by_refresh_token(self, connection: Connection, token: str) -> PresentedRefreshToken | None:
        """The refresh token, used or not, with its grant and person."""
        found = await self._presented(connection, refresh_table, token)
        if found is None:
            return None
        row, held = found
        is_over = row.token_expires_at <= self._clock.now()
        return PresentedRefreshToken(held, row.token_client_id, row.token_used_at, is_over, row.token_since or "")

    async def spend_code(self, connection: Connection, code: str, told: Values, renewal: Renewal | None = None) -> bool:
        """Uses the code up: True for exactly one caller, within the code's life, and only then `told`, the ledger's row
        of it, and the renewal are written. The unit of work's last write."""
        return await self._spend(connection, code_table, code, told, renewal)

    async def spend_refresh_token(
        self, connection: Connection, token: str, told: Values, renewal: Renewal | None = None
    ) -> bool:
        """As `spend_code`."""
        return await self._spend(connection, refresh_table, token, told, renewal)

    def renewal(self, grant: Grant, *, after: str) -> Renewal:
        """A new refresh token, to be written by `spend_…`. `after` is the ledger's event of the use that this token is
        the answer to."""
        token = new_token()
        row = {
            "digest": token_digest(token),
            "grant_id": grant.id,
            "client_id": grant.client_id,
            "expires_at": min(self._clock.now() + REFRESH_IDLE, grant.expires_at),
            "since": new_id(after),
        }
        return Renewal(token, self._rows.signed(refresh_table, row))

    async def revoke(self, connection: Connection, grant_id: str) -> bool:
        """Ends a grant with all its tokens; False when it had ended."""
        return await self._revoke(connection, grant_table.c.id == grant_id) == 1

    async def revoke_for(self, connection: Connection, user_id: str, client_id: str) -> None:
        """Ends every grant of a person to one client: the consent was withdrawn."""
        await self._revoke(connection, (grant_table.c.user_id == user_id) & (grant_table.c.client_id == client_id))

    async def offline(self, connection: Connection, user_id: str) -> dict[str, datetime]:
        """The clients that hold a live offline grant of the person, and when they last got one."""
        query = (
            select(grant_table.c.client_id, func.max(grant_table.c.created_at).label("created_at"))
            .where(
                grant_table.c.user_id == user_id,
                grant_table.c.offline,
                grant_table.c.revoked_at.is_(None),
                grant_table.c.expires_at > self._clock.now(),
            )
            .group_by(grant_table.c.client_id)
        )
        return {row.client_id: row.created_at for row in await connection.execute(query)}

    async def _presented(self, connection: Connection, table: Table, token: str) -> tuple[Row[Any], Held] | None:
        """The row of a code or refresh token, checked, and what it holds."""
        rows = await connection.find(_PRESENTED[table.name], {"wanted": token_digest(token)})
        if not rows:
            return None
        row: Row[Any] = rows[0][0].row()
        self._rows.require(table, row, "token_")
        if row.token_spent and row.token_used_at is None:
            self._rows.refuse(table, row, "token_", "its use was undone: the ledger tells of it")
        return row, self._held(rows[0][1], [parts[2] for parts in rows])

    async def _spend(
        self, connection: Connection, table: Table, token: str, told: Values, renewal: Renewal | None
    ) -> bool:
        use = {"wanted": token_digest(token), "at": self._clock.now()}
        rows = [told] if renewal is None else [told, renewal.row]
        return await _SPENDING[table.name, renewal is not None].write(connection, rows, use)

    async def _revoke(self, connection: Connection, condition: ColumnElement[bool]) -> int:
        revoked = await connection.execute(
            update(grant_table)
            .where(condition, grant_table.c.revoked_at.is_(None))
            .values(revoked_at=self._clock.now())
        )
        return revoked.rowcount

    def _held(self, part: Part, person: Sequence[Part]) -> Held:
        """Of the columns of a grant, and those of its person."""
        now = self._clock.now()
        # Its id is the first of its columns.
        grant, has_ended = self._rows.once(("grant", part.raw[0]), part.raw, lambda: self._kept(part))
        user = user_of_parts(self._rows, person, self._local_time.day_of(now))
        return Held(grant, user, is_live=not has_ended and grant.expires_at > now and user.is_active)

    def _kept(self, part: Part) -> tuple[Grant, bool]:
        """The grant as its row tells it, and whether it was ended. Raises ERR-ROW_TAMPERED."""
        row = part.row()
        self._rows.require(grant_table, row, "grant_")
        # A grant that is not offline ends with its session; how long the person idles there is not the client's matter.
        session_ended = not row.grant_offline and row.session_ended_at is not None
        return _grant(row), row.grant_revoked_at is not None or session_ended


def _grant(row: Row[Any]) -> Grant:
    return Grant(
        id=row.grant_id,
        client_id=row.grant_client_id,
        user_id=row.grant_user_id,
        session_id=row.grant_session_id,
        scopes=tuple(row.grant_scopes),
        claims=row.grant_claims,
        nonce=row.grant_nonce,
        amr=tuple(row.grant_amr),
        acr=row.grant_acr,
        auth_time=row.grant_auth_time,
        offline=row.grant_offline,
        expires_at=row.grant_expires_at,
    )
