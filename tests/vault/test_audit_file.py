"""An export proves itself, and every change to it is found and named."""

import random
from collections.abc import AsyncIterator, Sequence

import pytest

from core.database import Database
from vault.ledger import Event, Ledger
from vault.ledger.checkpoints import VerifierKey
from vault.ledger.export import AuditFile
from vault.ledger.queries import LedgerQuery
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
    assert not verify([*exported[:cut], exported[-1]], key).is_good or cut == EVENTS + 1


@pytest.mark.parametrize("content", [[], [b""], [b"{}\n"], [b"not json\n"], [b"[" * 100_000]])
async def test_what_is_no_audit_file_is_said_to_be_none(key: VerifierKey, content: list[bytes]) -> None:
    assert not verify(content, key).is_good


async def test_csv_cannot_carry_a_formula(database: Database, ledger: Ledger) -> None:
    await ledger.append(Event(action="launch", result="success", actor="=cmd|'/c calc'!A1"))
    text = b"".join([line async for line in AuditFile(database, ledger).export_csv()]).decode("utf-8-sig")
    assert ",'=cmd" in text


def _id(line: bytes) -> str:
    return line.split(b'"id":"', 1)[1][:26].decode() if b'"id":"' in line else ""
