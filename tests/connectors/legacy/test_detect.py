"""Detection on the corpus of real-life login pages, and on anything at all."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.legacy.page.detect import DetectedForm, Field, detect
from connectors.legacy.page.document import Document, charset_name, said_by
from tests.connectors.legacy.pages import PAGES, LoginPage

_LOGINS = [page for page in PAGES if page.expect]
_FIELD_ROLES = ("username", "password", "captcha", "otp", "tenant", "remember", "other")


def _detected(page: LoginPage) -> DetectedForm:
    found = detect(page.content, page.url, page.http)
    assert found is not None, f"nothing was found in {page.name}"
    return found


def _told(field: Field) -> str:
    return field.name or field.id or field.placeholder or field.type


def _of(found: DetectedForm, role: str) -> list[Field]:
    return [field for field in found.fields if field.role == role]


def test_the_corpus_is_large_enough_to_mean_something() -> None:
    assert len(PAGES) >= 40
    assert len({page.name for page in PAGES}) == len(PAGES)


@pytest.mark.parametrize("page", _LOGINS, ids=lambda page: page.name)
def test_every_field_of_a_login_page_has_its_role(page: LoginPage) -> None:
    found = _detected(page)
    expected: Mapping[str, str] = {role: page.expect[role] for role in _FIELD_ROLES if role in page.expect}
    for role, name in expected.items():
        assert name in [_told(field) for field in _of(found, role)], (role, found.fields)
    assert len(_of(found, "username")) <= 1
    assert len(_of(found, "password")) == 1
    for role in ("captcha", "otp"):
        if role not in page.expect and f"{role}_label" not in page.expect:
            assert _of(found, role) == []


@pytest.mark.parametrize("page", _LOGINS, ids=lambda page: page.name)
def test_every_selector_matches_its_field_and_nothing_else(page: LoginPage) -> None:
    found = _detected(page)
    document = Document(page.content, page.http)
    for field in (*found.fields, *([found.submit] if found.submit else [])):
        matched = document.all(field.selector)
        assert len(matched) == 1, field
        assert (matched[0].attributes.get("name") or "").strip() == field.name
    if found.form is not None:
        assert len(document.all(found.form)) == 1


@pytest.mark.parametrize("page", _LOGINS, ids=lambda page: page.name)
def test_the_form_itself_is_described(page: LoginPage) -> None:
    found = _detected(page)
    for name in ("action", "method", "charset", "form"):
        if name in page.expect:
            assert getattr(found, name) == page.expect[name]
    if "submit" in page.expect:
        assert found.submit is not None
        assert found.submit.label == page.expect["submit"]
    for name in set(page.expect.get("hidden", ())):
        assert name in [_told(field) for field in _of(found, "hidden")]
    for role in ("username", "password", "captcha"):
        if f"{role}_label" in page.expect:
            assert [field.label for field in _of(found, role)] == [page.expect[f"{role}_label"]]
    if "submit_selector_has" in page.expect:
        assert found.submit is not None
        assert found.submit.tag == page.expect["submit_selector_has"]


@pytest.mark.parametrize("page", [page for page in PAGES if page.none], ids=lambda page: page.name)
def test_what_is_no_login_form_is_not_taken_for_one(page: LoginPage) -> None:
    assert detect(page.content, page.url, page.http) is None


@pytest.mark.parametrize("page", [page for page in PAGES if page.frames], ids=lambda page: page.name)
def test_a_page_of_frames_says_where_to_look(page: LoginPage) -> None:
    found = _detected(page)
    assert found.fields == ()
    assert found.frames == page.frames


def test_every_decision_says_why_and_how_sure_it_is() -> None:
    for page in _LOGINS:
        found = _detected(page)
        assert found.why
        for field in found.fields:
            assert field.why
            assert 0 < field.confidence <= 1


def test_the_result_is_plain_json() -> None:
    import json

    for page in _LOGINS:
        assert json.loads(json.dumps(_detected(page).to_json()))["charset"]


_PIECES = [
    *["<form>", "</form>", "<table>", "<tr>", "<td>", "<input>", "<input type=password>", "<input name='a\"b\\\\'>"],
    *["<label>", "密码", "用户名", "<div style='display:none'>", "</div>", "<select>", "<template>", "<button>登录"],
    *["<style>.a{display:none}</style>", "<el-input/>", "<frameset>", "<iframe src=login>", "<!--", "\x00", "<svg>"],
]
_MARKUP = st.lists(st.sampled_from(_PIECES), max_size=25).map("".join)


@settings(max_examples=200, deadline=None)
@given(_MARKUP)
def test_any_markup_is_read_without_an_error_and_selectors_stay_unique(html: str) -> None:
    found = detect(html, "http://a.test/")
    if found is not None:
        document = Document(html)
        for field in found.fields:
            assert len(document.all(field.selector)) == 1


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([None, "gbk", "utf-8", "no-such-charset", "utf-16"]))
def test_any_bytes_are_read_without_an_error(content: bytes, charset: str | None) -> None:
    detect(content, "http://a.test/", charset)


def test_a_page_with_thousands_of_controls_is_looked_at_within_bounds() -> None:
    login = (
        '<form action="/l" method="post"><input name="u"><input type="password" name="p"><button>登录</button></form>'
    )
    found = detect(login + "<input><a href=#>x</a>" * 5000 + "<div onclick=x>" * 3000, "http://a.test/")
    assert found is not None
    assert [field.name for field in found.fields] == ["u", "p"]


@pytest.mark.parametrize("markup", ["<div onclick=x>字", "<label for=a>字", "<button>字"])
def test_what_is_nested_without_end_is_not_read_again_at_every_level(markup: str) -> None:
    nested = Document(markup * 3000)
    assert all(len(said_by(node)) < 1000 for node in nested.all("div, label, button"))


@pytest.mark.parametrize("charset", ["base64", "rot13", "hex", "zlib", "utf-7", "unicode_escape", "idna", "punycode"])
def test_a_codec_that_no_browser_knows_is_no_charset(charset: str) -> None:
    assert charset_name(charset) is None
    page = f'<meta charset="{charset}"><form>用户名<input name="u">密码<input type="password" name="p"></form>'
    for found in (detect(page.encode(), "http://a.test/"), detect(page.encode(), "http://a.test/", charset)):
        assert found is not None
        assert found.charset == "utf-8"


@pytest.mark.parametrize(
    "charset", ["gb2312", "GBK", "gb18030", "big5", "utf-8", "shift_jis", "euc-kr", "windows-1252"]
)
def test_a_charset_that_browsers_know_is_one(charset: str) -> None:
    assert charset_name(charset) is not None


_LOGIN = '<form><input name="account"><input type="password" name="pw"><button>登录</button></form>'


@pytest.mark.parametrize(
    "before",
    [
        '<form action="/search"><input name="q"><button>搜索</button></form>',
        '<form action="/register"><input name="r"><button>注册</button></form>',
        '<form><label for="account">搜索</label><input id="account" name="q"></form>',
    ],
)
def test_the_text_of_another_form_is_no_label(before: str) -> None:
    found = detect(before + _LOGIN.replace('name="account"', 'id="account" name="account"'), "http://a.test/")
    assert found is not None
    assert found.username is not None
    assert (found.username.name, found.username.label) == ("account", "")


def test_the_text_in_front_of_a_form_is_the_label_of_its_first_field() -> None:
    found = detect(f"<b>工号</b>{_LOGIN}", "http://a.test/")
    assert found is not None
    assert found.username is not None
    assert found.username.label == "工号"


def test_a_page_that_never_speaks_of_a_password_is_not_parsed() -> None:
    assert detect("<input><button>登录</button>", "http://a.test/") is None
