"""Where a password may go: the known login requests, what a supervised sign-in may teach, and nothing else."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import md5
from typing import Any
from urllib.parse import urlencode

import pytest

from connectors.gateway.session.fills import Fill
from connectors.gateway.swap.body import parse_body
from connectors.gateway.swap.decision import Exchange, Refusal, Sent, decide
from connectors.login_requests import LoginRequest, RequestLine, Source
from connectors.login_requests.generation import Login
from connectors.login_requests.presets import Presets
from connectors.login_requests.store import Knowledge, Known

ORIGIN = "http://oa.county"
DUMMY = "Ym7abcdefghi"
LOGIN = "wangxw"
NOW = datetime(2026, 11, 23, tzinfo=UTC)
HERE = Login("s1", "g1")
FORM = "application/x-www-form-urlencoded"


def fill(**changes: Any) -> Fill:
    values: dict[str, Any] = {
        "id": "f1",
        "item_id": "i1",
        "dummy": DUMMY,
        "asks_username": True,
        "username_names": ("username",),
        "password_names": ("password",),
        "charset": "utf-8",
        "login_url": f"{ORIGIN}/login",
        "variables": {},
        "supervised": False,
        "presets": Presets(),
        "taught": (),
        "known_id": None,
        "created_at": NOW,
    }
    return Fill(**(values | changes))


def known(*, confirmed: bool = True, source: Source = Source.FORM, **changes: Any) -> Known:
    values: dict[str, Any] = {
        "origin": ORIGIN,
        "method": "POST",
        "path": "/login",
        "kind": "urlencoded",
        "username": "username",
        "passwords": {"password": None},
    }
    return Known("k1", HERE, None, source, LoginRequest(**(values | changes)), NOW, confirmed)


def ask(
    target: str, sent: object, *requests: Known, content_type: str = "", method: str = "POST", may_learn: bool = False,
    salts: Sequence[str] = (), filled: str = "", **changes: Any
) -> Exchange | Refusal | None:  # fmt: skip
    if isinstance(sent, bytes):
        body = sent
    elif content_type == FORM or (not content_type and isinstance(sent, dict) and "urlencoded" in sent):
        body = urlencode({name: value for name, value in sent.items() if name != "urlencoded"}).encode()  # type: ignore[attr-defined]
        content_type = FORM
    else:
        body, content_type = json.dumps(sent).encode(), content_type or "application/json"
    line = RequestLine.parse(ORIGIN, method, target)
    parsed = parse_body(content_type, body, "utf-8")
    asked = Sent(line, parsed, salts, filled)
    return decide(asked, fill(**changes), LOGIN, Knowledge(requests, may_learn))


def form(**fields: str) -> dict[str, str]:
    return {"urlencoded": "", **fields}


# The known login request


def test_the_known_login_request_takes_the_password_in_its_place() -> None:
    found = ask("/login", form(username=LOGIN, password=DUMMY), known())
    assert isinstance(found, Exchange)
    assert list(found.places) == ["password"]


def test_where_to_go_on_afterwards_is_no_part_of_the_login_request() -> None:
    fields = form(username=LOGIN, password=DUMMY)
    assert isinstance(ask("/login?next=/admin/x/&lang=zh", fields, known()), Exchange)
    assert isinstance(ask("/login", fields, known(query={"next": None})), Exchange)


def test_the_session_id_of_a_servlet_container_is_no_part_of_the_path() -> None:
    assert isinstance(ask("/login;jsessionid=1A", form(username=LOGIN, password=DUMMY), known()), Exchange)


@pytest.mark.parametrize(
    ("target", "method", "fields"),
    [
        ("/bbs/post", "POST", form(username=LOGIN, password=DUMMY)),
        ("/comments/save.php/login", "POST", form(username=LOGIN, password=DUMMY)),
        ("/profile/update;login", "POST", form(username=LOGIN, password=DUMMY)),
        ("/login/", "POST", form(username=LOGIN, password=DUMMY)),
        ("/Login", "POST", form(username=LOGIN, password=DUMMY)),
        ("/login?do=post", "POST", form(username=LOGIN, password=DUMMY)),
        ("/login", "PUT", form(username=LOGIN, password=DUMMY)),
        ("/login", "POST", form(username=DUMMY, password="x")),
        ("/login", "POST", form(username=LOGIN, password="x", remark=DUMMY)),
        ("/login", "POST", form(username=LOGIN, password=DUMMY, remark=DUMMY)),
        ("/login", "POST", {"username": LOGIN, "password": DUMMY}),
        ("/login", "POST", {"content": {"username": LOGIN, "password": DUMMY}}),
    ],
)
def test_anything_else_is_refused(target: str, method: str, fields: dict[str, str]) -> None:
    found = ask(target, fields, known(), method=method)
    assert isinstance(found, Refusal)
    assert found.code == "ERR-LOGIN_CHANGED"


def test_a_json_text_inside_a_field_takes_nothing() -> None:
    inner = json.dumps({"username": LOGIN, "password": DUMMY})
    assert isinstance(ask("/login", form(content=inner), known()), Refusal)


def test_a_hidden_field_takes_a_hash_and_never_the_password_itself() -> None:
    request = known(passwords={"shown": None, "digest": None}, made_only=("digest",))
    made = md5(DUMMY.encode()).hexdigest()
    found = ask("/login", form(username=LOGIN, shown="", digest=made), request)
    assert isinstance(found, Exchange)
    assert found.places["digest"].transform.expression == "md5(password)"
    assert isinstance(ask("/login", form(username=LOGIN, shown="", digest=DUMMY), request), Refusal)


def test_a_page_may_write_the_hash_into_several_fields() -> None:
    """vBulletin: one for the hash of the characters, one for that of their UTF-8, and the field itself emptied."""
    request = known(passwords={"shown": None, "md5": None, "md5_utf": None})
    made = md5(DUMMY.encode()).hexdigest()
    found = ask("/login", form(username=LOGIN, shown="", md5=made, md5_utf=made), request)
    assert isinstance(found, Exchange)
    assert sorted(found.places) == ["md5", "md5_utf"]


def test_a_constant_tells_a_login_from_other_calls_of_one_address() -> None:
    request = known(
        kind="json", path="/rpc", passwords={"/params/password": "password"}, constants={"/method": "login"}
    )
    sent = {"method": "login", "params": {"username": LOGIN, "password": DUMMY}}
    assert isinstance(ask("/rpc", sent, request), Exchange)
    assert isinstance(ask("/rpc", sent | {"method": "post.create"}, request), Refusal)
    assert ask("/rpc", {"method": "list", "params": {"page": "2"}}, request) is None


def test_a_value_of_the_address_that_changes_each_time_may_change_and_no_other_may() -> None:
    request = known(query={"do": "login", "code": None})
    fields = form(username=LOGIN, password=DUMMY)
    assert isinstance(ask("/login?do=login&code=77", fields, request), Exchange)
    for target in (
        "/login?do=post&code=77",
        "/login?do=login",
        "/login?do=login&code=7&do=post",
        "/login?do=login&code=1&x=1",
    ):
        assert isinstance(ask(target, fields, request), Refusal)


def test_what_was_learned_is_taken_at_its_word_about_every_place() -> None:
    request = known(source=Source.LEARNED, passwords={"a": "password", "b": "md5(password)"})
    made = md5(DUMMY.encode()).hexdigest()
    assert isinstance(ask("/login", form(username=LOGIN, a=DUMMY, b=made), request), Exchange)
    assert isinstance(ask("/login", form(username=LOGIN, a=DUMMY, b="other"), request), Refusal)


# What may be learned


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        ("/api/session", {"username": LOGIN, "password": DUMMY}),
        (
            "/graphql",
            {"query": "mutation Login($a: String!) { login(a: $a) }", "variables": {"name": LOGIN, "pwd": DUMMY}},
        ),
        (
            "/api/login",
            {"loginName": LOGIN, "password": md5(DUMMY.encode()).hexdigest(), "captcha": "3f9k", "uuid": "a-1"},
        ),
        ("/auth", form(u=LOGIN, password=DUMMY, csrf="Zm9vYmFy==", unit="财务科")),
        ("/rpc", {"method": "auth.login", "params": [LOGIN, DUMMY], "id": 2}),
        ("/api/v1/account/signin", {"email": LOGIN, "password": DUMMY, "remember": "true"}),
    ],
)
def test_a_supervised_sign_in_may_teach_a_request_of_a_conservative_shape(target: str, sent: dict[str, Any]) -> None:
    found = ask(target, sent, may_learn=True, supervised=True)
    assert isinstance(found, Exchange), found
    assert found.known is None
    assert found.taught is not None
    taught = Known("k2", HERE, "u1", Source.LEARNED, found.taught, NOW, is_confirmed=True)
    assert isinstance(ask(target, sent, taught), Exchange)


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        ("/bbs/post", {"username": LOGIN, "password": DUMMY}),
        ("/api/updateProfile", {"username": LOGIN, "password": DUMMY}),
        ("/api/user/register", {"username": LOGIN, "password": DUMMY}),
        ("/api/x", {"username": LOGIN, "content": DUMMY}),
        ("/rpc", {"method": "note.add", "params": [LOGIN, DUMMY], "id": 2}),
        ("/api/x", {"username": LOGIN, "password": DUMMY, "content": "a text of many words"}),
        ("/api/x", {"username": LOGIN, "password": DUMMY, "title": "<b>bold</b>"}),
        ("/api/x", {"username": LOGIN, "password": DUMMY, "again": DUMMY}),
        ("/api/x", {"username": LOGIN, "password": DUMMY, "passwordAgain": DUMMY}),
        ("/api/x", {"password": DUMMY}),
        ("/api/x", {"username": LOGIN, "author": LOGIN, "password": DUMMY}),
        ("/api/x", form(content=json.dumps({"username": LOGIN, "password": DUMMY}))),
    ],
)
def test_what_is_not_of_that_shape_teaches_nothing(target: str, sent: dict[str, Any]) -> None:
    found = ask(target, sent, may_learn=True, supervised=True)
    assert isinstance(found, Refusal)
    assert found.code == "ERR-FILL"


@pytest.mark.parametrize(
    "changes", [{"supervised": False, "may_learn": True}, {"supervised": True, "may_learn": False}]
)
def test_nothing_is_learned_without_supervision_or_where_something_is_known(changes: dict[str, Any]) -> None:
    sent = {"username": LOGIN, "password": DUMMY}
    assert isinstance(ask("/api/session", sent, known(), **changes), Refusal)


def test_the_request_after_an_accepted_check_may_be_learned_with_it() -> None:
    """Some pages ask a script first whether the password is right, and then send the form."""
    sent = form(username=LOGIN, password=DUMMY)
    found = ask("/do.login", sent, supervised=True, is_used=True, is_good_again=True)
    assert isinstance(found, Exchange)


# What no dummy explains


@pytest.mark.parametrize("made", ["a" * 64, "QUJDREVGR0hJSktMTU5PUA==", "04" + "ab" * 96])
def test_what_a_page_encrypts_in_an_unknown_way_is_not_sent(made: str) -> None:
    for changes in ({}, {"supervised": True, "may_learn": True}):
        requests = [] if changes else [known()]
        found = ask("/login", form(username=LOGIN, password=made), *requests, **changes)  # type: ignore[arg-type]
        assert isinstance(found, Refusal)
        assert found.code == "ERR-NEEDS_RECIPE"


def test_after_the_sign_in_other_calls_of_the_same_address_pass() -> None:
    request = known(kind="json", path="/rpc", passwords={"/password": "password"})
    assert ask("/rpc", {"password": "a" * 64}, request, is_used=True) is None


def test_what_a_person_types_instead_passes() -> None:
    assert ask("/login", form(username="me", password="my own"), known()) is None


def test_a_salt_that_the_page_had_at_hand_is_found() -> None:
    made = md5(f"{md5(DUMMY.encode()).hexdigest()}s4lt".encode()).hexdigest()
    found = ask("/login", form(username=LOGIN, password=made), known(), salts=["x", "s4lt"])
    assert isinstance(found, Exchange)
    assert found.places["password"].variables == {"salt": "s4lt"}
