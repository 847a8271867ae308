"""The grammar of a message that may be a login: what is read, what is written anew, and what is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.gateway.swap.body import AmbiguousBodyError
from connectors.gateway.swap.body.message import MAX_MESSAGE_BYTES, MessageBody, namespace_of, parse_message
from connectors.login_requests.channel import Channel, Framing

ORIGIN = "http://oa.county"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
MEMBER = st.text("abcxyz-_1", min_size=1, max_size=6)
VALUES = st.recursive(
    TEXT | st.booleans() | st.none() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBER, inner, max_size=3),
    max_leaves=8,
)
NUMBER = st.integers(0, 10**9).map(str) | st.just("")
NAMESPACE = st.sampled_from(["", "/admin,", "/a/b-c,"])


def written(framing: Framing, message: str, pointer: str, secret: str) -> str:
    parsed = parse_message(framing, message.encode())
    return parsed.written({pointer: bytearray(secret.encode())})[0].decode()


# What is read and written anew


@given(VALUES, TEXT, NUMBER, NAMESPACE)
def test_an_event_of_socket_io_keeps_its_frame_and_everything_but_the_secret(
    beside: object, secret: str, number: str, namespace: str
) -> None:
    before = f"42{namespace}{number}"
    again = written("engine.io", before + json.dumps(["login", beside, {"password": "d"}]), "/2/password", secret)
    assert again.startswith(f"{before}[")
    assert json.loads(again.removeprefix(before)) == ["login", beside, {"password": secret}]


@given(VALUES, TEXT)
def test_a_message_of_sockjs_is_written_twice_quoted(beside: object, secret: str) -> None:
    message = json.dumps([json.dumps({"method": "login", "params": [beside, "d"]})])
    again = written("sockjs", message, "/params/1", secret)
    (inner,) = json.loads(again)
    assert json.loads(inner) == {"method": "login", "params": [beside, secret]}


@given(VALUES, TEXT, st.sampled_from(["", "\x1e"]))
def test_json_alone_and_with_the_mark_of_signalr_is_written_as_it_came(beside: object, secret: str, end: str) -> None:
    again = written("json", json.dumps({"target": "Login", "arguments": [beside, "d"]}) + end, "/arguments/1", secret)
    assert json.loads(again.removesuffix("\x1e")) == {"target": "Login", "arguments": [beside, secret]}
    assert again.endswith(end)


@given(st.sampled_from(["json", "engine.io", "sockjs", "unclear"]), st.text(max_size=60) | st.binary(max_size=60))
def test_whatever_is_sent_is_read_as_one_document_or_refused(framing: Framing, message: str | bytes) -> None:
    raw = message.encode("utf-8", "surrogatepass") if isinstance(message, str) else message
    try:
        parsed = parse_message(framing, raw)
    except AmbiguousBodyError:
        return
    assert isinstance(parsed, MessageBody)
    again = parse_message(framing, bytes(parsed.written({})[0]))
    assert list(again.leaves) == list(parsed.leaves)


# What is refused


@pytest.mark.parametrize(
    ("framing", "message"),
    [
        ("engine.io", '["login","d"]'),
        ("engine.io", '42 ["login","d"]'),
        ("engine.io", '42["login","d"]x'),
        ("engine.io", '42["login","d"]42["login","d"]'),
        ("engine.io", '42["login","d"]\x1e2'),
        ("engine.io", '14:42["login","d"]'),
        ("engine.io", '42{"login":"d"}'),
        ("engine.io", "42[]"),
        ("engine.io", "42[1]"),
        ("engine.io", '42١["login"]'),
        ("engine.io", '421234567890123456["login"]'),
        ("engine.io", '42/a b,["login"]'),
        ("engine.io", '42admin,["login"]'),
        ("engine.io", '451-["login"]'),
        ("engine.io", '431["login"]'),
        ("engine.io", '40["login"]'),
        ("engine.io", '42["login",{"a":1,"a":2}]'),
        ("engine.io", '42["login",{"a":1,"A":2}]'),
        ("engine.io", '42["login",NaN]'),
        ("engine.io", '42["login","\\ud800"]'),
        ("engine.io", '42["login","\x00"]'),
        ("engine.io", "42[" + "[" * 40 + "]" * 40 + "]"),
        ("sockjs", '{"a":1}'),
        ("sockjs", '["{\\"a\\":1}","{}"]'),
        ("sockjs", '["CONNECT\\n\\n\\u0000"]'),
        ("sockjs", '["\\"a\\""]'),
        ("sockjs", "[1]"),
        ("json", "1"),
        ("json", '"a"'),
        ("json", '{"a":1}\x1e{"b":1}\x1e'),
        ("json", '{"a":1}\x1e\x1e'),
        ("json", '{"a":1} {"b":1}'),
        ("json", "\ufeff{}"),
        ("unclear", '42["login"]'),
        ("json", '{"a":"' + "x" * MAX_MESSAGE_BYTES + '"}'),
    ],
)
def test_what_two_programs_could_read_in_two_ways_is_refused(framing: Framing, message: str) -> None:
    with pytest.raises(AmbiguousBodyError):
        parse_message(framing, message.encode("utf-8", "surrogatepass"))


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(AmbiguousBodyError):
        parse_message("json", b'{"a":"\xff"}')


# The channel


@pytest.mark.parametrize(
    ("target", "framing", "path", "query", "session"),
    [
        ("/socket.io/?EIO=4&transport=websocket&sid=s&t=1", "engine.io", "/socket.io/", (), "s"),
        ("/socket.io/?EIO=3&transport=polling&b64=1&room=a", "engine.io", "/socket.io/", (("room", "a"),), ""),
        ("/socket.io/?EIO=4&EIO=3&transport=websocket", "unclear", "/socket.io/", (), ""),
        ("/socket.io/?EIO=4&transport=websocket&sid=a&sid=b", "unclear", "/socket.io/", (), "b"),
        ("/socket.io/?EIO=4&transport=polling&j=0", "unclear", "/socket.io/", (), ""),
        ("/socket.io/?EIO=4", "unclear", "/socket.io/", (), ""),
        ("/sockjs/402/k3jx9a0b/websocket", "sockjs", "/sockjs/*/*/websocket", (), ""),
        ("/sockjs/websocket", "json", "/sockjs/websocket", (), ""),
        ("/ws?token=a", "json", "/ws", (("token", "a"),), ""),
    ],
)
def test_the_address_says_how_messages_are_framed_and_what_of_it_stays(
    target: str, framing: Framing, path: str, query: tuple[tuple[str, str], ...], session: str
) -> None:
    channel = Channel.parse(ORIGIN, target)
    assert (channel.framing, channel.path, channel.query, channel.session) == (framing, path, query, session)


def test_a_namespace_is_a_part_of_where_a_message_goes() -> None:
    channel = Channel.parse(ORIGIN, "/socket.io/?EIO=4&transport=websocket")
    assert channel.line(namespace_of("engine.io", '42/admin,7["login"]')).path == "/socket.io/ /admin"
    assert channel.line(namespace_of("engine.io", '427["login","/admin,"]')).path == "/socket.io/"
