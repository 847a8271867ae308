"""No statement of a hot path reads a whole table: each is recorded as it runs, and explained in a filled database."""

import gc
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import asyncpg
import pytest
from sqlalchemy import ClauseElement, Executable, Table, make_url
from sqlalchemy.sql.util import find_tables

from core.clock import FrozenClock
from core.database import Database, Prepared, Values, metadata
from core.database.statements import Call, Statements
from core.expiry import Expiry
from tests.web.agent import Agent
from tests.web.conftest import PASSWORD
from tests.web.filled import GROWING, fill
from tests.web.protocol.conftest import Flow
from vault.ledger import Event
from vault.ledger.query import LedgerQuery
from vault.tickets import Use
from web.composition import House

_NAMES = {table.name for table in GROWING}
_SEQ_SCAN = re.compile(r"Seq Scan on (\w+)")
_SCAN = re.compile(r"SCAN (\w+?)(?:_\d+)?(?: |$)")


@dataclass
class Recorded:
    """The texts that ran, each once."""

    texts: dict[str, None] = field(default_factory=dict)


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    recorded, call = Recorded(), Statements.call

    def recording(self: Statements, statement: Executable | Prepared, given: Values) -> Call:
        made = call(self, statement, given)
        recorded.texts[made.text] = None
        return made

    monkeypatch.setattr(Statements, "call", recording)
    return recorded


async def everything_hot(house: House, flow: Flow, agent: Agent, user_id: str) -> None:
    for password in ("not the password", PASSWORD):
        await agent.sign_in("lin", password)
    tokens = await flow.tokens(scope="openid offline_access", prompt="consent")
    again = await flow.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert again.status_code == 200
    access = again.json()["access_token"]
    assert (await flow.userinfo(access)).status_code == 200
    assert await flow.is_active(access)
    assert (await flow.token(grant_type="client_credentials")).status_code == 200
    await flow.post("/revoke", token=access)
    await flow.authorize()
    await release(house, user_id)


async def release(house: House, user_id: str) -> None:
    use = Use(holder="session:test", destination="http://10.0.0.1", recipe_hash="")
    async with house.database.write() as connection:
        item = await house.items.add(
            connection,
            owner=f"user:{user_id}",
            system="s1",
            destination="http://10.0.0.1",
            login="lin",
            secret=bytearray(b"legacy-password"),
            actor="operator:test",
        )
    async with house.database.write() as connection:
        ticket = await house.tickets.issue(connection, item.id, use, actor=f"user:{user_id}", purpose="fill")
    with await house.items.redeem(ticket, use):
        pass


async def test_each_statement_uses_an_index(
    house: House,
    flow: Flow,
    agents: Callable[[], Agent],
    lin: str,
    clock: FrozenClock,
    recorded: Recorded,
) -> None:
    await fill(house.database, clock.now())
    recorded.texts.clear()
    await everything_hot(house, flow, agents(), lin)
    await house.ledger.append(Event(action="launch", result="success"))
    await house.ledger.sequence()
    await house.audit.query(LedgerQuery(actor=f"user:{lin}"))
    await Expiry(house.database, clock).run()
    texts = [*recorded.texts, *prepared(house.database)]
    scans = {text: found for text in texts if (found := await scanned(house, text))}
    assert not scans, "\n".join(f"{sorted(tables)}: {statement}" for statement, tables in scans.items())
    assert await scanned(house, "SELECT id FROM sso_user WHERE status = 'x'") == {"sso_user"}, "a scan would be seen"
    assert len(texts) > 60


def prepared(database: Database) -> Iterator[str]:
    """Statements of the product's tables that are put together once, whether or not they ran here."""
    from core.database.postgresql import dialect as postgresql
    from core.database.sqlite import dialect as sqlite

    dialect = sqlite() if database.dialect == "sqlite" else postgresql()
    for one in gc.get_objects():
        # `isinstance` would ask each object for its class, and some are proxies that answer with an error.
        if type(one) is not Prepared or getattr(one.statement, "is_insert", False):
            continue
        statement = cast(ClauseElement, one.statement)
        tables = find_tables(statement, check_columns=True, include_crud=True, include_joins=True)
        if all(table.metadata is metadata for table in tables if isinstance(table, Table)):
            yield one.made(dialect, {}).text


async def scanned(house: House, text: str) -> set[str]:
    """Tables that grow, and that the statement reads from one end to the other."""
    if not text.lstrip().startswith(("SELECT", "UPDATE", "DELETE", "WITH", "INSERT")):
        return set()
    if house.database.dialect == "postgresql":
        return {name for line in await _plan(house, text) for name in _SEQ_SCAN.findall(line) if name in _NAMES}
    arguments = [None] * text.count("?")
    async with house.database.read() as connection:
        plan: Any = await connection._once(Call("EXPLAIN QUERY PLAN " + text, arguments, None, tells=True))
    lines = [str(row.detail) for row in plan]
    if "LIMIT" in text and not any("TEMP B-TREE" in line for line in lines):
        return set()  # in the order of an index, and no further than wanted
    return {name for line in lines for name in _SCAN.findall(line) if name in _NAMES}


async def _plan(house: House, text: str) -> list[str]:
    """The plan that PostgreSQL keeps for a prepared statement, whatever its arguments are."""
    url = make_url(house.settings.database_url or "").set(drivername="postgresql")
    raw = await asyncpg.connect(url.render_as_string(hide_password=False))
    try:
        await raw.execute("SET plan_cache_mode = force_generic_plan")
        await raw.execute(f"PREPARE explained AS {text}")
        count = max((int(number) for number in re.findall(r"\$(\d+)", text)), default=0)
        given = f"({', '.join(['NULL'] * count)})" if count else ""
        return [row[0] for row in await raw.fetch(f"EXPLAIN EXECUTE explained{given}")]
    finally:
        await raw.close()
