"""The texts: both languages complete, nothing missing, nothing left over, nothing written into a template."""

import re
import string
from pathlib import Path

import pytest

from web.i18n import LOCALES, Catalogue, catalogue, choose_locale

WEB = Path(__file__).resolve().parents[2] / "web"
TEMPLATES = sorted((WEB / "templates").glob("*.html"))
# Keys that are put together at run time, with the code that does it.
COMPOSED = {
    "errors.": "Catalogue.error",
    "advice.": "error.html",
    "terms.": "Catalogue.error",
    "actions.": "web/pages/names.py",
    "troubles.": "audit.html",
    "accounts.frozen_reason.": "web/pages/accounts.py",
    "administration.roles.": "web/pages/administration.py",
    "administration.ways.": "web/pages/administration.py",
    "administration.statuses.": "web/pages/administration.py",
    "gateway.": "connectors/gateway/pages",
}


def named_keys() -> tuple[set[str], set[str]]:
    """Keys and prefixes of keys (`t("state." ~ name)`) that templates and pages ask for."""
    sources = [*TEMPLATES, *(WEB / "pages").glob("*.py"), *(WEB / "api").glob("*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    keys = set(re.findall(r"""\bt\(\s*"([a-z_.]+)"(?!\s*~)""", text))
    # Conditional expressions and tables of keys: any quoted thing that has the form of a key we have.
    keys |= {word for word in re.findall(r'"([a-z_]+(?:\.[a-z_]+)+)"', text) if word in catalogue("en")}
    prefixes = set(re.findall(r"""\bt\(\s*"([a-z_.]+\.)"\s*~""", text))
    return keys, prefixes


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_keys_in_the_same_order() -> None:
    first, second = (catalogue(locale).keys for locale in LOCALES)
    assert first == second


@pytest.mark.parametrize("key", catalogue("en").keys)
def test_a_text_names_the_same_parameters_in_both_languages(key: str) -> None:
    chinese, english = (catalogue(locale) for locale in LOCALES)
    assert fields(chinese.text(key)) == fields(english.text(key))


def test_every_key_that_a_page_asks_for_exists() -> None:
    keys, prefixes = named_keys()
    known = catalogue("en")
    assert {key for key in keys if key not in known} == set()
    assert {prefix for prefix in prefixes if not any(key.startswith(prefix) for key in known.keys)} == set()


def test_no_text_is_left_over() -> None:
    keys, prefixes = named_keys()
    prefixes |= set(COMPOSED) | {f"preferences.{name}." for name in ("locale", "theme", "size")}
    unused = {key for key in catalogue("en").keys if key not in keys and not key.startswith(tuple(prefixes))}
    assert unused == set()


def test_every_action_that_the_ledger_records_has_a_name() -> None:
    action = re.compile(
        r'"((?:sign_in|session|oidc|launch|vault|gateway|directory|client|system|recipe|login_request)\.[a-z_]+)"'
    )
    sources = [path for floor in ("vault", "sso", "connectors") for path in (WEB.parent / floor).rglob("*.py")]
    recorded = {found for path in sources for found in action.findall(path.read_text(encoding="utf-8"))}
    assert "vault.release" in recorded
    assert {name for name in recorded if f"actions.{name}" not in catalogue("en")} == set()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_no_text_of_its_own(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    source = re.sub(r"\{% block (leaf_class|sheet_class|body_attributes) %\}.*?\{% endblock %\}", "", source)
    source = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", source, flags=re.DOTALL)
    source = re.sub(r"<(script|style)\b.*?</\1>|<!.*?>", "", source, flags=re.DOTALL)
    words = re.findall(r"[A-Za-z一-鿿]{2,}", re.sub(r"<[^>]*>", " ", source))
    assert words == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_no_inline_script_style_or_handler(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:|hx-on|<script(?![^>]*\ssrc=)", source) == []


@pytest.mark.parametrize(
    ("cookie", "header", "expected"),
    [
        (None, None, "zh-CN"),
        (None, "en-GB,en;q=0.9,zh;q=0.8", "en"),
        (None, "fr, zh-TW;q=0.7, en;q=0.3", "zh-CN"),
        (None, "en;q=0, zh", "zh-CN"),
        (None, "de, fr", "zh-CN"),
        (None, ";;;q=x,,", "zh-CN"),
        ("en", "zh-CN", "en"),
        ("../en", "en", "en"),
    ],
)
def test_the_language_is_the_cookies_then_the_browsers_then_chinese(
    cookie: str | None, header: str | None, expected: str
) -> None:
    assert choose_locale(cookie, header) == expected


def test_an_unknown_error_code_still_says_something() -> None:
    texts = catalogue("en")
    assert texts.error("ERR-NEVER_HEARD_OF", {}) == texts.text("errors.unknown")


def test_parameters_that_do_not_fit_never_break_an_error() -> None:
    texts = Catalogue("en", {"errors.unknown": "no", "errors.ERR-X": "wait {minutes} minutes"})
    assert texts.error("ERR-X", {}) == "no"
    assert texts.error("ERR-X", {"minutes": 5}) == "wait 5 minutes"


def test_a_parameter_that_is_a_word_of_ours_is_said_in_the_readers_language() -> None:
    texts = Catalogue("en", {"errors.ERR-X": "no: {rule}", "terms.rule.short": "too short", "errors.unknown": "no"})
    assert texts.error("ERR-X", {"rule": "short"}) == "no: too short"
