"""DESIGN §4a.25: somebody has the database and the code, and not the root key. Whatever they write gains nothing, is
refused where it is read, is named by `yimen vault check`, and stands in the ledger."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pyotp
import pytest
from sqlalchemy import Boolean, DateTime, Integer, LargeBinary, Table, text
from sqlalchemy.types import JSON, Date, TypeDecorator

from connectors.gateway.session.fills import Fills
from connectors.gateway.session.sessions import GatewaySessions
from connectors.launch import Intent, launch_intent_table
from connectors.legacy.filling.plan import fill_plan
from connectors.login_requests import LoginRequest
from connectors.registration import SystemRegistration
from connectors.systems import System, system_table
from core.clock import FrozenClock
from core.database import metadata
from core.errors import YimenError
from core.identifiers import token_digest
from core.integrity import MAC_COLUMN, covered_columns, integrity_of
from core.settings import Settings
from sso.authentication.endings import pending_table, session_table
from sso.authentication.lockout import attempt_table
from sso.authentication.passwords import password_table
from sso.authentication.proofs import proofs_table
from sso.authentication.sign_in import Caller, Pending, SignedIn, Step
from sso.authentication.totp import recovery_table, totp_table
from sso.clients import client_table
from sso.directory.organisations import organisation_table
from sso.directory.people import user_table
from sso.directory.posts import post_table
from sso.oidc.consent import consent_table
from sso.oidc.grant_table import grant_table
from sso.oidc.grants import code_table, refresh_table
from sso.oidc.interaction import interaction_table
from tests.web.conftest import PASSWORD, REDIRECT_URI, add_client, add_person
from tests.web.database_writer import Row, Writer, named, refused, told, writer
from tests.web.protocol.conftest import Flow, flow
from vault.errors import VaultError
from vault.heads import item_table
from vault.keys.row_keys import ROW_KEY_OWNER
from vault.keys.store import owner_key_table
from vault.keys.suites import wipe
from vault.ledger.events import event_table
from vault.row_tables import enclosed_tables, signed_tables
from vault.tickets import Use, ticket_table
from web.composition import House, open_house

__all__ = ["flow", "writer"]
SEED = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
HERE = Caller("192.0.2.10", "Mozilla/5.0", "browser-a")
UPSTREAM = "http://127.0.0.1:9001"
LOGIN_PAGE = '<form action="/login" method="post"><input name="username"><input type="password" name="password"></form>'


async def sign_in(house: House, username: str, password: str = PASSWORD) -> Any:
    return await house.sign_in.password(username, password, HERE)


async def user_of(house: House, username: str) -> Any:
    async with house.database.read() as connection:
        return await house.users.find_by_username(connection, username)


async def enrol(house: House, user_id: str, seed: str = SEED) -> None:
    async with house.database.write() as connection:
        await house.totp.enrol(connection, user_id, seed, actor="operator:test")


async def add_system(house: House) -> str:
    registration = {
        "slug": "zhihui",
        "name": {"zh": "智惠掌心"},
        "way_in": [{"kind": "gateway"}],
        "upstream": UPSTREAM,
        "http_approved_by": "zhouan",
    }
    async with house.database.write() as connection:
        change = await house.systems.upsert(
            connection, SystemRegistration.model_validate(registration), actor="operator:test"
        )
    return change.id


# Every table, every column


async def everything(house: House, flow: Flow, lin: str, clock: FrozenClock) -> None:
    """A row in every table that gives power."""
    system_id = await add_system(house)
    await add_client(house, "other", first_party=False)
    await flow.tokens(scope="openid profile offline_access")
    await flow.agent.get("/authorize?client_id=nobody")
    signed_in = await sign_in(house, "lin")
    assert isinstance(signed_in, SignedIn)
    async with house.database.write() as connection:
        item = await house.items.add(
            connection,
            owner=f"user:{lin}",
            system=system_id,
            destination=UPSTREAM,
            login="lin",
            secret=bytearray(b"secret"),
            actor="x",
        )
        intent = Intent(item.id, clock.now() + timedelta(seconds=60))
        await house.launcher.keep_intent(connection, signed_in.session.id, system_id, intent)
        gateway = GatewaySessions(house.database, clock, house.sessions, house.rows)
        await gateway.start(connection, signed_in.session, system_id, "oa")
        plan = fill_plan(None, LOGIN_PAGE, f"{UPSTREAM}/login")
        assert plan is not None
        fills = Fills(clock, house.rows)
        await fills.create(connection, "v", plan, UPSTREAM, item_id=item.id, variables={}, supervised=True)
        request = LoginRequest(
            origin=UPSTREAM, method="POST", path="/login", kind="urlencoded", passwords={"password": None}
        )
        await house.login_requests.keep_form(connection, (await the_system(house)).login, request)
        await house.interactions.begin(connection, "affairs", {"scope": "openid"}, "browser")
        await house.totp.begin(connection, lin)
        seed = await house.totp.begin(connection, lin)
        await house.totp.confirm(connection, lin, pyotp.TOTP(seed).at(clock.now()))
        await house.consents.grant(connection, lin, "other", ["openid"])
    async with house.database.write() as connection:
        await house.tickets.issue(connection, item.id, Use("session:s", UPSTREAM, ""), actor="x", purpose="fill")
    assert isinstance(await sign_in(house, "lin"), Pending)


def another(table: Table, name: str, value: Any) -> Any:
    kind = table.c[name].type
    if isinstance(kind, TypeDecorator):
        kind = kind.impl_instance
    if isinstance(kind, Boolean):
        return not value
    if isinstance(kind, Integer):
        return (value or 0) + 1
    if isinstance(kind, LargeBinary):
        return b"\x01" + (value or b"")
    if isinstance(kind, DateTime):
        return (value or datetime.fromisoformat("2026-01-01T00:00:00+00:00")) + timedelta(seconds=1)
    if isinstance(kind, Date):
        return (value or date(2026, 1, 1)) + timedelta(days=1)
    if isinstance(kind, JSON):
        return {"other": value}
    return (value or "")[:-1] + ("y" if (value or "").endswith("x") else "x")


async def test_whatever_column_is_changed_the_row_is_refused_named_and_told(
    house: House, writer: Writer, flow: Flow, lin: str, clock: FrozenClock
) -> None:
    await everything(house, flow, lin, clock)
    assert await named(house) == set()
    changed: set[str] = set()
    for table in signed_tables():
        before = (await writer.rows(table))[0]
        keys = [column.name for column in table.primary_key]
        for name in (*covered_columns(table), MAC_COLUMN):
            of, to = before, another(table, name, before[name])
            await writer.change(table, of, **{name: to})
            after = {**before, name: to}
            found = set(await house.row_watch.findings())
            key = ",".join(value.hex() if isinstance(value, bytes) else str(value) for value in map(after.get, keys))
            assert f"row:{table.name}:{key}"[:200] in found, (table.name, name)
            await writer.change(table, after, **{name: before[name]})
            changed.add(f"{table.name}.{name}")
        assert not await house.row_watch.findings()
    for table, what in enclosed_tables():
        before = (await writer.rows(table))[0]
        for name in covered_columns(table):
            if name == what.only:
                continue
            to = another(table, name, before[name])
            await writer.change(table, before, **{name: to})
            assert any(one.startswith(f"row:{table.name}:") for one in await house.row_watch.findings()), name
            await writer.change(table, {**before, name: to}, **{name: before[name]})
        assert not await house.row_watch.findings()
    assert len(changed) > 100
    await writer.change(user_table, await writer.row(user_table, id=lin), status="disabled")
    await house.row_watch.run()
    assert f"row:sso_user:{lin}" in await told(house)


def test_every_table_says_what_protects_it() -> None:
    assert [table.name for table in metadata.sorted_tables if integrity_of(table) is None] == []


def test_every_column_of_a_signed_table_is_covered_or_excused() -> None:
    for table in [*signed_tables(), *(table for table, _ in enclosed_tables())]:
        declared: Any = integrity_of(table)
        covered = set(covered_columns(table))
        assert set(declared.left_out) <= set(table.c.keys()), table.name
        assert covered | set(declared.left_out) | {MAC_COLUMN} >= set(table.c.keys()), table.name
        assert all(len(why) > 20 for why in declared.left_out.values()), table.name


# People


async def test_a_password_of_ones_own_in_somebody_elses_row(house: House, writer: Writer, lin: str) -> None:
    evil = await add_person(house, "evil", "某人")
    mine = await writer.row(password_table, user_id=evil)
    await writer.change(password_table, await writer.row(password_table, user_id=lin), hash=mine["hash"])
    await refused(sign_in(house, "lin"))
    assert await named(house) == {f"row:sso_password:{lin}"}
    assert await told(house) == {f"row:sso_password:{lin}"}
    assert isinstance(await sign_in(house, "evil"), SignedIn)


async def test_a_newer_password_that_yimen_never_set(house: House, writer: Writer, lin: str) -> None:
    row = await writer.row(password_table, user_id=lin)
    await writer.put(password_table, {**row, "id": "z" * 26})
    await refused(sign_in(house, "lin"))
    assert await named(house) == {f"row:sso_password:{lin}"}


async def test_the_password_of_before_put_back(house: House, writer: Writer, lin: str) -> None:
    old = await writer.rows(password_table, user_id=lin), await writer.rows(proofs_table, user_id=lin)
    hashed = await house.passwords.given("Another-2026!")
    async with house.database.write() as connection:
        await house.passwords.keep(connection, lin, hashed, actor="operator:test")
    await writer.put_back(password_table, old[0], user_id=lin)
    await refused(sign_in(house, "lin"))
    await writer.put_back(proofs_table, old[1], user_id=lin)
    await refused(sign_in(house, "lin"))
    assert f"row:sso_proofs:{lin}" in await named(house)
    assert f"row:sso_proofs:{lin}" in await told(house)


async def test_the_newest_password_taken_away(house: House, writer: Writer, lin: str) -> None:
    hashed = await house.passwords.given("Another-2026!")
    async with house.database.write() as connection:
        await house.passwords.keep(connection, lin, hashed, actor="operator:test")
    newest = max(await writer.rows(password_table, user_id=lin), key=lambda row: str(row["id"]))
    await writer.remove(password_table, id=newest["id"])
    await refused(sign_in(house, "lin"))
    assert await named(house) == {f"row:sso_password:{lin}"}


@pytest.mark.parametrize("column", ["roles", "status", "totp_required", "must_change_password", "username"])
async def test_a_person_made_another_one(house: House, writer: Writer, lin: str, column: str) -> None:
    to = {"roles": ["security_admin"], "username": "zhou"}
    row = await writer.row(user_table, id=lin)
    await writer.change(user_table, row, **{column: to.get(column, another(user_table, column, row[column]))})
    await refused(sign_in(house, "zhou" if column == "username" else "lin"))
    assert await named(house) == {f"row:sso_user:{lin}"}
    assert f"row:sso_user:{lin}" in await told(house)


async def test_rights_of_before_put_back(house: House, writer: Writer, settings: Settings, lin: str) -> None:
    before = await writer.rows(user_table, id=lin)
    async with house.database.write() as connection:
        await house.users.set_status(connection, lin, "disabled", actor="operator:test")
    await writer.put_back(user_table, before, id=lin)
    await refused(sign_in(house, "lin"))
    assert await named(house) == {f"row:sso_user:{lin}"}
    async with open_house(settings) as other:
        await refused(sign_in(other, "lin"))


async def test_rights_of_before_put_back_and_the_newest_event_deleted(house: House, writer: Writer, lin: str) -> None:
    before = await writer.rows(user_table, id=lin)
    async with house.database.write() as connection:
        await house.users.set_status(connection, lin, "disabled", actor="operator:test")
    (now,) = await writer.rows(user_table, id=lin)
    await house.ledger.sequence()
    await writer.put_back(user_table, before, id=lin)
    await writer.forget_events(event_table.c.id == now["anchor"])
    assert any(one.startswith("position:") for one in await named(house))
    await house.ledger_watch.run()
    assert any(one.startswith("position:") for one in await told(house))


async def test_a_post_planted_moved_or_taken_away(house: House, writer: Writer, lin: str) -> None:
    post = await writer.row(post_table, user_id=lin)
    for plant in ({**post, "id": "z" * 26, "organisation_id": "qx"}, None):
        if plant is not None:
            await writer.put(post_table, plant)
        else:
            await writer.put_back(post_table, [], user_id=lin)
        await refused(sign_in(house, "lin"))
        assert await named(house) == {f"row:sso_post:{lin}"}
    assert await told(house) == {f"row:sso_post:{lin}"}


async def test_an_organisation_moved_elsewhere(house: House, writer: Writer, lin: str) -> None:
    await writer.change(organisation_table, await writer.row(organisation_table, id="qx"), path="/court/qx/")
    await refused(sign_in(house, "lin"))
    assert await named(house) == {"row:sso_organisation:qx"}


async def test_a_second_factor_of_ones_own(house: House, writer: Writer, lin: str) -> None:
    evil = await add_person(house, "evil", "某人")
    await enrol(house, evil)
    await enrol(house, lin, pyotp.random_base32())
    mine = await writer.row(totp_table, user_id=evil)
    await writer.change(totp_table, await writer.row(totp_table, user_id=lin), sealed_seed=mine["sealed_seed"])
    await refused(sign_in(house, "lin"))
    assert await named(house) == {f"row:sso_totp:{lin}"}


@pytest.mark.parametrize("with_proofs", [False, True])
async def test_a_second_factor_taken_away(house: House, writer: Writer, lin: str, with_proofs: bool) -> None:
    await enrol(house, lin)
    await writer.remove(totp_table, user_id=lin)
    if with_proofs:
        await writer.remove(proofs_table, user_id=lin)
        with pytest.raises(YimenError):
            await sign_in(house, "lin")
        assert f"row:sso_proofs:{lin}" in await named(house)
        return
    await refused(sign_in(house, "lin"))
    assert await named(house) == {f"row:sso_totp:{lin}"}


async def test_a_recovery_code_planted_and_one_put_back(
    house: House, writer: Writer, lin: str, clock: FrozenClock
) -> None:
    async with house.database.write() as connection:
        seed = await house.totp.begin(connection, lin)
        codes = await house.totp.confirm(connection, lin, pyotp.TOTP(seed).at(clock.now()))
    kept = await writer.rows(recovery_table, user_id=lin)

    async def use(code: str) -> bool:
        async with house.database.write() as connection:
            return await house.totp.accept(connection, lin, code)

    assert await use(codes[0])
    await writer.put_back(recovery_table, kept, user_id=lin)
    await refused(use(codes[0]))
    await writer.put_back(recovery_table, kept[1:], user_id=lin)
    await writer.put(recovery_table, {"digest": token_digest(f"{lin}:mine"), "user_id": lin})
    await refused(use("mine"))
    assert f"row:sso_recovery_code:{lin}" in await named(house)


async def test_the_counter_of_failed_sign_ins_changed_or_cleared(house: House, writer: Writer, lin: str) -> None:
    async def fail() -> str:
        with pytest.raises(YimenError) as caught:
            await sign_in(house, "lin", "wrong")
        return caught.value.code

    for _ in range(3):
        assert await fail() == "ERR-SIGN_IN"
    for row in await writer.rows(attempt_table):
        await writer.change(attempt_table, row, failures=0)
    assert await fail() == "ERR-LOCKED"
    assert any(one.startswith("row:sso_attempt:account") for one in await told(house))
    answers = []
    for _ in range(12):  # takes the counter away before every guess
        await writer.put_back(attempt_table, [], kind="account")
        await writer.put_back(attempt_table, [], kind="address")
        answers.append(await fail())
    assert answers.count("ERR-SIGN_IN") == 2 * house.settings.lockout_attempts - 3
    assert set(answers) == {"ERR-SIGN_IN", "ERR-LOCKED"}
    assert f"row:sso_attempt:account of user:{lin}" in await told(house)


# Sessions and tokens


async def test_a_session_given_to_another_person(house: House, writer: Writer, lin: str) -> None:
    boss = await add_person(house, "boss", "某人", frozenset({"security_admin"}))
    signed_in = await sign_in(house, "lin")
    row = await writer.row(session_table, id=signed_in.session.id)
    for to in ({"user_id": boss}, {"amr": ["pwd", "otp", "mfa"]}, {"auth_time": row["auth_time"] + timedelta(1)}):
        await writer.change(session_table, row, **to)
        async with house.database.read() as connection:
            assert await house.sessions.find(connection, signed_in.token) is None
        assert await named(house) == {f"row:sso_session:{row['id']}"}
        await writer.change(session_table, row, **{name: row[name] for name in to})
    assert f"row:sso_session:{row['id']}" in await told(house)
    async with house.database.read() as connection:
        assert await house.sessions.find(connection, signed_in.token) is not None


async def test_the_end_of_a_session_undone_is_noticed(house: House, writer: Writer, lin: str) -> None:
    signed_in = await sign_in(house, "lin")
    async with house.database.write() as connection:
        await house.sessions.revoke(connection, signed_in.session.id, actor="x", reason="sign_out")
    await writer.change(session_table, {"id": signed_in.session.id}, ended_at=None)
    assert await named(house) == {f"row:sso_session:{signed_in.session.id}"}


async def test_a_session_planted(house: House, writer: Writer, lin: str) -> None:
    row = await writer.row(session_table, id=(await sign_in(house, "lin")).session.id)
    await writer.put(session_table, {**row, "id": "planted", "digest": token_digest("mine")})
    async with house.database.read() as connection:
        assert await house.sessions.find(connection, "mine") is None
    assert await named(house) == {"row:sso_session:planted"}


async def test_a_half_done_sign_in_given_to_another_person(house: House, writer: Writer, lin: str) -> None:
    await enrol(house, lin)
    pending = await sign_in(house, "lin")
    assert pending.step is Step.OTP
    (row,) = await writer.rows(pending_table)
    await writer.change(pending_table, row, amr=["pwd", "otp", "mfa"])
    await refused(house.sign_in.pending_user(pending.token, HERE))


async def test_a_used_code_put_back(house: House, writer: Writer, flow: Flow) -> None:
    code = await flow.code()
    before = await writer.rows(code_table)
    assert (await flow.redeem(code)).status_code == 200
    for act in ("clear", "put back"):
        if act == "clear":
            await writer.change(code_table, before[0], used_at=None)
        else:
            await writer.put_back(code_table, before)
        answer = await flow.redeem(code)
        assert (answer.status_code, answer.json().get("error_description")) == (409, "ERR-ROW_TAMPERED")
    assert f"row:sso_code:{before[0]['digest'].hex()}" in await told(house)


async def test_a_used_refresh_token_put_back(house: House, writer: Writer, flow: Flow) -> None:
    first = (await flow.tokens(scope="openid offline_access"))["refresh_token"]
    before = await writer.rows(refresh_table)
    assert (await flow.token(grant_type="refresh_token", refresh_token=first)).status_code == 200
    await writer.put_back(refresh_table, before, digest=before[0]["digest"])
    answer = await flow.token(grant_type="refresh_token", refresh_token=first)
    assert answer.json()["error_description"] == "ERR-ROW_TAMPERED"
    second = (await flow.tokens(scope="openid offline_access"))["refresh_token"]
    assert (await flow.token(grant_type="refresh_token", refresh_token=second)).status_code == 200


@pytest.mark.every_case
@pytest.mark.parametrize(
    ("table", "column"),
    [(grant_table, "user_id"), (grant_table, "scopes"), (grant_table, "acr"), (user_table, "roles")],
)
async def test_a_grant_for_more(house: House, writer: Writer, flow: Flow, table: Table, column: str) -> None:
    tokens = await flow.tokens()
    row = (await writer.rows(table))[-1] if table is grant_table else await writer.row(table, username="lin")
    await writer.change(table, row, **{column: another(table, column, row[column])})
    answer = await flow.userinfo(tokens["access_token"])
    assert answer.status_code in (401, 409)
    assert "sub" not in answer.json()
    assert (await flow.post("/introspect", token=tokens["access_token"])).json().get("active") is not True


async def test_a_code_for_another_client_or_address(house: House, writer: Writer, flow: Flow) -> None:
    code = await flow.code()
    row = (await writer.rows(code_table))[-1]
    await writer.change(code_table, row, redirect_uri="https://evil.example/callback")
    answer = await flow.redeem(code, redirect_uri="https://evil.example/callback")
    assert answer.json()["error_description"] == "ERR-ROW_TAMPERED"


async def test_a_consent_and_a_decision_that_nobody_gave(house: House, writer: Writer, flow: Flow, lin: str) -> None:
    waiting = await flow.authorize()
    assert waiting.status_code in (302, 303)
    (row,) = await writer.rows(interaction_table)
    await writer.change(interaction_table, row, allowed=True, decided_by=lin)
    answer = await flow.agent.follow(waiting)
    assert "ERR-ROW_TAMPERED" in answer.text
    await writer.put(
        consent_table,
        {"user_id": lin, "client_id": "affairs", "scopes": ["openid", "profile"], "granted_at": row["created_at"]},
    )
    answer = await flow.agent.follow(await flow.authorize())
    assert "ERR-ROW_TAMPERED" in answer.text


# Clients and systems


async def changed_client(house: House, writer: Writer, **to: Any) -> Row:
    row = await writer.row(client_table, client_id="affairs")
    await writer.change(client_table, row, **to)
    house.database.changes.note_all()
    return row


async def test_another_redirect_address(house: House, writer: Writer, flow: Flow) -> None:
    row = await writer.row(client_table, client_id="affairs")
    evil = "https://evil.example/callback"
    await changed_client(house, writer, metadata={**row["metadata"], "redirect_uris": [evil, REDIRECT_URI]})
    for uri in (evil, REDIRECT_URI):
        answer = await flow.authorize(redirect_uri=uri)
        assert "location" not in answer.headers
        assert "ERR-ROW_TAMPERED" in answer.text
    assert await named(house) == {"row:sso_client:affairs"}
    assert await told(house) == {"row:sso_client:affairs"}


@pytest.mark.parametrize("column", ["secret_hash", "policy", "first_party", "access", "status"])
async def test_a_client_made_another_one(house: House, writer: Writer, flow: Flow, column: str) -> None:
    row = await writer.row(client_table, client_id="affairs")
    await changed_client(house, writer, **{column: another(client_table, column, row[column])})
    answer = await flow.token(grant_type="client_credentials")
    assert answer.status_code == 409
    assert await named(house) == {"row:sso_client:affairs"}


async def test_a_client_planted(house: House, writer: Writer, flow: Flow) -> None:
    row = await writer.row(client_table, client_id="affairs")
    await writer.put(client_table, {**row, "client_id": "mine"})
    answer = await Flow(flow.agent, "mine").token(grant_type="client_credentials")
    assert answer.status_code == 409
    assert await named(house) == {"row:sso_client:mine"}
    async with house.database.read() as connection:
        assert [client.client_id for client in await house.clients.list(connection)] == ["affairs"]
        house.database.changes.note_all()
        assert await house.clients.has_origin(connection, "https://affairs.example")


async def test_a_client_of_before_put_back(house: House, writer: Writer, flow: Flow) -> None:
    before = await writer.rows(client_table, client_id="affairs")
    await add_client(house, status="disabled")
    await writer.put_back(client_table, before, client_id="affairs")
    house.database.changes.note_all()
    assert (await flow.token(grant_type="client_credentials")).status_code == 409
    assert await named(house) == {"row:sso_client:affairs"}


async def test_a_deleted_client_is_named(house: House, writer: Writer, flow: Flow) -> None:
    await writer.remove(client_table, client_id="affairs")
    assert await named(house) == {"row:sso_client:affairs"}


async def the_system(house: House) -> System:
    async with house.database.read() as connection:
        system = await house.systems.find_by_slug(connection, "zhihui")
    assert system is not None
    return system


async def release(house: House, session: Any, item: Any) -> None:
    system = await the_system(house)
    opened = await house.launcher.release(session=session, system=system, item=item, recipe_hash="", purpose="fill")
    with opened as secret:
        wipe(secret)


@pytest.fixture
async def kept(house: House, lin: str) -> tuple[Any, Any]:
    """A session, and an account of its person."""
    system_id = await add_system(house)
    session = (await sign_in(house, "lin")).session
    async with house.database.write() as connection:
        item = await house.items.add(
            connection,
            owner=f"user:{lin}",
            system=system_id,
            destination=(await the_system(house)).destination,
            login="lin",
            secret=bytearray(b"legacy"),
            actor="x",
        )
    await release(house, session, item)
    return session, item


async def test_another_address_of_a_system(house: House, writer: Writer, kept: tuple[Any, Any]) -> None:
    row = await writer.row(system_table, slug="zhihui")
    await writer.change(system_table, row, document={**row["document"], "upstream": "http://127.0.0.1:6666"})
    await refused(release(house, *kept))
    await refused(house.launcher.launch(kept[0], "zhihui"))
    assert await named(house) == {f"row:connectors_system:{row['id']}"}
    assert await told(house) == {f"row:connectors_system:{row['id']}"}


async def test_an_address_of_before_put_back(house: House, writer: Writer, kept: tuple[Any, Any]) -> None:
    before = await writer.rows(system_table, slug="zhihui")
    moved = SystemRegistration.model_validate({**before[0]["document"], "upstream": "http://127.0.0.1:9002"})
    async with house.database.write() as connection:
        await house.systems.upsert(connection, moved, actor="operator:test")
    await writer.put_back(system_table, before, slug="zhihui")
    await refused(release(house, *kept))
    assert await named(house) == {f"row:connectors_system:{before[0]['id']}"}


async def test_an_account_opens_for_the_address_it_was_sealed_for_only(
    house: House, writer: Writer, kept: tuple[Any, Any], lin: str
) -> None:
    (row,) = await writer.rows(system_table)
    moved = SystemRegistration.model_validate({**row["document"], "upstream": "http://127.0.0.1:9002"})
    async with house.database.write() as connection:
        await house.systems.upsert(connection, moved, actor="operator:test")
    await refused(release(house, *kept), "ERR-ITEM_DESTINATION")
    for column, to in (("destination", "http://127.0.0.1:9002"), ("label", "x"), ("masked_login", "x")):
        before = await writer.row(item_table, id=kept[1].id)
        await writer.change(item_table, before, **{column: to})
        await refused(release(house, *kept), "ERR-ITEM_TAMPERED")
        assert f"user:{lin}" in await named(house)
        await writer.change(item_table, before, **{column: before[column]})
    now = (await the_system(house)).destination
    async with house.database.write() as connection:
        await house.items.rebind(connection, kept[1].id, now, actor=f"user:{lin}")
    await release(house, *kept)


async def test_a_frozen_account_made_usable(house: House, writer: Writer, kept: tuple[Any, Any], lin: str) -> None:
    before = await writer.row(item_table, id=kept[1].id)
    async with house.database.write() as connection:
        await house.items.freeze(connection, kept[1].id, "refused", actor="x")
    for to in ({"state": "active"}, {"last_result": None}, {name: before[name] for name in ("state", "last_result")}):
        frozen = await writer.row(item_table, id=kept[1].id)
        await writer.change(item_table, frozen, **to)
        await refused(release(house, *kept), "ERR-ITEM_TAMPERED")
        assert await named(house) == {f"user:{lin}"}
        await writer.change(item_table, frozen, **{name: frozen[name] for name in to})


async def test_a_launch_and_a_ticket_that_nobody_asked_for(
    house: House, writer: Writer, kept: tuple[Any, Any], clock: FrozenClock
) -> None:
    session, item = kept
    soon = clock.now() + timedelta(seconds=30)
    intent = {"id": "i" * 26, "session_id": session.id, "system_id": item.system, "item_id": item.id}
    await writer.put(launch_intent_table, {**intent, "stepped": False, "expires_at": soon})
    assert (await named(house)) == {f"row:connectors_launch_intent:{'i' * 26}"}
    async with house.database.write() as connection:
        assert await house.launcher.consume_intent(connection, session.id, item.system) is None
    use = Use(f"session:{session.id}", UPSTREAM, "")
    ticket = {"digest": token_digest("mine"), "item_id": item.id, "actor": "x", "holder": use.holder}
    ticket |= {"destination": UPSTREAM, "recipe_hash": "", "purpose": "fill", "reason": "", "expires_at": soon}
    await writer.put(ticket_table, ticket)
    await refused(house.items.redeem("mine", use))


# What an operator does about it


@pytest.mark.parametrize("table", [user_table, client_table, organisation_table, password_table, session_table])
async def test_a_row_that_an_operator_has_looked_at_is_signed_as_it_stands(
    house: House, writer: Writer, flow: Flow, lin: str, table: Table
) -> None:
    row = (await writer.rows(table))[-1]
    to = {"name": {"zh": "x"} if table is client_table else "x"} if "name" in table.c else {}
    await writer.change(table, row, **(to or {"hash": "x"} if table is password_table else to or {"device": "x"}))
    (why,) = (await house.recovery.check()).values()
    name, key = why.split(": ")[0].split(" ")
    await house.acceptance.accept(name, key, actor="operator:x", reason="looked at")
    assert await named(house) == set()
    await refused(house.acceptance.accept(name, "nobody", actor="operator:x", reason="x"), "ERR-ROW")


# What only looks like an upgrade


async def test_nothing_is_signed_twice(house: House, writer: Writer, settings: Settings, lin: str) -> None:
    """Taking the MACs away, or the event that tells of the upgrade, has no row signed again."""
    await house.ledger.sequence()
    row = await writer.row(user_table, id=lin)
    await writer.change(user_table, row, roles=["security_admin"], row_mac=None, anchor=None)
    async with open_house(settings) as other:
        await refused(sign_in(other, "lin"))
    await writer.forget_events(event_table.c.action == "vault.rows_signed")
    with pytest.raises(VaultError, match="ERR-LEDGER_TAMPERED"):
        async with open_house(settings):
            pass


async def test_the_newest_event_hidden_instead_of_deleted(
    house: House, writer: Writer, settings: Settings, lin: str
) -> None:
    before = await writer.rows(user_table, id=lin)
    async with house.database.write() as connection:
        await house.users.set_status(connection, lin, "disabled", actor="operator:test")
    (now,) = await writer.rows(user_table, id=lin)
    await writer.put_back(user_table, before, id=lin)
    await writer.forget_events(event_table.c.id == "none")  # drops the triggers
    await writer.allow_changed_events()
    await writer.change(event_table, {"id": now["anchor"]}, quarantined=True)
    await house.ledger.sequence()
    assert f"event:{now['anchor']}" in await named(house)
    await house.ledger_watch.run()
    assert f"event:{now['anchor']}" in await told(house)


async def test_a_key_of_rows_planted_and_one_taken_away(
    house: House, writer: Writer, settings: Settings, lin: str
) -> None:
    keys = await writer.rows(owner_key_table, owner=ROW_KEY_OWNER)
    await writer.put(owner_key_table, {**keys[-1], "id": "z" * 26, "generation": 99})
    async with open_house(settings) as other:
        assert isinstance(await sign_in(other, "lin"), SignedIn)
        assert ROW_KEY_OWNER in await named(other)
    await writer.remove(owner_key_table, owner=ROW_KEY_OWNER)
    with pytest.raises(VaultError):
        async with open_house(settings) as other:
            await sign_in(other, "lin")
    assert isinstance(await sign_in(house, "lin"), SignedIn)


async def test_the_watch_cannot_be_put_off(house: House, writer: Writer, clock: FrozenClock) -> None:
    from core.jobs import Job, Jobs, job_table

    jobs = Jobs(house.database, clock, [])
    job = Job("rows.watch", timedelta(minutes=30), house.row_watch.run)
    assert await jobs.take_turn(job)
    assert not await jobs.take_turn(job)
    await writer.change(job_table, {"name": job.name}, due_at=clock.now() + timedelta(days=9999))
    assert await jobs.take_turn(job)


async def test_a_value_that_is_none_is_no_server_error(
    house: House, writer: Writer, agents: Callable[[], Any], flow: Flow
) -> None:
    if house.database.dialect != "sqlite":
        pytest.skip("PostgreSQL lets no value of another type stand in a column")
    for table, column in (("sso_user", "roles"), ("sso_client", "metadata"), ("sso_session", "expires_at")):
        async with house.database.write() as connection:
            await connection.execute(text(f"UPDATE {table} SET {column} = '{{not json'"))
    house.database.changes.note_all()
    answer: httpx.Response = await flow.authorize()
    assert answer.status_code in (302, 303, 409)
    async with house.database.write() as connection:
        await connection.execute(text("UPDATE sso_client SET policy = CAST(x'ff' AS TEXT)"))
        await connection.execute(text("UPDATE sso_organisation SET name = CAST(x'ff' AS TEXT)"))
    answer = await flow.authorize()
    assert (answer.status_code, "ERR-ROW_UNREADABLE" in answer.text) == (409, True)
    assert {"row:sso_client", "row:sso_organisation"} <= await named(house)
