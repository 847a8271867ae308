"""What people type and paste: full width, groups, byte order marks (issue: values of the real world)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sso.typed import described, plain_code, trimmed


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "123456",
            "123 456",
            "123-456",
            " 123456\n",
            "１２３４５６",
            "１２３　４５６",
            "１２３－４５６",
            "\ufeff123456",
        ),
        *("1 2 3 4 5 6", "123\u2013456", "123\u2212456", "123\u00a0456", "\u200e123456\u202c", "123\u200b456"),
        *("١٢٣٤٥٦", "༡༢༣༤༥༦"),
    ],
)
def test_every_way_to_write_a_number_is_that_number(typed: str) -> None:
    assert plain_code(typed) == "123456"


def test_letters_and_signs_of_a_code_stay() -> None:
    assert plain_code("ＧＥＺＤ gezd=２") == "GEZDgezd=2"
    assert plain_code("12345O") == "12345O"


@given(st.text())
def test_what_is_plain_stays_as_it_is(text: str) -> None:
    assert plain_code(plain_code(text)) == plain_code(text)
    assert trimmed(trimmed(text)) == trimmed(text)


@pytest.mark.parametrize(
    ("char", "name"),
    [
        ("ß", '"ß" (U+00DF LATIN SMALL LETTER SHARP S)'),
        (" ", "U+0020 SPACE"),
        ("\u200b", "U+200B ZERO WIDTH SPACE"),
        ("\x07", "U+0007"),
        ("\ue000", "U+E000"),
    ],
)
def test_a_refusal_names_a_character(char: str, name: str) -> None:
    assert described(char) == name
