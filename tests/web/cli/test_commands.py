"""The command line as an operator meets it: exit status, codes, and nothing half done."""

import base64
import json
import secrets
from importlib.metadata import version
from pathlib import Path

import pytest
from sqlalchemy import text, update

from core.database import Database
from tests.web.cli.conftest import COUNTY, Yimen
from vault.heads import item_table


async def test_apply_shows_a_diff_makes_it_true_and_repeats_nothing(yimen: Yimen, database: Database) -> None:
    status, said, _ = await yimen("apply", "-", "--dry-run", given=COUNTY)
    assert (status, "+ user lin" in said, "dry run" in said) == (0, True, True)
    assert (await yimen("user", "list"))[1] == ""
    status, said, _ = await yimen("apply", "-", "--json", given=COUNTY)
    assert (status, {step["verb"] for step in json.loads(said)}) == (0, {"create"})
    status, said, _ = await yimen("apply", "-", "--json", given=COUNTY.replace("林晓岚", "林晓兰"))
    changed = [step for step in json.loads(said) if step["verb"] != "keep"]
    nothing: dict[str, list[str]] = {"without_effect": [], "warnings": []}
    assert changed == [{"verb": "change", "kind": "user", "name": "lin", "fields": ["name"], **nothing}]


async def test_apply_says_which_client_metadata_has_no_effect(yimen: Yimen) -> None:
    client = {
        "client_id": "hall",
        "client_secret": "county-hall-secret-0123456789-abcdefgh",
        "redirect_uris": ["https://hall.example/callback"],
        "contacts": ["hall@qx.example"],
        "client_name#zh": "办事大厅",
        "require_signed_request_object": False,
    }
    ignored = {
        "dpop_bound_access_tokens": True,
        "require_pushed_authorization_requests": True,
        "id_token_encrypted_response_alg": "RSA-OAEP",
        "userinfo_signed_response_alg": "ES256",
        "backchannel_logout_uri": "https://hall.example/logout",
        "default_acr_values": ["urn:yimen:acr:2"],
    }
    county = json.dumps({"version": 1, "clients": [client | ignored]})
    status, said, _ = await yimen("apply", "-", "--dry-run", given=county)
    assert (status, f"! client hall: kept, but without effect: {', '.join(ignored)}" in said) == (0, True)
    status, said, _ = await yimen("apply", "-", "--json", given=county)
    assert (status, json.loads(said)[0]["without_effect"]) == (0, list(ignored))
    status, said, _ = await yimen("apply", "-", given=json.dumps({"version": 1, "clients": [client]}))
    assert (status, "!" in said) == (0, False)


async def test_a_name_that_the_terminal_cannot_show_ends_no_command(
    yimen: Yimen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has done its work by then, and says so with its status."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    status, said, complained = await yimen("apply", "-", given=COUNTY)
    assert (status, "applied" in said, "Traceback" in complained) == (0, True, False)
    status, said, _ = await yimen("user", "list")
    assert (status, "lin\t" in said) == (0, True)


async def test_it_says_which_version_it_is(yimen: Yimen) -> None:
    assert await yimen("--version") == (0, f"yimen {version('yimen')}\n", "")


async def test_a_dry_run_where_there_is_no_yimen_leaves_nothing(yimen: Yimen, tmp_path: Path) -> None:
    place = {"data_dir": str(tmp_path / "new"), "database_url": ""}
    status, said, complained = await yimen("apply", "-", "--dry-run", given=COUNTY, **place)
    assert (status, "+ user lin" in said, "nothing was changed" in said) == (0, True, True)
    # A slow machine says how far it is.
    assert [line for line in complained.splitlines() if not line.endswith("entries checked")] == []
    assert not (tmp_path / "new").exists()


async def test_apply_before_the_first_start_says_which_administrators_there_will_not_be(yimen: Yimen) -> None:
    _, _, complained = await yimen("apply", "-", given=COUNTY)
    assert "! nobody is audit_admin, system_admin:" in complained
    others = [{"username": role[:5], "name": role, "roles": [role]} for role in ("audit_admin", "system_admin")]
    _, _, complained = await yimen("apply", "-", given=json.dumps({"version": 1, "users": others}))
    assert "nobody is" not in complained


async def test_a_county_that_is_wrong_somewhere_changes_nothing(yimen: Yimen, database: Database) -> None:
    wrong = COUNTY + "  - {system: nowhere, owner: {user: lin}, login: lin, password: hunter2hunter2}\n"
    wrong = wrong.replace("items: [", "items:\n  - ").replace(
        "password: legacy-password}]", "password: legacy-password}"
    )
    status, said, complained = await yimen("apply", "-", given=wrong)
    assert status == 1
    assert "ERR-SYSTEM" in complained
    assert "nowhere" in complained
    assert "hunter2" not in said + complained
    assert (await yimen("user", "list"))[1] == ""


async def test_keys_rotate_and_everything_still_opens(yimen: Yimen, database: Database) -> None:
    assert (await yimen("apply", "-", given=COUNTY))[0] == 0
    status, said, _ = await yimen("keys", "rotate", "--owners")
    assert (status, "sealed again" in said) == (0, True)
    assert (await yimen("keys", "rotate", "--signing"))[0] == 0
    assert (await yimen("keys", "rotate", "--resume"))[0] == 0
    _, said, _ = await yimen("apply", "-", "--json", given=COUNTY)
    assert {step["verb"] for step in json.loads(said)} == {"keep"}


async def test_owner_keys_rotate_without_a_new_root_key(yimen: Yimen, tmp_path: Path) -> None:
    """A read-only custodian has one only when somebody put it there."""
    folder = tmp_path / "credentials"
    folder.mkdir()

    def put(name: str) -> None:
        (folder / name).write_text(base64.b64encode(secrets.token_bytes(32)).decode())
        (folder / name).chmod(0o600)

    put("root-1")
    own = {"custodian": "credential", "credential_dir": str(folder)}
    applied = await yimen("apply", "-", given=COUNTY, **own)
    assert applied[0] == 0, applied
    status, said, _ = await yimen("keys", "rotate", "--owners", **own)
    assert (status, "the root key stays, for no new one lies ready; items of 1 owners sealed again" in said) == (
        0,
        True,
    )
    status, _, complained = await yimen("keys", "rotate", **own)
    assert (status, "offers no new root key: put a file there" in complained) == (1, True)
    put("root-2")
    status, said, _ = await yimen("keys", "rotate", "--owners", **own)
    assert (status, "wrapped under the new root key; items of 1 owners sealed again" in said) == (0, True)
    assert (await yimen("vault", "check", **own))[0] == 0


async def test_accounts_that_were_changed_past_yimen_are_found_and_reset(yimen: Yimen, database: Database) -> None:
    assert (await yimen("apply", "-", given=COUNTY))[0] == 0
    assert (await yimen("vault", "check"))[:2] == (0, "every kept account, key, row and event is as Yimen left it\n")
    async with database.write() as connection:
        await connection.execute(update(item_table).values(version=7))
    status, said, complained = await yimen("vault", "check")
    assert (status, "ERR-ITEM_TAMPERED" in complained) == (1, True)
    owner = said.split(": ")[0]
    status, said, complained = await yimen("keys", "rotate", "--owners")
    assert (status, owner in complained) == (1, True)
    status, said, complained = await yimen("apply", "-", given=COUNTY)
    assert (status, "ERR-ITEM_TAMPERED" in complained) == (1, True)
    status, said, _ = await yimen("vault", "reset", owner, "--reason", "restored by hand", "--yes")
    assert (status, said) == (0, f"1 accounts of {owner} removed\n")
    assert (await yimen("apply", "-", given=COUNTY))[0] == 0
    assert (await yimen("vault", "check"))[0] == 0


async def test_people_are_listed_disabled_and_given_a_password(yimen: Yimen, database: Database) -> None:
    await yimen("apply", "-", given=COUNTY)
    assert (await yimen("user", "disable", "lin"))[0] == 0
    assert (await yimen("user", "list"))[1] == "lin\t林晓岚\tdisabled\tcadre\nzhou\t周安\tactive\tsecurity_admin\n"
    assert (await yimen("user", "reset-password", "lin"))[0] == 0
    status, _, complained = await yimen("user", "enable", "nobody")
    assert (status, complained) == (1, "yimen: ERR-USERNAME: there is no user nobody\n")


async def test_an_export_is_whole_or_not_there(yimen: Yimen, database: Database, tmp_path: Path) -> None:
    await yimen("apply", "-", given=COUNTY)
    whole = tmp_path / "audit.jsonl"
    assert (await yimen("audit", "export", "-o", str(whole)))[0] == 0
    key = (await yimen("audit", "key"))[1].strip()
    status, said, _ = await yimen("audit", "verify", str(whole), "--key", key)
    assert (status, "genuine" in said) == (0, True)
    status, said, _ = await yimen("audit", "export", "--until", "2026-01-01")
    _first, skipped, last = said.splitlines()  # nothing of that time: all of it is left out, and proven to be
    assert (status, '"skip"' in skipped, '"end"' in last) == (0, True, True)
    status, said, _ = await yimen("audit", "export", "--action", "apply")
    assert (status, '"action":"apply"' in said, '"action":"vault.rows_signed"' in said) == (0, True, False)
    status, _, complained = await yimen("audit", "export", "--since", "yesterday")
    assert (status, "2026-11-23T08:00" in complained) == (2, True)
    nowhere = tmp_path / "missing" / "audit.jsonl"
    status, _, complained = await yimen("audit", "export", "-o", str(nowhere))
    assert (status, "ERR-AUDIT_FILE" in complained) == (1, True)
    status, _, complained = await yimen("audit", "export", "-o", "/dev/full")
    assert (status, "ERR-AUDIT_FILE" in complained) == (1, True)
    assert Path("/dev/full").is_char_device()
    status, _, complained = await yimen("audit", "verify", str(whole), "--key", "nonsense")
    assert (status, "ERR-LEDGER" in complained) == (1, True)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"issuer": "http://sso.example.gov.cn"}, "YIMEN_ISSUER"),
        ({"issuer": "https://sso.example.gov.cn"}, "YIMEN_GATEWAY_DOMAIN"),
        ({"port": "many"}, "YIMEN_PORT"),
        ({"nonsense": "1"}, "YIMEN_NONSENSE"),
        ({"tls_cert": "/nowhere.pem"}, "YIMEN_TLS_KEY"),
        ({"retention_days": "10"}, "YIMEN_RETENTION_DAYS"),
        ({"custodian": "plaintext"}, "YIMEN_CUSTODIAN"),
    ],
)
async def test_an_unsafe_setting_is_refused_in_words(yimen: Yimen, settings: dict[str, str], named: str) -> None:
    status, _, complained = await yimen("serve", **settings)
    assert status == 1
    assert complained.startswith("yimen: ERR-SETTINGS: ")
    assert named in complained


async def test_a_key_file_that_others_can_read_is_refused(yimen: Yimen, database: Database, tmp_path: Path) -> None:
    await yimen("apply", "-", given=COUNTY)
    (tmp_path / "data" / "root.key").chmod(0o644)
    status, _, complained = await yimen("serve")
    assert (status, "ERR-CUSTODY" in complained) == (1, True)


@pytest.mark.parametrize("command", ["serve", "keys rotate", "apply -"])
async def test_a_key_file_nested_without_end_is_refused_in_one_line(
    yimen: Yimen, database: Database, tmp_path: Path, command: str
) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    key = tmp_path / "data" / "root.key"
    key.touch(mode=0o600)
    key.write_text("[" * 60_000, encoding="utf-8")
    status, _, complained = await yimen(*command.split(), given=COUNTY)
    assert status == 1
    assert "yimen: ERR-" in complained
    assert "Traceback" not in complained


@pytest.mark.parametrize("arguments", [("serve", "--port", "x"), ("nonsense",), ("audit", "verify"), ("apply",)])
async def test_wrong_usage_ends_with_status_2(yimen: Yimen, arguments: tuple[str, ...]) -> None:
    status, _, complained = await yimen(*arguments)
    assert status == 2
    assert complained


@pytest.mark.parametrize(
    ("arguments", "settings", "code"),
    [
        ("user list", {"database_url": "postgresql://x:hunter2pw@127.0.0.1:1/y"}, "ERR-DATABASE"),
        ("serve", {"database_url": "sqlite:////nowhere/at/all.db"}, "ERR-DATABASE"),
        ("migrate", {"database_url": "hunter2pw"}, "ERR-DATABASE_URL"),
        ("migrate", {"database_url": "postgresql://x:hunter2pw@127.0.0.1:port/y"}, "ERR-DATABASE_URL"),
        ("migrate", {"database_url": "postgresql://x:hunter2pw@/y?host=127.0.0.1:1"}, "ERR-DATABASE: 127.0.0.1:1/y: "),
        ("migrate", {"database_url": "postgresql://x:hunter2pw@/y?host=a:1&host=b&port=1"}, "ERR-DATABASE_URL"),
        ("migrate", {"database_url": "mysql://x:hunter2pw@127.0.0.1/y"}, "ERR-DATABASE_URL: YIMEN_DATABASE_URL"),
        ("migrate", {"database_url": "sqlite://"}, "ERR-DATABASE_URL: SQLite needs a file"),
        ("serve", {"database_url": "sqlite:///:memory:"}, "ERR-DATABASE_URL: SQLite needs a file"),
        ("migrate", {"data_dir": "/proc/none"}, "ERR-SETTINGS"),
        ("serve --host 192.0.2.1", {}, "ERR-LISTEN"),
        ("serve --tls-cert /dev/null --tls-key /dev/null", {}, "ERR-SETTINGS"),
        ("forms detect http://127.0.0.1:99999/", {}, "ERR-ORIGIN"),
    ],
)
async def test_what_cannot_work_is_said_in_one_line(
    yimen: Yimen, arguments: str, settings: dict[str, str], code: str
) -> None:
    status, said, complained = await yimen(*arguments.split(), **settings)
    assert status == 1
    assert f"yimen: {code}" in complained
    assert "Traceback" not in complained
    assert "hunter2pw" not in said + complained


async def test_a_wrong_setting_makes_no_new_county(yimen: Yimen, tmp_path: Path) -> None:
    status, _, complained = await yimen("user", "list", data_dir=str(tmp_path / "typo"), database_url="")
    assert (status, "there is no Yimen here" in complained) == (1, True)
    assert not (tmp_path / "typo").exists()


async def test_a_newer_database_is_left_alone(yimen: Yimen, tmp_path: Path) -> None:
    own = f"sqlite:///{tmp_path / 'newer.db'}"
    assert (await yimen("migrate", database_url=own))[0] == 0
    database = Database(own)
    async with database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await database.close()
    for command in (["migrate"], ["user", "list"], ["serve"]):
        status, _, complained = await yimen(*command, database_url=own)
        assert (status, "ERR-DATABASE: the database is at 9999" in complained) == (1, True)


async def test_a_county_nested_without_end_is_refused(yimen: Yimen) -> None:
    status, _, complained = await yimen("apply", "-", given="[" * 50_000)
    assert (status, "ERR-APPLY_FILE" in complained) == (1, True)
