import asyncio
import base64
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keyring.backend import KeyringBackend
from keyring.backends import fail, null

from core.clock import FrozenClock
from core.database import Database
from core.settings import Settings
from vault.errors import VaultError
from vault.heads import Heads
from vault.items import Items
from vault.keys.custody import KeyringCustodian, open_custodian
from vault.keys.keyring_backends import KeyFileKeyring
from vault.keys.sealing import Binding, Sealer
from vault.keys.signing import signing_key
from vault.keys.store import root_table
from vault.keys.suites import SUITES, SuiteName
from vault.ledger import Ledger
from vault.rotation import RotatedOwners, Rotation
from vault.rows import SignedRows
from vault.tickets import Tickets, Use

HERE = Binding("user:a", "zhihui", "item1", 1, "password/1")


@pytest.mark.parametrize("suite", list(SuiteName))
@given(plaintext=st.binary(max_size=300), aad=st.binary(max_size=50), data=st.data())
def test_a_suite_opens_what_it_sealed_and_nothing_else(
    suite: SuiteName, plaintext: bytes, aad: bytes, data: st.DataObject
) -> None:
    cipher = SUITES[suite]
    key, nonce = os.urandom(cipher.key_bytes), os.urandom(12)
    sealed = cipher.encrypt(key, nonce, plaintext, aad)
    assert bytes(cipher.decrypt(key, nonce, sealed, aad)) == plaintext
    flipped = bytearray(sealed)
    flipped[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    for wrong in (bytes(flipped), sealed[:-1], b""):
        with pytest.raises(VaultError):
            cipher.decrypt(key, nonce, wrong, aad)
    with pytest.raises(VaultError):
        cipher.decrypt(key, nonce, sealed, aad + b"x")


def test_sm4_gcm_gives_the_known_answer_of_rfc_8998() -> None:
    """RFC 8998 appendix A.1."""
    key = bytes.fromhex("0123456789abcdeffedcba9876543210")  # pragma: allowlist secret
    nonce = bytes.fromhex("00001234567800000000abcd")
    aad = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")  # pragma: allowlist secret
    plaintext = b"".join(bytes([value]) * 8 for value in (0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF, 0xEE, 0xAA))
    sealed = SUITES[SuiteName.SM4].encrypt(key, nonce, plaintext, aad)
    assert sealed.hex() == (
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"  # pragma: allowlist secret
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"  # pragma: allowlist secret
        "83de3541e4c2b58177e065a9bf7b62ec"  # pragma: allowlist secret
    )


@pytest.mark.parametrize(
    "elsewhere",
    [
        Binding("user:b", "zhihui", "item1", 1, "password/1"),
        Binding("user:a", "other", "item1", 1, "password/1"),
        Binding("user:a", "zhihui", "item2", 1, "password/1"),
        Binding("user:a", "zhihui", "item1", 2, "password/1"),
        Binding("user:a", "zhihui", "item1", 1, "login/1"),
        Binding("user:a", "zhihuii", "tem1", 1, "password/1"),
    ],
)
async def test_an_envelope_opens_in_its_own_place_only(database: Database, sealer: Sealer, elsewhere: Binding) -> None:
    async with database.write() as connection:
        sealed = await sealer.seal(connection, HERE, b"value")
        with await sealer.open(connection, HERE, sealed) as plain:
            assert bytes(plain) == b"value"
        with pytest.raises(VaultError, match="ERR-SEAL"):
            await sealer.open(connection, elsewhere, sealed)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(garbage=st.binary(max_size=200))
async def test_garbage_is_refused_with_a_code(database: Database, sealer: Sealer, garbage: bytes) -> None:
    async with database.read() as connection:
        with pytest.raises(VaultError, match="ERR-SEAL"):
            await sealer.open(connection, HERE, garbage)


async def test_either_suite_opens_what_the_other_sealed(
    database: Database, custodian: KeyringCustodian, clock: FrozenClock
) -> None:
    aes, sm4 = (Sealer(database, custodian, name, clock) for name in ("aes", "sm4"))
    await aes.prepare()
    await sm4.prepare()
    async with database.write() as connection:
        first = await aes.seal(connection, HERE, b"old")
        second = await sm4.seal(connection, HERE, b"new")
        assert (first[1], second[1]) == (1, 2)
        with await sm4.open(connection, HERE, first) as old, await aes.open(connection, HERE, second) as new:
            assert (bytes(old), bytes(new)) == (b"old", b"new")
    assert aes.mac("index", b"x") == sm4.mac("index", b"x")


async def test_processes_that_start_together_agree_on_one_root_key(
    database: Database, clock: FrozenClock, tmp_path: Path
) -> None:
    sealers = [
        Sealer(
            database, open_custodian("keyfile", key_file=tmp_path / "k" / "r.key", credential_dir=None), "aes", clock
        )
        for _ in range(4)
    ]
    await asyncio.gather(*(sealer.prepare() for sealer in sealers))
    assert len({sealer.mac("x", b"y") for sealer in sealers}) == 1


async def test_a_lost_or_replaced_root_key_is_a_clear_refusal(
    database: Database, sealer: Sealer, clock: FrozenClock, tmp_path: Path
) -> None:
    key_file = tmp_path / "keys" / "root.key"
    kept = key_file.read_text()
    key_file.unlink()
    fresh = Sealer(database, open_custodian("keyfile", key_file=key_file, credential_dir=None), "aes", clock)
    with pytest.raises(VaultError, match=r"does not hold the root key .*restore it"):
        await fresh.prepare()
    key_file.write_text(kept.replace('": "', '": "AAAA')[:-2] + "}}")
    key_file.chmod(0o600)
    with pytest.raises(VaultError, match="ERR-CUSTODY"):
        await Sealer(
            database, open_custodian("keyfile", key_file=key_file, credential_dir=None), "aes", clock
        ).prepare()


def test_the_key_file_is_private_and_a_public_one_is_refused(tmp_path: Path) -> None:
    key_file = tmp_path / "root.key"
    custodian = open_custodian("keyfile", key_file=key_file, credential_dir=None)
    custodian.write("root-1", os.urandom(32))
    assert key_file.stat().st_mode & 0o777 == 0o600
    key_file.chmod(0o644)
    with pytest.raises(VaultError, match=r"0644 and can be read by others; chmod 600"):
        custodian.read("root-1")


@pytest.mark.parametrize("backend", [fail.Keyring, null.Keyring])
def test_backends_that_do_not_keep_secrets_are_refused(backend: type[KeyringBackend]) -> None:
    with pytest.raises(VaultError, match="is not allowed"):
        KeyringCustodian(backend(), "bad", writable=True)


def test_a_strangers_backend_is_refused_even_if_it_calls_itself_secure() -> None:
    class PlaintextKeyring(KeyringBackend):
        priority = 99.0

        def get_password(self, service: str, username: str) -> str | None:
            return None

        def set_password(self, service: str, username: str, password: str) -> None: ...

    with pytest.raises(VaultError, match="PlaintextKeyring is not allowed"):
        KeyringCustodian(PlaintextKeyring(), "bad", writable=True)  # type: ignore[no-untyped-call]


async def test_mounted_credentials_give_the_root_key(database: Database, clock: FrozenClock, tmp_path: Path) -> None:
    mounted = tmp_path / "credentials"
    mounted.mkdir()
    (mounted / "root-2026").write_text(base64.b64encode(os.urandom(32)).decode() + "\n")
    (mounted / "root-2026").chmod(0o440)
    custodian = open_custodian("auto", key_file=tmp_path / "none", credential_dir=mounted)
    sealer = Sealer(database, custodian, "aes", clock)
    await sealer.prepare()
    async with database.read() as connection:
        assert await connection.scalar(root_table.select()) == "root-2026"
    with pytest.raises(VaultError, match="read-only"):
        custodian.write("root-2027", os.urandom(32))


async def test_systemd_gives_the_folder_of_credentials(
    database: Database, clock: FrozenClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    for name, content in (("root-2026", base64.b64encode(os.urandom(32))), ("tls.key", b"PEM"), ("zz", b"-")):
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o400)
    settings = Settings(data_dir=tmp_path / "data")
    custodian = open_custodian("auto", key_file=settings.effective_key_file, credential_dir=settings.credential_dir)
    await Sealer(database, custodian, "aes", clock).prepare()
    async with database.read() as connection:
        assert await connection.scalar(root_table.select()) == "root-2026"
    assert not settings.effective_key_file.exists()
    with pytest.raises(VaultError, match="does not hold the root key zz"):
        custodian.read("zz")
    assert Settings(credential_dir=tmp_path / "other").credential_dir == tmp_path / "other"


def test_credentials_without_a_root_key_never_make_a_new_key_file(tmp_path: Path) -> None:
    key_file = tmp_path / "root.key"
    (tmp_path / "tls.key").write_text("PEM")
    chosen = open_custodian("auto", key_file=key_file, credential_dir=tmp_path)
    assert (chosen.writable, chosen.offered()) == (False, [])
    KeyFileKeyring(key_file).set_password("yimen", "root-1", "AAAA")
    assert open_custodian("auto", key_file=key_file, credential_dir=tmp_path).name == f"key file {key_file}"


async def test_rotation_keeps_everything_openable_and_can_be_interrupted(
    database: Database, clock: FrozenClock, custodian: KeyringCustodian, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealer = Sealer(database, custodian, "aes", clock)
    await sealer.prepare()
    heads = Heads(ledger, await signing_key(database, sealer, "heads"))
    items = Items(database, clock, sealer, ledger, heads, Tickets(clock, SignedRows(sealer, ledger)))
    for owner in ("user:a", "user:b", "user:c"):
        async with database.write() as connection:
            await items.add(
                connection,
                owner=owner,
                system="s",
                destination="http://h",
                login="l",
                secret=bytearray(b"pw"),
                actor=owner,
            )
    mac = sealer.mac("x", b"y")
    rotation = Rotation(database, clock, sealer, items, ledger, SignedRows(sealer, ledger))

    async def killed() -> int:
        raise ConnectionError

    monkeypatch.setattr(rotation, "resume", killed)
    with pytest.raises(ConnectionError):
        await rotation.rotate_root(actor="operator:x")
    monkeypatch.undo()
    assert await rotation.resume() > 3
    assert await rotation.resume() == 0
    assert await rotation.rotate_owners(actor="operator:x") == RotatedOwners(3, ())
    restarted = Sealer(database, custodian, "sm4", clock)
    await restarted.prepare()
    assert restarted.mac("x", b"y") == mac
    fresh = Items(database, clock, restarted, ledger, heads, Tickets(clock, SignedRows(sealer, ledger)))
    use = Use("session:s", "http://h", "r")
    async with database.read() as connection:
        kept = await fresh.list(connection, owners=["user:a", "user:b", "user:c"])
        roots = (await connection.execute(root_table.select())).all()
    assert len(roots) == 2
    for item in kept:
        async with database.write() as connection:
            token = await items.tickets.issue(connection, item.id, use, actor="user:a", purpose="fill")
        with await fresh.redeem(token, use) as secret:
            assert bytes(secret) == b"pw"
