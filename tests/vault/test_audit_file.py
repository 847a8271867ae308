"""An export proves itself, and every change to it is found and named."""

import asyncio
import base64
import hashlib
import json
import random
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from core.clock import FrozenClock
from core.database import Database
from tests.vault.test_ledger import drop_triggers
from vault.errors import VaultError
from vault.ledger import Event, Ledger
from vault.ledger.audit_format import BLOCK, marks_of
from vault.ledger.audit_reader import compressed, read_lines
from vault.ledger.checkpoints import VerifierKey
from vault.ledger.events import canonical, event_table
from vault.ledger.export import AuditFile
from vault.ledger.merkle import hash_leaf
from vault.ledger.query import LedgerQuery
from vault.ledger.verify import verify

EVENTS = 40


async def lines_of(pieces: AsyncIterator[bytes]) -> list[bytes]:
    return b"".join([piece async for piece in pieces]).splitlines(keepends=True)


@pytest.fixture
async def exported(database: Database, ledger: Ledger) -> list[bytes]:
    for number in range(EVENTS):
        actor = "user:lin" if number % 3 else "user:wang"
        await ledger.append(Event(action="launch", result="success", actor=actor, detail={"number": number}))
    return await lines_of(AuditFile(database, ledger).export())


@pytest.fixture
def key(ledger: Ledger) -> VerifierKey:
    return VerifierKey.parse(ledger.public_key())


async def test_a_fresh_export_is_good(exported: list[bytes], key: VerifierKey) -> None:
    report = verify(exported, key)
    assert (report.is_good, report.events, report.complete) == (True, EVENTS, True)


async def test_an_empty_ledger_exports_a_good_file(database: Database, ledger: Ledger, key: VerifierKey) -> None:
    report = verify(await lines_of(AuditFile(database, ledger).export()), key)
    assert (report.findings, report.events) == ([], 0)


async def test_a_filtered_export_is_good_and_misses_nothing_silently(
    database: Database, ledger: Ledger, exported: list[bytes], key: VerifierKey
) -> None:
    query = LedgerQuery(actor="user:wang")
    lines = await lines_of(AuditFile(database, ledger).export(query))
    assert verify(lines, key).is_good
    for removed in range(1, len(lines) - 1):
        report = verify(lines[:removed] + lines[removed + 1 :], key)
        assert not report.is_good


async def test_another_key_is_refused(exported: list[bytes], key: VerifierKey) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    foreign = VerifierKey(key.name, Ed25519PrivateKey.generate().public_key())
    assert not verify(exported, foreign).is_good


def _flip(lines: Sequence[bytes], at: int, chance: random.Random) -> list[bytes]:
    """One byte of one line becomes another, anywhere."""
    line = bytearray(lines[at])
    place = chance.randrange(len(line) - 1)
    line[place] = chance.choice([byte for byte in range(32, 127) if byte != line[place]])
    return [*lines[:at], bytes(line), *lines[at + 1 :]]


@pytest.mark.parametrize("seed", range(100))
async def test_a_random_mutation_is_found_and_named(exported: list[bytes], key: VerifierKey, seed: int) -> None:
    chance = random.Random(seed)
    at = chance.randrange(1, len(exported) - 1)
    other = chance.choice([place for place in range(1, len(exported) - 1) if place != at])
    kind = ("flip", "remove", "repeat", "exchange", "insert")[seed % 5]
    lines = list(exported)
    named = {f"position {at - 1}", _id(exported[at]), _id(exported[other])}
    if kind == "flip":
        lines = _flip(lines, at, chance)
        named = {_id(exported[at]), *(_id(line) for line in lines[at : at + 2])}
    elif kind == "remove":
        del lines[at]
    elif kind == "repeat":
        lines.insert(other, lines[at])
    elif kind == "exchange":
        lines[at], lines[other] = lines[other], lines[at]
    else:
        forged = lines[at].replace(b'"result":"success"', b'"result":"failure"')
        lines.insert(at, forged)
    report = verify(lines, key)
    assert not report.is_good
    assert any(finding.event in named for finding in report.findings), (kind, report.findings, named)


@pytest.mark.parametrize("cut", [1, 5, EVENTS, EVENTS + 1])
async def test_a_file_that_breaks_off_is_found(exported: list[bytes], key: VerifierKey, cut: int) -> None:
    assert not verify(exported[:cut], key).is_good
    assert not verify([*exported[:cut], exported[-1]], key).is_good


async def test_every_line_of_a_filtered_file_counts(
    database: Database, ledger: Ledger, exported: list[bytes], key: VerifierKey
) -> None:
    lines = await lines_of(AuditFile(database, ledger).export(LedgerQuery(actor="user:wang")))
    report = verify(lines, key)
    assert (report.is_good, report.events, report.complete) == (True, 14, False)
    chance = random.Random(7)
    for at in range(len(lines)):
        assert not verify(_flip(lines, at, chance), key).is_good
        assert not verify([*lines[:at], lines[at], *lines[at:]], key).is_good
        for other in range(at):
            exchanged = list(lines)
            exchanged[at], exchanged[other] = exchanged[other], exchanged[at]
            assert not verify(exchanged, key).is_good


async def test_a_span_of_time_is_a_run_that_misses_nothing_and_needs_only_its_edges(
    database: Database, clock: FrozenClock, ledger: Ledger, key: VerifierKey
) -> None:
    for number in range(300):
        clock.advance(timedelta(minutes=1))
        await ledger.append(Event(action="launch", result="success", detail={"number": number}))
    query = LedgerQuery(since=clock.now() - timedelta(minutes=150), until=clock.now() - timedelta(minutes=50))
    lines = await lines_of(AuditFile(database, ledger).export(query))
    report = verify(lines, key)
    assert (report.findings, report.events, report.complete) == ([], 101, False)
    skips = [line for line in lines if b'"skip"' in line]
    assert len(skips) == 2
    assert sum(line.count(b'","') for line in skips) < 20, "some nodes an edge, and no proof for each event"
    for removed in range(1, len(lines) - 1):
        assert not verify(lines[:removed] + lines[removed + 1 :], key).is_good


async def test_what_proves_one_file_proves_no_other(
    database: Database, ledger: Ledger, exported: list[bytes], key: VerifierKey
) -> None:
    """Somebody who has two genuine files, and no key, puts pieces of one into the other."""
    part = await lines_of(AuditFile(database, ledger).export(LedgerQuery(actor="user:wang")))
    assert not verify([exported[0], *part[1:]], key).is_good
    assert not verify([part[0], *exported[1:]], key).is_good
    assert not verify([*exported[:-1], part[-1]], key).is_good
    claims_all = part[0].replace(b'"complete":false', b'"complete":true')
    assert not verify([claims_all, *part[1:]], key).is_good


async def test_marks_that_go_with_a_changed_event_help_nobody(exported: list[bytes], key: VerifierKey) -> None:
    changed = exported[5].replace(b'"result":"success"', b'"result":"failure"')
    lines = [*exported[:5], changed, *exported[6:]]
    leaves = [hash_leaf(line[:-1]) for line in lines if line.startswith(b'{"action"')]
    marks = base64.b64encode(b"".join(marks_of(leaves))).decode()
    lines[-2] = canonical({"marks": marks, "next": EVENTS}) + b"\n"
    assert not verify(lines, key).is_good


async def test_an_event_that_was_changed_or_deleted_in_the_database_is_named_by_the_file(
    database: Database, ledger: Ledger, key: VerifierKey
) -> None:
    ids = [await ledger.append(Event(action="launch", result="success")) for _ in range(10)]
    await ledger.sequence()
    await drop_triggers(database)
    async with database.write() as connection:
        await connection.execute(update(event_table).where(event_table.c.id == ids[3]).values(actor="user:other"))
        await connection.execute(delete(event_table).where(event_table.c.id == ids[6]))
    report = verify(await lines_of(AuditFile(database, ledger).export()), key)
    assert {finding.event for finding in report.findings} >= {ids[3], "position 6"}
    async with database.read() as connection:
        for subject in (f"event:{ids[3]}", "position:6"):
            assert await ledger.latest(connection, ["vault.tamper"], subject) is not None


async def test_a_file_of_many_blocks_is_good_and_its_losses_are_named(
    database: Database, ledger: Ledger, key: VerifierKey
) -> None:
    count = 2 * BLOCK + 17
    await asyncio.gather(*(ledger.append(Event(action="launch", result="success")) for _ in range(count)))
    lines = await lines_of(AuditFile(database, ledger).export())
    report = verify(lines, key)
    assert (report.findings, report.events, report.complete) == ([], count, True)
    gone = verify([line for at, line in enumerate(lines) if at not in (7, BLOCK + 500)], key)
    assert {finding.event for finding in gone.findings} >= {"position 6", f"position {BLOCK + 498}"}
    unmarked = verify([line for line in lines if b'"marks"' not in line], key)
    assert not unmarked.is_good


async def test_a_compressed_file_is_read_as_it_is_and_damage_to_it_is_told(
    tmp_path: Path, database: Database, ledger: Ledger, exported: list[bytes], key: VerifierKey
) -> None:
    packed = b"".join([piece async for piece in compressed(AuditFile(database, ledger).export())])
    plain, gz = tmp_path / "audit.jsonl", tmp_path / "audit.jsonl.gz"
    plain.write_bytes(b"".join(exported))
    gz.write_bytes(packed)
    assert list(read_lines(plain)) == exported
    assert verify(read_lines(gz), key).is_good
    for damaged in (packed[: len(packed) // 2], packed[:-8] + b"\x00" * 8, packed[:30] + b"\xff" + packed[31:]):
        gz.write_bytes(damaged)
        with pytest.raises(VaultError, match="ERR-AUDIT_FILE"):
            verify(read_lines(gz), key)


async def test_a_line_without_end_is_read_in_pieces(tmp_path: Path, key: VerifierKey) -> None:
    endless = tmp_path / "audit.jsonl"
    endless.write_bytes(b'{"action":' * 500_000)
    assert max(len(line) for line in read_lines(endless)) < 3 << 20
    assert not verify(read_lines(endless), key).is_good


@pytest.fixture
async def first_format(database: Database, ledger: Ledger, exported: list[bytes]) -> list[bytes]:
    """The same events as a file of the first format, which is not written any more: each with a proof of its own."""
    async with database.read() as connection:
        note = await ledger.checkpoint(connection)
        events = [json.loads(line) for line in exported if line.startswith(b'{"action"')]
        proofs = [await ledger.inclusion_proof(connection, position, EVENTS) for position in range(EVENTS)]
    lines = [{"format": "yimen-audit/1", "complete": True, "size": EVENTS, "checkpoint": note}]
    for position, (event, proof) in enumerate(zip(events, proofs, strict=True)):
        encoded = [base64.b64encode(node).decode() for node in proof]
        lines.append({"position": position, "after": position - 1, "event": event, "proof": encoded})
    written = [canonical(line) + b"\n" for line in lines]
    digest = hashlib.sha256(b"".join(written)).digest()
    return [*written, canonical({"end": ledger.signer.named("export").sign(EVENTS, digest)}) + b"\n"]


async def test_a_file_of_the_first_format_is_proven_as_ever(first_format: list[bytes], key: VerifierKey) -> None:
    report = verify(first_format, key)
    assert (report.findings, report.events, report.complete) == ([], EVENTS, True)


@pytest.mark.parametrize("seed", range(20))
async def test_a_changed_file_of_the_first_format_is_found(
    first_format: list[bytes], key: VerifierKey, seed: int
) -> None:
    chance = random.Random(seed)
    at = chance.randrange(1, EVENTS)
    assert not verify(_flip(first_format, at, chance), key).is_good
    assert not verify(first_format[:at] + first_format[at + 1 :], key).is_good
    assert not verify([*first_format[:at], first_format[at], *first_format[at:]], key).is_good


@pytest.mark.parametrize("content", [[], [b""], [b"{}\n"], [b"not json\n"], [b"[" * 100_000]])
async def test_what_is_no_audit_file_is_said_to_be_none(key: VerifierKey, content: list[bytes]) -> None:
    assert not verify(content, key).is_good


async def test_csv_cannot_carry_a_formula(database: Database, ledger: Ledger) -> None:
    await ledger.append(Event(action="launch", result="success", actor="=cmd|'/c calc'!A1"))
    text = b"".join([line async for line in AuditFile(database, ledger).export_csv()]).decode("utf-8-sig")
    assert ",'=cmd" in text


def _id(line: bytes) -> str:
    return line.split(b'"id":"', 1)[1][:26].decode() if b'"id":"' in line else ""
