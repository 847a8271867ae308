"""What a system's message over a socket says of a sign-in."""

import json
from typing import Any

import pytest

from connectors.gateway.answers.packets import engine_session_in, messages_in
from connectors.legacy.outcome.judge import judge_message
from connectors.legacy.outcome.message import number_of
from connectors.legacy.recipe.recipe import parse_recipe
from connectors.login_requests.channel import Framing

URL = "http://oa.county/ws"


def outcome(framing: Framing, text: str, recipe: str | None = None) -> str:
    (message,) = messages_in(framing, text)
    return judge_message(parse_recipe(recipe) if recipe else None, message, URL).result


@pytest.mark.parametrize(
    ("framing", "text", "result"),
    [
        ("engine.io", '430[{"ok":true,"token":"t"}]', "success"),
        ("engine.io", '430[{"ok":false,"msg":"authIncorrectCreds"}]', "failure"),
        ("engine.io", '430[{"tokenRequired":true}]', "unknown"),
        ("engine.io", "430[true]", "success"),
        ("engine.io", "430[false]", "failure"),
        ("engine.io", "430[null]", "unknown"),
        ("engine.io", '430[null,{"token":"t"}]', "success"),
        ("engine.io", '430["账号已被锁定"]', "locked"),
        ("engine.io", '42["auth:success"]', "success"),
        ("engine.io", '42["auth:success",{"lastMessage":-1}]', "success"),
        ("engine.io", '42["auth:failed"]', "failure"),
        ("engine.io", '42["auth:failed",{"message":"Too many attempts"}]', "locked"),
        ("engine.io", '42["loginError",{"message":"验证码错误"}]', "unknown"),
        ("engine.io", '42["loginRequired"]', "unknown"),
        ("engine.io", '42["notAuthenticated"]', "unknown"),
        ("engine.io", '42["unauthorized"]', "failure"),
        ("json", '{"msg":"result","id":"1","result":{"id":"u","token":"t"}}', "success"),
        ("json", '{"msg":"result","id":"1","error":{"error":403,"reason":"User not found"}}', "failure"),
        ("json", '{"jsonrpc":"2.0","id":3,"result":true}', "success"),
        ("json", '{"jsonrpc":"2.0","id":3,"error":{"code":-32000,"message":"denied"}}', "failure"),
        ("json", '{"type":3,"invocationId":"0","result":{"token":"t"}}\x1e', "success"),
        ("json", '{"type":3,"invocationId":"0","error":"An unexpected error"}\x1e', "failure"),
        ("json", '{"type":"login","code":0}', "success"),
        ("json", '{"type":"login_failed"}', "failure"),
        ("json", '{"type":"login","message":"密码错误"}', "failure"),
        ("json", '{"type":"login"}', "unknown"),
        ("sockjs", 'a["{\\"type\\":\\"login\\",\\"success\\":false}"]', "failure"),
    ],
)
def test_an_answer_is_understood_without_what_its_protocol_says_around_it(
    framing: Framing, text: str, result: str
) -> None:
    assert outcome(framing, text) == result


def test_the_conditions_of_a_recipe_come_first_and_see_the_whole() -> None:
    recipe = 'id: chat\noutcome: {failure: [{pointer: /0, equals: "hello"}], success: [{pointer: /0, equals: "x"}]}\n'
    assert outcome("engine.io", '42["hello",{"ok":true}]', recipe) == "failure"
    assert outcome("engine.io", '42["other",{"ok":true}]', recipe) == "success"


@pytest.mark.parametrize(
    ("framing", "text", "found"),
    [
        ("engine.io", '2\x1e42["a"]\x1e430[1]', 2),
        ("engine.io", '42/admin,["a"]', 1),
        ("engine.io", '42["a"', 0),
        ("engine.io", '42{"a":1}', 0),
        ("engine.io", "[" * 5000, 0),
        ("engine.io", '42["' + "a" * 70_000 + '"]', 0),
        ("sockjs", 'a["{}","[]"]', 2),
        ("sockjs", "h", 0),
        ("sockjs", 'c[3000,"Go away!"]', 0),
        ("json", '{"a":1}\x1e{"b":2}\x1e', 2),
        ("json", "ok then", 0),
        ("unclear", '{"a":1}', 1),
    ],
)
def test_messages_are_taken_out_of_their_frames_and_what_is_none_is_left(
    framing: Framing, text: str, found: int
) -> None:
    assert len(list(messages_in(framing, text))) == found


@pytest.mark.parametrize(
    ("text", "session"),
    [('0{"sid":"a","upgrades":[]}', "a"), ('0{"sid":1}', ""), ('40{"sid":"a"}', ""), ("0", ""), ("0{", "")],
)
def test_only_the_first_packet_of_engine_io_opens_a_session(text: str, session: str) -> None:
    assert engine_session_in(text) == session


@pytest.mark.parametrize(
    ("document", "number"),
    [({"id": 7}, "id=7"), ({"id": "7"}, "id=7"), ({"seq": 1, "id": 2}, "id=2"), ({"id": ""}, ""), ([1], ""), ({}, "")],
)
def test_a_message_is_joined_to_its_answer_by_name_and_value(document: Any, number: str) -> None:
    assert number_of(document) == number
    assert number_of(json.loads(json.dumps(document))) == number
