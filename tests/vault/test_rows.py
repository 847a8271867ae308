"""DESIGN §4a.25: a row that gives power is signed. What somebody else writes is refused where it is read, and told."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, String, Table, select, text, update

from core.database import Bytes, Database, Day, Json, UtcDateTime
from core.integrity import MAC_COLUMN, harmless, mac_column, signed
from tests.conftest import BACKEND
from vault.errors import VaultError
from vault.keys.sealing import Sealer
from vault.ledger import Ledger
from vault.ledger.queries import LedgerQueries, LedgerQuery
from vault.row_form import RowForm
from vault.rows import SignedRows, columns_of

pytestmark = pytest.mark.every_case

_scratch = MetaData()
paper = Table(
    "scratch_paper",
    _scratch,
    Column("id", String(26), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("number", BigInteger),
    Column("valid", Boolean),
    Column("seal", Bytes),
    Column("document", Json),
    Column("at", UtcDateTime),
    Column("day", Day),
    Column("seen_at", UtcDateTime),
    mac_column(),
    info=signed(left_out={"seen_at": "harmless, because it is only shown"}),
)
AT = datetime(2026, 11, 23, 8, 0, 0, 123456, tzinfo=UTC)
FULL: dict[str, Any] = {
    "id": "one",
    "holder": "张三",
    "number": 2**40,
    "valid": True,
    "seal": b"\x00\xff",
    "document": {"b": [1, 2.5, None], "a": {"é": True}},
    "at": AT,
    "day": date(2026, 11, 23),
}


@pytest.fixture
async def papers(database: Database, rows: SignedRows) -> SignedRows:
    async with database.schema() as connection:
        await connection.run_sync(_scratch.create_all)
    return rows


async def tampers(database: Database, ledger: Ledger) -> list[str]:
    await ledger.told()
    page = await LedgerQueries(database).query(LedgerQuery(action="vault.tamper"))
    return [str(event.subject) for event in page.events]


async def read(database: Database) -> Any:
    async with database.read() as connection:
        return (await connection.execute(select(paper))).one()


async def test_a_row_is_read_as_it_was_written_whatever_its_columns_hold(
    database: Database, papers: SignedRows
) -> None:
    async with database.write() as connection:
        await papers.insert(connection, paper, **FULL, seen_at=AT)
        await papers.insert(connection, paper, id="two", holder="")
    async with database.read() as connection:
        for row in await connection.execute(select(paper)):
            papers.require(paper, row)
        for row in await connection.execute(select(*columns_of(paper, "paper_"))):
            papers.require(paper, row, "paper_")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", "other"),
        ("holder", "李四"),
        ("number", 2**40 + 1),
        ("number", None),
        ("valid", False),
        ("seal", b"\x00\xfe"),
        ("document", {"b": [1, 2.5], "a": {"é": True}}),
        ("at", datetime(2026, 11, 23, 8, 0, 0, 123457, tzinfo=UTC)),
        ("day", date(2026, 11, 24)),
        (MAC_COLUMN, None),
        (MAC_COLUMN, b"\x00\x00\x00\x01" + bytes(32)),
        (MAC_COLUMN, b""),
    ],
)
async def test_a_changed_row_is_refused_and_told_to_the_ledger_once(
    database: Database, ledger: Ledger, papers: SignedRows, column: str, value: object
) -> None:
    async with database.write() as connection:
        await papers.insert(connection, paper, **FULL)
    papers.require(paper, await read(database))
    async with database.write() as connection:
        await connection.execute(update(paper).values({column: value}))
    for _ in range(3):
        with pytest.raises(VaultError) as refused:
            papers.require(paper, await read(database))
        assert refused.value.code == "ERR-ROW_TAMPERED"
    assert len(await tampers(database, ledger)) == 1


@pytest.mark.skipif(BACKEND != "sqlite", reason="PostgreSQL lets no value of another type stand in a column")
@pytest.mark.parametrize("column", ["holder", "number", "seal", "document", "at", "day"])
@pytest.mark.parametrize("value", ["'x'", "x'ff'", "9e999", "12", "''"])
async def test_a_value_of_another_kind_is_refused_in_words(
    database: Database, papers: SignedRows, column: str, value: str
) -> None:
    async with database.write() as connection:
        await papers.insert(connection, paper, **FULL)
        await connection.execute(text(f"UPDATE scratch_paper SET {column} = {value}"))
    assert not papers.is_genuine(paper, await read(database))


async def test_a_column_that_is_left_out_is_anybodys(database: Database, papers: SignedRows) -> None:
    async with database.write() as connection:
        await papers.insert(connection, paper, **FULL)
        await connection.execute(update(paper).values(seen_at=AT))
    papers.require(paper, await read(database))


async def test_a_row_is_signed_again_only_when_it_is_ours(database: Database, papers: SignedRows) -> None:
    async with database.write() as connection:
        await papers.insert(connection, paper, **FULL)
        before = await papers.change(connection, paper, {"id": "one"}, holder="李四")
        assert before is not None
        assert before.holder == "张三"
        assert await papers.change(connection, paper, {"id": "one"}, paper.c.number == 3, holder="x") is None
        assert await papers.change(connection, paper, {"id": "none"}, holder="x") is None
    row = await read(database)
    papers.require(paper, row)
    assert row.holder == "李四"
    async with database.write() as connection:
        await connection.execute(update(paper).values(holder="王五"))
        with pytest.raises(VaultError):
            await papers.change(connection, paper, {"id": "one"}, number=3)


async def test_the_mac_belongs_to_its_table(database: Database, sealer: Sealer, papers: SignedRows) -> None:
    other = Table(
        "scratch_other",
        MetaData(),
        *(Column(column.name, column.type, primary_key=column.primary_key) for column in paper.c),
        info=paper.info,
    )
    async with database.write() as connection:
        await papers.insert(connection, paper, **FULL)
    row = await read(database)
    assert papers.is_genuine(paper, row)
    assert not papers.is_genuine(other, row)


def test_a_signed_row_is_not_written_in_part(rows: SignedRows) -> None:
    with pytest.raises(TypeError, match="needs holder"):
        rows.signed(paper, {"id": "one"})


def test_a_table_without_signed_rows_has_no_form() -> None:
    plain = Table("scratch_plain", MetaData(), Column("id", Integer, primary_key=True), info=harmless(because="a test"))
    with pytest.raises(TypeError):
        RowForm(plain)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_values = st.fixed_dictionaries(
    {
        "id": st.text(max_size=3),
        "holder": st.text(max_size=3),
        "number": st.none() | st.integers(-(2**63), 2**63 - 1),
        "valid": st.none() | st.booleans(),
        "seal": st.none() | st.binary(max_size=4),
        "document": _json,
        "at": st.none() | st.datetimes(timezones=st.just(UTC)),
        "day": st.none() | st.dates(),
    }
)


@given(_values, _values)
def test_two_different_rows_never_have_the_same_bytes(one: dict[str, Any], other: dict[str, Any]) -> None:
    form = RowForm(paper)
    same = form.bytes_of(form.values_of(one)) == form.bytes_of(form.values_of(other))
    assert same == (_exact(one) == _exact(other))


@given(_json, st.text())
def test_a_row_is_json_as_the_standard_library_writes_it(document: Any, holder: str) -> None:
    """What was signed with one writer of JSON holds with another."""
    form = RowForm(paper)
    content = {"id": "a", "holder": holder} | ({"document": document} if document is not None else {})
    expected = json.dumps(["scratch_paper", content], sort_keys=True, separators=(",", ":"))
    assert form.bytes_of(form.values_of({**content, "document": document})) == expected.encode()


def _exact(value: Any) -> Any:
    """What tells 1 from 1.0 and from True, where == does not; members in any order are the same document."""
    if isinstance(value, dict):
        return {key: _exact(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_exact(member) for member in value]
    return (type(value).__name__, repr(value))


@given(st.datetimes(timezones=st.timezones()))
def test_an_instant_has_one_form_in_every_zone(at: datetime) -> None:
    form = RowForm(paper)
    row = {"id": "a", "holder": "b"}
    assert form.bytes_of(form.values_of({**row, "at": at})) == form.bytes_of(
        form.values_of({**row, "at": at.astimezone(UTC)})
    )
