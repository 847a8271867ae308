"""Variables of transforms, the bodies of sign-in requests, patterns of paths and JSON pointers."""

import json
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import ConnectorError
from connectors.legacy.page.document import Document
from connectors.legacy.page.submission import form_fields, json_body, multipart, urlencoded
from connectors.legacy.page.walk import read_page
from connectors.legacy.recipe.globs import matches_path
from connectors.legacy.recipe.pointers import is_pointer, value_at
from connectors.legacy.recipe.recipe import Recipe, parse_recipe
from connectors.legacy.recipe.variables import from_cookies, from_page, from_request, from_response, require_variables


def _recipe(variable: str) -> Recipe:
    return parse_recipe(f"id: x\ntransform: md5(password + v)\nvariables:\n  v: {variable}\n")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ('{from: page, selector: "#s"}', "abc"),
        ('{from: page, selector: "#s", attribute: data-k}', "k1"),
        ("{from: page, selector: p, attribute: text}", "盐: 42"),
        ("{from: page, selector: p, attribute: text, regex: '(\\d+)'}", "42"),
        ("{from: page, regex: 'var key = \"(\\w+)\"'}", "K9"),
        ('{from: page, selector: "#none"}', None),
        ("{from: page, selector: '!!'}", None),
        ("{from: page, regex: 'nothing (x)'}", None),
    ],
)
def test_a_variable_is_read_from_the_page(variable: str, value: str | None) -> None:
    page = '<meta charset=gbk><input id="s" value="abc" data-k="k1"><p>盐: 42</p><script>var key = "K9";</script>'
    assert from_page(_recipe(variable), page.encode("gbk")) == ({"v": value} if value is not None else {})


def test_a_variable_is_read_from_an_earlier_answer() -> None:
    pointed = _recipe("{from: response, path: /api/*, pointer: /data/key}")
    body = json.dumps({"data": {"key": "k", "n": 5}}).encode()
    assert from_response(pointed, "http://a.test/api/pk?t=1", body) == {"v": "k"}
    assert from_response(pointed, "http://a.test/other", body) == {}
    assert from_response(pointed, "/api/pk", b"not json") == {}
    number = _recipe("{from: response, path: /api/*, pointer: /data/n}")
    assert from_response(number, "/api/pk", body) == {"v": "5"}
    matched = _recipe("{from: response, path: /k.js, regex: 'key=(\\w+)'}")
    assert from_response(matched, "/k.js", b"var key=Z1;") == {"v": "Z1"}


def test_a_variable_is_read_from_cookie_and_request() -> None:
    assert from_cookies(_recipe("{from: cookie, name: SALT}"), {"SALT": "c", "X": "y"}) == {"v": "c"}
    assert from_request(_recipe("{from: request, field: nonce}"), {"nonce": "n"}) == {"v": "n"}
    assert from_request(_recipe("{from: request, field: /a/n}"), {"a": {"n": "n"}}) == {"v": "n"}
    assert from_request(_recipe("{from: request, field: /a/n}"), {}) == {}


def test_without_a_value_nothing_may_be_sent() -> None:
    recipe = _recipe("{from: cookie, name: SALT}")
    require_variables(recipe, {"v": ""})
    with pytest.raises(ConnectorError) as caught:
        require_variables(recipe, {})
    assert caught.value.code == "ERR-TRANSFORM"


def test_a_form_is_sent_as_a_browser_would() -> None:
    page = read_page(
        Document(
            "<form id=f><input name=a value=1><input name=b type=checkbox checked><input name=c type=checkbox>"
            "<select name=d><option value=x>X<option value=y selected>Y</select><input name=e disabled value=1>"
            "<textarea name=t></textarea><input type=file name=g><button name=go value=1>登录</button>"
            '<button name=other value=2>other</button></form><input name="outside">'
        )
    )
    form = page.document.first("form")
    assert form_fields(page, form, 'button[name="go"]') == [
        ("a", "1"),
        ("b", "on"),
        ("d", "y"),
        ("t", ""),
        ("go", "1"),
    ]


@given(st.lists(st.tuples(st.text(min_size=1, max_size=8), st.text(max_size=12)), min_size=1, max_size=4))
def test_an_urlencoded_body_is_read_back(fields: list[tuple[str, str]]) -> None:
    try:
        body = urlencoded(fields, "utf-8")
    except UnicodeEncodeError:
        return
    assert parse_qsl(body.content.decode("ascii"), keep_blank_values=True, strict_parsing=True) == fields


def test_a_gbk_body_is_what_a_gbk_server_reads() -> None:
    body = urlencoded([("user", "张三"), ("p", bytearray("密码 &".encode()))], "gbk")
    assert bytes(body.content) == b"user=%D5%C5%C8%FD&p=%C3%DC%C2%EB+%26"


def test_other_bodies_carry_the_same_fields() -> None:
    assert json.loads(json_body([("/data/u", "张"), ("/data/p", bytearray(b"x")), ("n", "1")]).content) == {
        "data": {"u": "张", "p": "x"},
        "n": "1",
    }
    body = multipart([("u", "张"), ("p", bytearray(b"x"))], "utf-8")
    assert body.content.count(b"form-data") == 2
    assert b'name="u"\r\n\r\n' + "张".encode() + b"\r\n" in body.content


def test_a_body_does_not_show_what_it_holds() -> None:
    assert "hunter2" not in repr(urlencoded([("p", bytearray(b"hunter2"))], "utf-8"))


@pytest.mark.parametrize(
    ("glob", "address", "fits"),
    [
        ("/login*", "/login.jsp", True),
        ("/login*", "http://a.test/login.jsp?x=1", True),
        ("/login*", "/login/deep", False),
        ("/login/**", "/login/deep/er", True),
        ("/usp.do?action=login*", "/usp.do?action=login&a=1", True),
        ("/usp.do?action=login", "/usp.do?action=other", False),
        ("/", "http://a.test", True),
        ("https://a.test/*", "https://a.test/x", True),
        ("https://a.test/*", "http://a.test/x", False),
        ("/a.b", "/aXb", False),
        ("*", "http://[", False),
    ],
)
def test_patterns_of_paths(glob: str, address: str, fits: bool) -> None:
    assert matches_path(glob, address) is fits


@given(st.text(max_size=20).filter(lambda text: "*" not in text and "?" not in text and "#" not in text))
def test_a_pattern_without_stars_is_literal(text: str) -> None:
    path = "/" + text.lstrip("/")
    if path.isprintable() and path.isascii():
        assert matches_path(path, path)


def test_json_pointers_are_those_of_the_standard() -> None:
    # RFC 6901 §5.
    document = {"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, " ": 7, "m~n": 8}
    expected = {
        "": document,
        "/foo": ["bar", "baz"],
        "/foo/0": "bar",
        "/": 0,
        "/a~1b": 1,
        "/c%d": 2,
        "/ ": 7,
        "/m~0n": 8,
    }
    for pointer, value in expected.items():
        assert is_pointer(pointer)
        assert value_at(document, pointer) == value
    for missing in ("/foo/2", "/foo/00", "/foo/-", "/nope", "/foo/0/x"):
        with pytest.raises(KeyError):
            value_at(document, missing)
    assert not is_pointer("foo")
    assert not is_pointer("/~2")
