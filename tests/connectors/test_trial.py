"""`yimen forms` and `yimen recipe` against files and a real legacy server."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from core.errors import YimenError
from tests.connectors.legacy_system import LegacySystem, legacy, running
from tests.core.certificates import Issued
from web.cli import forms, recipe

__all__ = ["legacy"]
ROOT = Issued("county", authority=True)
RECIPE = """
id: oa
paths: [/oa/login.jsp, /captcha]
username: {name: yhm}
request: {path: /oa/logon.do, password_field: mm}
transform: md5(md5(password) + salt)
variables: {salt: {from: page, selector: "#salt"}}
"""
LOOPBACK = ["--allow", "127.0.0.0/8"]


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    file = tmp_path / "oa.yaml"
    file.write_text(RECIPE, encoding="utf-8")
    return file


def _forms(*arguments: str, text: bytes | None = None) -> Result:
    return CliRunner().invoke(forms.app, ["detect", *arguments], input=text)


def _recipe(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(recipe.app, list(arguments), input=text)


def _code(result: Result) -> str:
    assert result.exit_code == 1
    assert isinstance(result.exception, YimenError)
    return result.exception.code


def test_a_file_is_read_and_told_as_json(tmp_path: Path) -> None:
    file = tmp_path / "login.html"
    file.write_bytes('<form method="post"><input name="yhm"><input type="password" name="mm"></form>'.encode("gbk"))
    found = json.loads(_forms(str(file), "--json", "--url", "http://oa.test/x/login").stdout)
    assert [(field["role"], field["name"]) for field in found["fields"]] == [("username", "yhm"), ("password", "mm")]
    assert found["action"] == "http://oa.test/x/login"


def test_standard_input_is_read_in_the_charset_named() -> None:
    page = '<form method="post">口令<input type="password" name="mm"><button>登录</button></form>'.encode("gbk")
    found = json.loads(_forms("-", "--json", "--charset", "gbk", text=page).stdout)
    assert found["fields"][0]["label"] == "口令"


def test_a_page_at_an_address_is_fetched_past_its_redirect(legacy: LegacySystem) -> None:
    found = json.loads(_forms(legacy.origin, "--json", *LOOPBACK).stdout)
    assert found["url"] == f"{legacy.origin}/oa/login.jsp"
    assert found["charset"] == "gbk"
    assert found["submit"]["label"] == "登录"


def test_the_frames_of_a_page_are_looked_into(legacy: LegacySystem) -> None:
    found = json.loads(_forms(f"{legacy.origin}/frames", "--json", *LOOPBACK).stdout)
    assert found["url"] == f"{legacy.origin}/oa/login.jsp"
    assert "password" in [field["role"] for field in found["fields"]]


def test_the_table_shows_roles_and_reasons(legacy: LegacySystem) -> None:
    shown = _forms(legacy.origin, *LOOPBACK).stdout
    assert "username" in shown
    assert "帐号" in shown
    assert "type=password" in shown


def test_a_page_without_a_form_ends_with_the_code(legacy: LegacySystem) -> None:
    assert _code(_forms(f"{legacy.origin}/plain", *LOOPBACK)) == "ERR-FORMS"
    assert _code(_forms(f"{legacy.origin}/circle", *LOOPBACK)) == "ERR-UPSTREAM_ANSWER"
    assert _code(_forms("/no/such/file")) == "ERR-FORMS"


def test_an_address_that_is_not_allowed_is_not_fetched(legacy: LegacySystem) -> None:
    assert _code(_forms(legacy.origin)) == "ERR-OUTBOUND_ADDRESS"


def test_check_tells_every_mistake_of_every_file(recipe_file: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("id: X\nsubmits: maybe\n", encoding="utf-8")
    result = _recipe("check", str(recipe_file), str(broken))
    assert result.exit_code == 1
    assert "oa is well" in result.stdout
    assert "line 1, id" in result.stderr
    assert "line 2, submits" in result.stderr
    assert _recipe("check", str(recipe_file)).exit_code == 0


def test_try_says_what_the_recipe_finds_and_sends_nothing(recipe_file: Path, legacy: LegacySystem) -> None:
    result = _recipe("try", str(recipe_file), legacy.origin, *LOOPBACK)
    assert result.exit_code == 0, result.output
    assert 'username   input[name="yhm"]' in result.stdout
    assert "salt: found" in result.stdout
    assert legacy.attempts == []


def test_try_signs_in_once_with_the_password_that_is_typed(recipe_file: Path, legacy: LegacySystem) -> None:
    arguments = ("try", str(recipe_file), legacy.origin, "--login", "张三", *LOOPBACK)
    result = _recipe(*arguments, text=f"{legacy.password}\n")
    assert result.exit_code == 0, result.output
    assert "result     success" in result.stdout
    assert legacy.password not in result.output
    assert len(legacy.attempts) == 1
    assert legacy.attempts[0]["yhm"] == ["张三"]
    assert legacy.attempts[0]["go"] == ["登录"]
    assert legacy.cookies == ["SESSION=s1"]


@pytest.mark.parametrize("named", [None, "other", "county"])
def test_a_system_with_a_certificate_of_the_countys_own_is_tried_by_the_authority_that_is_named(
    recipe_file: Path, tmp_path: Path, named: str | None
) -> None:
    """As `upstream_ca` of the system says; without it nothing is sent."""
    authorities = {"other": Issued("other", authority=True), "county": ROOT}
    authority = tmp_path / "ca.pem"
    if named is not None:
        authority.write_text(authorities[named].pem)
    believing = ["--ca", str(authority)] if named is not None else []
    with running(Issued("oa", ROOT, address="127.0.0.1").serves(tmp_path)) as system:
        arguments = ("try", str(recipe_file), system.origin, "--login", "zs", *LOOPBACK, *believing)
        result = _recipe(*arguments, text=f"{system.password}\n")
        if named == "county":
            assert result.exit_code == 0, result.output
            found = json.loads(_forms(system.origin, "--json", *LOOPBACK, *believing).stdout)
            assert found["url"] == f"{system.origin}/oa/login.jsp"
        else:
            assert _code(result) == "ERR-UPSTREAM_TLS"
        assert len(system.attempts) == (named == "county")


def test_what_is_no_certificate_is_said_before_anything_is_sent(recipe_file: Path, legacy: LegacySystem) -> None:
    result = _recipe("try", str(recipe_file), legacy.origin, *LOOPBACK, "--ca", str(recipe_file))
    assert result.exit_code == 2
    assert "--ca" in result.output


def test_a_refusal_is_told_and_never_tried_again(recipe_file: Path, legacy: LegacySystem) -> None:
    result = _recipe("try", str(recipe_file), legacy.origin, "--login", "zs", *LOOPBACK, text="wrong\n")
    assert result.exit_code == 1
    assert "result     failure" in result.stdout
    assert len(legacy.attempts) == 1


def test_a_captcha_is_left_to_the_person(recipe_file: Path, legacy: LegacySystem) -> None:
    result = _recipe("try", str(recipe_file), f"{legacy.origin}/captcha", "--login", "zs", *LOOPBACK, text="x\n")
    assert _code(result) == "ERR-RECIPE_TRY"
    assert legacy.attempts == []


def test_a_missing_variable_sends_nothing(tmp_path: Path, legacy: LegacySystem) -> None:
    file = tmp_path / "oa.yaml"
    file.write_text(RECIPE.replace("#salt", "#nowhere"), encoding="utf-8")
    result = _recipe("try", str(file), legacy.origin, "--login", "zs", *LOOPBACK, text="x\n")
    assert _code(result) == "ERR-TRANSFORM"
    assert legacy.attempts == []


def test_a_page_outside_the_recipes_paths_is_refused(recipe_file: Path, legacy: LegacySystem) -> None:
    assert _code(_recipe("try", str(recipe_file), f"{legacy.origin}/plain", *LOOPBACK)) == "ERR-RECIPE_TRY"


def test_the_schema_is_printed() -> None:
    assert json.loads(_recipe("schema").stdout)["properties"]["transform"]
