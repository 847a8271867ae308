"""Putting a value into a body: parsers of the three kinds read it back, and every other byte stays."""

import email
import email.policy
import json
from urllib.parse import parse_qsl, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.gateway.bodies import Kind, kind_of, places_in, replaced
from connectors.gateway.fills import new_dummy

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\x00"), min_size=1, max_size=30)
NAME = st.from_regex(r"[A-Za-z][\w.]{0,12}", fullmatch=True).filter(lambda name: name != "pw")
FIELDS = st.dictionaries(NAME, TEXT, max_size=4)
DUMMY = new_dummy()


def put(body: bytes, content_type: str, secret: str, charset: str = "utf-8") -> bytes:
    kind = kind_of(content_type, body)
    assert kind is not None
    [place] = [one for one in places_in(body, kind, content_type, charset) if one.value == DUMMY]
    assert place.is_certain
    return bytes(replaced(body, place, kind, bytearray(secret.encode()), charset))


@given(FIELDS, TEXT)
def test_a_form_field_is_replaced(fields: dict[str, str], secret: str) -> None:
    body = "&".join(f"{name}={quote_plus(value)}" for name, value in {**fields, "pw": DUMMY}.items()).encode()
    got = put(body, "application/x-www-form-urlencoded", secret)
    assert dict(parse_qsl(got.decode(), keep_blank_values=True)) == {**fields, "pw": secret}


@given(FIELDS, TEXT, st.booleans())
def test_a_json_string_is_replaced(fields: dict[str, str], secret: str, ascii_only: bool) -> None:
    body = json.dumps({**fields, "deep": [{"pw": DUMMY}]}, ensure_ascii=ascii_only).encode()
    assert json.loads(put(body, "application/json", secret)) == {**fields, "deep": [{"pw": secret}]}


@given(st.lists(st.tuples(NAME, st.binary(max_size=20)), max_size=3), TEXT)
def test_a_multipart_field_is_replaced(files: list[tuple[str, bytes]], secret: str) -> None:
    parts = [b'Content-Disposition: form-data; name="pw"\r\n\r\n' + DUMMY.encode()]
    for name, content in files:
        head = f'Content-Disposition: form-data; name="{name}"; filename="x"\r\n\r\n'.encode()
        parts.append(head + content.replace(b"--boundary", b""))
    body = b"--boundary\r\n" + b"\r\n--boundary\r\n".join(parts) + b"\r\n--boundary--\r\n"
    content_type = "multipart/form-data; boundary=boundary"
    got = put(body, content_type, secret)
    assert got == body.replace(DUMMY.encode(), secret.encode())
    message = email.message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + got, policy=email.policy.HTTP)
    assert message.get_payload(0).get_payload(decode=True) == secret.encode()  # type: ignore[union-attr]


@given(st.binary(max_size=300), st.sampled_from(["json", "urlencoded", "multipart"]))
def test_no_body_breaks_the_search(body: bytes, kind: Kind) -> None:
    for place in places_in(body, kind, "multipart/form-data; boundary=a", "utf-8"):
        assert place.start <= place.end


ANY_TEXT = st.text(st.characters(exclude_categories=[]))


@given(st.recursive(ANY_TEXT | st.integers(), lambda inner: st.dictionaries(ANY_TEXT, inner) | st.lists(inner)))
def test_no_document_breaks_the_search(document: object) -> None:
    """Half surrogates, JSON texts in JSON texts, and whatever else parses."""
    for sent in (json.dumps(document), json.dumps({"a": json.dumps(document)})):
        for place in places_in(sent.encode(), "json", "application/json", "utf-8"):
            place.field.encode()
            place.value.encode()


@pytest.mark.parametrize("depth", [900, 5000, 100_000])
def test_a_deep_document_breaks_nothing(depth: int) -> None:
    body = b"[" * depth + b'"x"' + b"]" * depth
    assert len(places_in(body, "json", "application/json", "utf-8")) <= 1
