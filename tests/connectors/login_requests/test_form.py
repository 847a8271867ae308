"""The login request of a form, as the server gives it to a visitor who is not signed in."""

import pytest

from connectors.legacy.page.login_form import login_form
from connectors.login_requests import LoginRequest
from connectors.login_requests.form import request_of_form

ORIGIN = "http://oa.county"
PAGE = """<form action="{action}" method="{method}" enctype="{enctype}">{hidden}
用户名<input name="username">密码<input type="password" name="password"><button>登录</button></form>{script}"""


def read(*hidden: str, **changes: str) -> LoginRequest | None:
    values = {"action": "/login", "method": "post", "enctype": "", "script": ""} | changes
    pages = [PAGE.format(hidden=one, **values) for one in (*hidden, *hidden, "", "")[:2]]
    first, again = (login_form(page.encode(), f"{ORIGIN}/in") for page in pages)
    assert first is not None
    return request_of_form(first, again, [ORIGIN])


def test_the_form_tells_where_the_password_goes() -> None:
    found = read()
    assert found is not None
    assert (found.origin, found.method, found.path, found.kind) == (ORIGIN, "POST", "/login", "urlencoded")
    assert (found.username, dict(found.passwords)) == ("username", {"password": None})


def test_a_hidden_field_that_says_what_is_asked_for_is_a_constant_and_a_token_is_none() -> None:
    action, token = '<input type="hidden" name="do" value="login">', '<input type="hidden" name="csrf" value="{}">'
    found = read(action + token.format("a1"), action + token.format("b2"))
    assert found is not None
    assert dict(found.constants) == {"do": "login"}
    assert found.made_only == ("do", "csrf")


def test_a_hidden_field_that_a_script_sets_is_no_constant() -> None:
    found = read(
        '<input type="hidden" name="_task" value="login"><input type="hidden" name="_timezone" value="_default_">'
    )
    assert found is not None
    assert dict(found.constants) == {"_task": "login"}


def test_an_address_says_where_to_go_on_and_is_neither_constant_nor_fixed() -> None:
    back = "http://oa.county/login"
    found = read(f'<input type="hidden" name="page" value="{back}">', action=f"/in?service={back}&do=login")
    assert found is not None
    assert (dict(found.constants), dict(found.query)) == ({}, {"service": None, "do": "login"})


def test_a_value_of_the_address_that_differs_from_visit_to_visit_is_not_fixed() -> None:
    found = read(action="/login.php?do=login")
    assert found is not None
    assert dict(found.query) == {"do": "login"}


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "get"},
        {"action": "http://evil.example/login"},
        {"action": "http://oa.county:8080/login"},
        {"enctype": "text/plain"},
        {"action": "javascript:send()"},
    ],
)
def test_a_form_that_does_not_tell_is_left_to_a_supervised_sign_in(changes: dict[str, str]) -> None:
    assert read(**changes) is None
