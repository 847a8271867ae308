"""The upgrade to signed rows, and the rotation of their key: both while everything goes on working."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, delete, func, insert, null, select, text, update

from connectors.login_requests import LoginRequest
from connectors.login_requests.generation import Login
from connectors.login_requests.store import login_request_table
from connectors.registration import SystemRegistration
from connectors.systems import system_table
from core.clock import FrozenClock
from core.errors import YimenError
from core.integrity import ANCHOR_COLUMN, MAC_COLUMN
from core.settings import Settings
from sso.authentication.proofs import proofs_table
from sso.authentication.sign_in import Caller, SignedIn
from sso.directory.people import user_table
from tests.web.conftest import PASSWORD, add_client, add_county, add_person
from vault.adoption import ANCHORED, BOUND, SIGNED
from vault.heads import HEAD_ACTIONS, Heads, _digest_before_destinations, item_table
from vault.item_content import _UNBOUND_SCHEMA
from vault.keys.row_keys import ROW_KEY_OWNER
from vault.keys.sealing import Binding
from vault.keys.signing import signing_key
from vault.keys.store import owner_key_table
from vault.ledger.events import event_table, waiting_table
from vault.row_tables import signed_tables
from vault.tickets import Use
from web.composition import House, open_house
from web.migrate import alembic_config

HERE = Caller("192.0.2.10", "Mozilla/5.0", "browser-a")
UPSTREAM = "http://127.0.0.1:9001"
LIN = "lin"


@pytest.fixture
async def house(settings: Settings, clock: FrozenClock) -> AsyncIterator[House]:
    async with open_house(settings, clock=clock) as house:
        await add_county(house)
        yield house


async def furnish(house: House) -> tuple[str, str, str]:
    """A person, a session token of theirs, and an account; gives user id, token and item id."""
    user_id = await add_person(house, LIN, "林晓岚")
    await add_client(house)
    registration = {"slug": "zhihui", "name": {"zh": "智惠"}, "way_in": [{"kind": "gateway"}], "upstream": UPSTREAM}
    registration |= {"http_approved_by": "zhouan"}
    async with house.database.write() as connection:
        change = await house.systems.upsert(connection, SystemRegistration.model_validate(registration), actor="x")
        item = await house.items.add(
            connection,
            owner=f"user:{user_id}",
            system=change.id,
            destination=UPSTREAM,
            login="lin",
            secret=bytearray(b"legacy"),
            actor="x",
        )
    signed_in = await house.sign_in.password(LIN, PASSWORD, HERE)
    assert isinstance(signed_in, SignedIn)
    return user_id, signed_in.token, item.id


async def make_it_old(house: House, item_id: str) -> None:
    """The database as the version before signed rows left it."""
    heads = Heads(house.ledger, await signing_key(house.database, house.sealer, "heads"))
    async with house.database.write() as connection:
        row = (await connection.execute(select(item_table).where(item_table.c.id == item_id))).one()
        head = await heads.lock(connection, row.owner)
        binding = Binding(row.owner, row.system, row.id, row.version, _UNBOUND_SCHEMA)
        sealed = await house.sealer.seal(connection, binding, b"legacy")
        await connection.execute(update(item_table).values(sealed_secret=sealed, destination=None))
        digest = await _digest_before_destinations(connection, row.owner)
        heads._digest = lambda _connection, _owner: _given(digest)  # type: ignore[method-assign,assignment]
        await heads.advance(connection, head, HEAD_ACTIONS[1], actor="x")
        for table in signed_tables():
            values = {MAC_COLUMN: null()} | ({"anchor": null()} if "anchor" in table.c else {})
            await connection.execute(update(table).values(values))
        await connection.execute(update(user_table).values(posts_digest=None))
        await connection.execute(update(system_table).values(login_generation=None, recipe_version=None))
        await connection.execute(delete(proofs_table))
        await connection.execute(delete(owner_key_table).where(owner_key_table.c.owner == ROW_KEY_OWNER))
    await _forget_the_upgrade(house, SIGNED, BOUND)


async def _given(digest: bytes) -> bytes:
    return digest


async def _forget_the_upgrade(house: House, *actions: str) -> None:
    """An old ledger never had these events; here it is built anew without them, and has no hole."""
    forgotten = event_table.c.action.in_(actions)
    async with house.database.read() as connection:
        rows = (await connection.execute(select(event_table).where(forgotten))).all()
    assert len(rows) == len(actions)
    async with house.database.write() as connection:
        if house.database.dialect == "sqlite":
            await connection.execute(text("DROP TRIGGER IF EXISTS vault_ledger_event_no_delete"))
            await connection.execute(text("DROP TRIGGER IF EXISTS vault_ledger_place_no_delete"))
        else:
            await connection.execute(text("DROP TRIGGER vault_ledger_event_append_only ON vault_ledger_event"))
            await connection.execute(text("DROP TRIGGER vault_ledger_place_append_only ON vault_ledger_place"))
        for table in ("vault_ledger_node", "vault_ledger_checkpoint", "vault_ledger_place", "vault_ledger_waiting"):
            await connection.execute(text(f"DELETE FROM {table}"))
        await connection.execute(text("UPDATE vault_ledger_tree SET size = 0"))
        await connection.execute(delete(event_table).where(forgotten))
        everything = insert(waiting_table).from_select(["event_id"], select(event_table.c.id))
        await connection.execute(everything)
    await house.ledger.sequence()


async def test_a_database_of_before_is_signed_once_and_everything_goes_on(
    house: House, settings: Settings, clock: FrozenClock
) -> None:
    user_id, token, item_id = await furnish(house)
    await make_it_old(house, item_id)
    async with open_house(settings, clock=clock) as upgraded:
        assert await upgraded.recovery.check() == {}
        async with upgraded.database.read() as connection:
            assert await upgraded.sessions.find(connection, token) is not None
            item = await upgraded.items.find(connection, item_id)
            system = await upgraded.systems.find(connection, item.system)
        assert system is not None
        assert item.destination == system.destination != UPSTREAM
        assert isinstance(await upgraded.sign_in.password(LIN, PASSWORD, HERE), SignedIn)
        use = Use("session:s", system.destination, "")
        async with upgraded.database.write() as connection:
            ticket = await upgraded.tickets.issue(connection, item_id, use, actor=f"user:{user_id}", purpose="fill")
        with await upgraded.items.redeem(ticket, use) as secret:
            assert secret == b"legacy"
    async with open_house(settings, clock=clock) as again:
        assert await again.recovery.check() == {}
        async with again.database.read() as connection:
            times = select(func.count()).where(event_table.c.action == SIGNED)
            assert await connection.scalar(times) == 1


SYSTEM = "s" * 26
# A system that is not there gets no generation.
NOWHERE = Login(SYSTEM, None)
WANTED = LoginRequest(origin=UPSTREAM, method="POST", path="/login", kind="json", passwords={"/password": None})


def login_request_of_before(house: House, row_id: str, clock: FrozenClock) -> dict[str, Any]:
    """A login request as it was written and signed before it had an anchor."""
    values: dict[str, Any] = {"id": row_id * 26, "system_id": SYSTEM, "user_id": "u" * 26, "source": "learned"}
    values |= {"document": WANTED.model_dump(mode="json"), "created_at": clock.now(), "confirmed_at": clock.now()}
    return house.rows.signed(login_request_table, values)


async def back_to(house: House, revision: str) -> None:
    def downgrade(connection: Connection) -> None:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)

    async with house.database.schema() as connection:
        await connection.run_sync(downgrade)


async def test_login_requests_of_before_get_their_anchor_once_and_what_is_put_back_later_gets_none(
    house: House, settings: Settings, clock: FrozenClock
) -> None:
    kept, forged, deleted = (login_request_of_before(house, one, clock) for one in "abc")
    forged["user_id"] = "v" * 26
    await _forget_the_upgrade(house, ANCHORED)
    await back_to(house, "0007")
    async with house.database.write() as connection:
        for row in (kept, forged):
            await connection.execute(insert(login_request_table), row)
    async with open_house(settings, clock=clock) as upgraded:
        assert set(await upgraded.recovery.check()) == {f"row:connectors_login_request:{forged['id']}"}
        async with upgraded.database.write() as connection:
            counting = await upgraded.login_requests.known_for(connection, NOWHERE, "u" * 26)
            assert [one.id for one in counting.requests] == [kept["id"]]
            await connection.execute(insert(login_request_table), deleted)
    async with open_house(settings, clock=clock) as again:
        async with again.database.write() as connection:
            counting = await again.login_requests.known_for(connection, NOWHERE, "u" * 26)
            assert [one.id for one in counting.requests] == [kept["id"]]
            with pytest.raises(YimenError):
                await again.login_requests.withdraw(connection, deleted["id"], actor="user:x")
            await again.login_requests.withdraw(connection, kept["id"], actor="user:x")
            await connection.execute(delete(login_request_table).where(login_request_table.c.id == kept["id"]))
            await connection.execute(insert(login_request_table), kept)
        named = await again.recovery.check()
        assert set(named) == {f"row:connectors_login_request:{one['id']}" for one in (kept, forged, deleted)}
        async with again.database.read() as connection:
            assert not (await again.login_requests.known_for(connection, NOWHERE, "u" * 26)).requests


async def add_account(house: House, system_id: str, owner: str, destination: str) -> str:
    async with house.database.write() as connection:
        item = await house.items.add(
            connection,
            owner=owner,
            system=system_id,
            destination=destination,
            login="lin",
            secret=bytearray(b"legacy"),
            actor="x",
        )
    return item.id


async def as_it_was(house: House, system_id: str, login_requests: Sequence[dict[str, Any]]) -> None:
    """The database as the version before generations of logins left it: so many columns, signed so."""
    async with house.database.read() as connection:
        row = (await connection.execute(select(system_table).where(system_table.c.id == system_id))).one()
    new = {"login_generation", "recipe_version", MAC_COLUMN}
    signed = house.rows.signed(system_table, {name: row._mapping[name] for name in row._fields if name not in new})
    await _forget_the_upgrade(house, BOUND)
    await back_to(house, "0010")
    async with house.database.write() as connection:
        mine = system_table.c.id == system_id
        await connection.execute(update(system_table).where(mine).values({MAC_COLUMN: signed[MAC_COLUMN]}))
        for values in login_requests:
            await connection.execute(insert(login_request_table), house.rows.signed(login_request_table, values))


async def learned_before(house: House, system_id: str, user_id: str) -> dict[str, Any]:
    """A login request of before it had a generation."""
    async with house.database.write() as connection:
        await house.login_requests.learn(connection, Login(system_id, None), user_id, [WANTED])
        query = select(login_request_table).where(login_request_table.c.user_id == user_id)
        row = (await connection.execute(query)).one()
    return {name: row._mapping[name] for name in row._fields if name not in ("login_generation", MAC_COLUMN)}


async def test_accounts_and_login_requests_of_before_are_bound_to_their_systems_login_once(
    house: House, settings: Settings, clock: FrozenClock
) -> None:
    user_id, _, item_id = await furnish(house)
    async with house.database.read() as connection:
        system_id = (await house.items.find(connection, item_id)).system
    elsewhere = await add_account(house, system_id, f"user:{user_id}", "http://127.0.0.1:9002")
    spoiled = await add_account(house, system_id, "user:spoiled", UPSTREAM)
    await as_it_was(house, system_id, [await learned_before(house, system_id, user_id)])
    async with house.database.write() as connection:
        await connection.execute(update(item_table).where(item_table.c.id == spoiled).values(label="x"))
    for _ in range(2):
        async with open_house(settings, clock=clock) as upgraded:
            assert set(await upgraded.recovery.check()) == {"user:spoiled"}
            async with upgraded.database.read() as connection:
                system = await upgraded.systems.find(connection, system_id)
                assert system is not None
                ids = (item_id, elsewhere, spoiled)
                sealed_for = [(await upgraded.items.find(connection, one)).destination for one in ids]
                known = await upgraded.login_requests.known_for(connection, system.login, user_id)
                bound = await upgraded.ledger.latest(connection, (BOUND,), "rows")
            assert system.login_generation is not None
            assert sealed_for == [system.destination, "http://127.0.0.1:9002", UPSTREAM]
            assert [one.request for one in known.requests] == [WANTED]
            assert bound is not None
            assert (bound.detail["items"], bound.detail["left"]) == (1, 1)
            use = Use("session:s", system.destination, "")
            async with upgraded.database.write() as connection:
                ticket = await upgraded.tickets.issue(connection, item_id, use, actor="x", purpose="fill")
            with await upgraded.items.redeem(ticket, use) as secret:
                assert secret == b"legacy"


@pytest.mark.parametrize("action", [ANCHORED, BOUND])
async def test_nothing_is_given_anchors_or_bound_again_when_the_event_that_tells_of_it_is_deleted(
    house: House, settings: Settings, clock: FrozenClock, action: str
) -> None:
    async with house.database.write() as connection:
        await connection.execute(insert(login_request_table), login_request_of_before(house, "a", clock))
        if house.database.dialect == "sqlite":
            await connection.execute(text("DROP TRIGGER IF EXISTS vault_ledger_event_no_delete"))
        else:
            await connection.execute(text("DROP TRIGGER vault_ledger_event_append_only ON vault_ledger_event"))
        await connection.execute(delete(event_table).where(event_table.c.action == action))
    with pytest.raises(YimenError, match="ERR-LEDGER_TAMPERED"):
        async with open_house(settings, clock=clock):
            pass
    async with house.database.read() as connection:
        assert list(await connection.scalars(select(login_request_table.c[ANCHOR_COLUMN]))) == [None]


async def test_rows_are_signed_under_a_new_key_while_people_work(
    house: House, settings: Settings, clock: FrozenClock
) -> None:
    _, token, _ = await furnish(house)
    generation = house.sealer.row_keys.signing
    async with open_house(settings, clock=clock) as other:
        failures: list[BaseException] = []
        done = asyncio.Event()

        async def work() -> None:
            while not done.is_set():
                try:
                    async with other.database.read() as connection:
                        assert await other.sessions.find(connection, token) is not None
                    assert isinstance(await other.sign_in.password(LIN, PASSWORD, HERE), SignedIn)
                except Exception as error:
                    failures.append(error)
                    return

        working = asyncio.create_task(work())
        rotated = await house.rotation.rotate_rows(actor="operator:x")
        done.set()
        await working
        assert failures == []
        assert rotated.left == 0
        assert rotated.signed > 5
        assert house.sealer.row_keys.signing == generation + 1
        assert await house.recovery.check() == {}
        assert await other.recovery.check() == {}


async def test_a_row_that_somebody_else_wrote_is_not_signed_by_a_rotation(house: House) -> None:
    await furnish(house)
    async with house.database.write() as connection:
        await connection.execute(update(system_table).values(status="disabled"))
    rotated = await house.rotation.rotate_rows(actor="operator:x", grace=0)
    assert rotated.left > 0
    assert len(await house.recovery.check()) == 1
